// SPDX-License-Identifier: Apache-2.0
//
// plimsoll test rules: promtool's unit tests of rules, with its verdicts and exit codes.
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "app/features.h"
#include "app/verbs.h"
#include "base/clock.h"
#include "base/format.h"
#include "base/log.h"
#include "base/number_text.h"
#include "model/regex.h"
#include "ruler/rule_test.h"

namespace plimsoll::app {
namespace {

// Go's MatchString looks anywhere in the text; ours matches the whole of it.
base::Result<std::function<bool(const std::string&)>> Wanted(const std::vector<std::string>& run) {
  if (run.empty()) return std::function<bool(const std::string&)>();
  std::string any;
  for (const std::string& pattern : run) any += (any.empty() ? "(?:" : "|(?:") + pattern + ")";
  auto regex = model::Regex::Compile("(?s:.*)(?:" + any + ")(?s:.*)");
  if (!regex) return base::BadInput("--run: " + regex.error().message);
  return std::function<bool(const std::string&)>(
      [regex = *std::move(regex)](const std::string& name) { return regex.Matches(name); });
}

std::string XmlText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\n':
        out += "&#xA;";
        break;
      case '\t':
        out += "&#x9;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;  // cannot stand in XML at all
    }
  }
  return out;
}

std::string JunitSuite(const ruler::TestFileOutcome& outcome, base::Time now) {
  std::size_t failures = 0;
  std::string cases;
  for (const ruler::TestOutcome& test : outcome.tests) {
    failures += test.failures.size();
    cases += fmt::format("<testcase name=\"{}\">", XmlText(test.name));
    for (const ruler::TestFailure& failure : test.failures) {
      cases +=
          fmt::format("<failure>{}</failure>", XmlText(ruler::FailureText(failure, false, false)));
    }
    for (const std::string& skipped : test.skipped) {
      cases += fmt::format("<system-out>SKIPPED: {}</system-out>", XmlText(skipped));
    }
    cases += "</testcase>";
  }
  if (!outcome.errors.empty()) {
    cases += fmt::format("<testcase name=\"unknown\"><error>{}</error></testcase>",
                         XmlText(outcome.errors.front().ToString()));
  }
  return fmt::format(
      "<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"0\" "
      "timestamp=\"{}\">{}</testsuite>",
      XmlText(outcome.file), outcome.tests.size(), failures, outcome.errors.empty() ? 0 : 1,
      base::FormatRfc3339(now - now % 1000), cases);
}

// What is wrong goes to standard error, the verdict to standard output.
void Print(const ruler::TestFileOutcome& outcome, const TestOptions& options, bool colour) {
  fmt::print("Unit Testing:  {}\n", outcome.file);
  std::fflush(stdout);
  for (const std::string& warning : outcome.warnings) {
    fmt::print(stderr, "  WARNING: {}\n", warning);
  }
  std::size_t skipped = 0;
  for (const ruler::TestOutcome& test : outcome.tests) {
    for (const std::string& what : test.skipped) {
      fmt::print(stderr, "  SKIPPED: {}: {}\n", test.name, what);
    }
    skipped += test.skipped.size();
  }
  if (outcome.Passed()) {
    const std::string note = skipped == 0 ? "" : fmt::format(" ({} skipped)", skipped);
    fmt::print("  SUCCESS{}\n\n", note);
    return;
  }
  fmt::print(stderr, "  FAILED:\n");
  for (const base::Error& error : outcome.errors) fmt::print(stderr, "    {}\n", error.ToString());
  if (outcome.error_count > outcome.errors.size()) {
    fmt::print(stderr, "    ... and {} more\n", outcome.error_count - outcome.errors.size());
  }
  for (const ruler::TestOutcome& test : outcome.tests) {
    for (const ruler::TestFailure& failure : test.failures) {
      fmt::print(stderr, "    name: {}, {}", test.name,
                 ruler::FailureText(failure, options.diff, colour));
    }
  }
  fmt::print(stderr, "\n");
}

}  // namespace

int Do(const TestOptions& options) {
  const auto wanted = Wanted(options.run);
  if (!wanted) return Fail(wanted.error()), kUsage;
  // A rule that fails is said once, with the test that it fails.
  base::SetLogLevel(base::LogLevel::kError);
  ruler::RuleTestOptions run;
  run.wanted = *wanted;
  run.ignore_unknown_fields = options.ignore_unknown_fields;
  run.promql = ParseOptionsOf(options.features);
  run.features = FeaturesOf(options.features);
  const bool colour = options.diff && isatty(STDERR_FILENO) == 1;
  const base::Time now = base::SystemClock().Now();
  bool passed = true;
  std::string suites;
  for (const std::string& file : options.files) {
    ruler::TestFileOutcome outcome;
    if (auto text = run.files.read(file)) {
      const auto slash = file.rfind('/');
      outcome = ruler::RunRuleTests(*text, file,
                                    slash == std::string::npos ? "" : file.substr(0, slash), run);
    } else {
      outcome.file = file;
      outcome.errors.push_back(std::move(text).error());
      outcome.error_count = 1;
    }
    Print(outcome, options, colour);
    passed = outcome.Passed() && passed;
    suites += JunitSuite(outcome, now);
  }
  if (!options.junit.empty()) {
    std::ofstream out(options.junit, std::ios::binary);
    out << "<testsuites>" << suites << "</testsuites>";
    if (!out.flush()) {
      fmt::print(stderr, "plimsoll: cannot write {}\n", options.junit);
      return kBadInput;
    }
  }
  return passed ? kGood : kBadInput;
}

}  // namespace plimsoll::app
