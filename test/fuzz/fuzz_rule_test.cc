// SPDX-License-Identifier: Apache-2.0
//
// Unit-test files, test scripts and the series in both: a text is refused with an error, or prints
// as one that means the same.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "model/sample.h"
#include "promql/series.h"
#include "ruler/rule_test_file.h"
#include "support/promql_script.h"

namespace {

using namespace plimsoll;  // NOLINT: a harness

[[noreturn]] void Broken(const char* what, std::string_view text, std::string_view printed) {
  std::fprintf(stderr, "%s\n%.*s\nprinted:\n%.*s\n", what, static_cast<int>(text.size()),
               text.data(), static_cast<int>(printed.size()), printed.data());
  std::abort();
}

// Small, so that a repetition cannot make the harness slow.
constexpr promql::SeriesLimits kLimits{.values = 1000};

void CheckSeries(std::string_view text) {
  const auto first = promql::ParseSeries(text, kLimits);
  if (!first) {
    if (first.error().message.empty()) Broken("refused without a text", text, "");
    return;
  }
  if (first->values.size() > kLimits.values) Broken("too many values", text, "");
  const std::string printed = promql::PrintSeries(*first);
  const auto second = promql::ParseSeries(printed, kLimits);
  if (!second) Broken(second.error().message.c_str(), text, printed);
  if (second->labels != first->labels) Broken("the labels differ", text, printed);
  const auto same = [](const std::optional<double>& a, const std::optional<double>& b) {
    if (!a || !b) return a.has_value() == b.has_value();
    if (std::isnan(*a) || std::isnan(*b))  // one NaN is as good as another, but for the marker
      return std::isnan(*a) && std::isnan(*b) && model::IsStaleNaN(*a) == model::IsStaleNaN(*b);
    return model::Sample{0, *a} == model::Sample{0, *b};
  };
  if (!std::equal(first->values.begin(), first->values.end(), second->values.begin(),
                  second->values.end(), same))
    Broken("the values differ", text, printed);
  if (promql::PrintSeries(*second) != printed) Broken("printing is not stable", text, printed);
  const auto metric = promql::ParseMetric(promql::PrintMetric(first->labels));
  if (!metric || *metric != first->labels) Broken("the metric differs", text, printed);
}

void CheckScript(std::string_view text) {
  const auto first = test::ParseScript(text, "fuzz.test", kLimits);
  if (!first) {
    if (first.error().where.line == 0) Broken("refused without a line", text, "");
    return;
  }
  const std::string printed = test::PrintScript(*first);
  const auto second = test::ParseScript(printed, "fuzz.test", kLimits);
  if (!second) Broken(second.error().ToString().c_str(), text, printed);
  if (second->size() != first->size()) Broken("a command was lost", text, printed);
  for (std::size_t i = 0; i < first->size(); ++i) {
    if ((*first)[i].what != (*second)[i].what) Broken("a command differs", text, printed);
  }
  if (test::PrintScript(*second) != printed) Broken("printing is not stable", text, printed);
}

void CheckFile(std::string_view text) {
  document::Errors errors;
  const auto file = ruler::ParseRuleTestFile(text, "fuzz.yml", errors, kLimits);
  if (file.has_value() != errors.empty()) Broken("neither a file nor an error", text, "");
  if (!file) return;
  for (const ruler::RuleTest& test : file->tests) {
    for (const base::Error& error : test.errors) {
      if (error.where.line == 0) Broken("an error without a place", text, error.message);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckSeries(text);
  CheckScript(text);
  CheckFile(text);
  return 0;
}
