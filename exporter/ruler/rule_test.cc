// SPDX-License-Identifier: Apache-2.0
//
// Load, evaluate, compare. Longer than most: one test goes through all three, and their errors are
// one list. See ruler/rule_test.h.
#include "ruler/rule_test.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "base/format.h"
#include "base/number_text.h"
#include "promql/walk.h"
#include "ruler/ruler.h"
#include "store/memory_store.h"

namespace plimsoll::ruler {

namespace {

using std::chrono::milliseconds;

constexpr std::string_view kAlerts = "ALERTS";
constexpr std::string_view kAlertsForState = "ALERTS_FOR_STATE";
// Nothing of a test expires.
constexpr auto kForever = std::chrono::hours(24 * 366 * 1000);

using Names = std::set<std::string, std::less<>>;

bool Selects(const promql::Expr& expr, const Names& names) {
  bool found = false;
  if (const auto* selector = std::get_if<promql::VectorSelector>(&expr.node)) {
    for (const model::Matcher& matcher : selector->matchers) {
      if (matcher.name() != model::kMetricName) continue;
      const auto literals = matcher.Literals();
      found = std::any_of(literals.begin(), literals.end(),
                          [&](const std::string& name) { return names.count(name) > 0; });
    }
  }
  promql::ForEachChild(expr,
                       [&](const promql::Expr& child) { found = found || Selects(child, names); });
  return found;
}

// The rules of a test file, ready to be run by each of its tests.
struct Loaded {
  RuleSet rules;  // one group each, in the order of evaluation
  std::vector<base::Error> errors;
  std::vector<std::string> warnings;
  bool alerts = false;  // some rule alerts
};

store::Limits NoLimits() {
  store::Limits limits;
  limits.max_series = UINT64_MAX;
  limits.max_bytes = UINT64_MAX;
  return limits;
}

// Adds to `names` every series that is recorded from one of them.
void Close(const RuleSet& rules, Names& names) {
  for (bool grown = true; grown;) {
    grown = false;
    for (const RuleFile& file : rules) {
      for (const Rule& rule : file.groups.front().rules) {
        if (Selects(*rule.expr, names)) grown = names.insert(rule.record).second || grown;
      }
    }
  }
}

class TestRun {
 public:
  TestRun(const RuleTestFile& file, const RuleTest& test, const Loaded& loaded,
          const RuleTestOptions& options, TestOutcome& outcome)
      : file_(file),
        test_(test),
        loaded_(loaded),
        options_(options),
        outcome_(outcome),
        store_(NoLimits()) {
    store_.SetWindow(kForever);
    query_.default_step = file.evaluation_interval;
    query_.max_samples = options.max_samples;
    query_.features = options.features;
  }

  void Run();

 private:
  void Fail(base::Error error) { outcome_.failures.push_back({std::move(error), false, {}, {}}); }
  bool Prepare();
  void LoadTill(model::Time until);
  bool EvaluateRules();
  bool ReportRules(const Ruler& ruler, model::Time at);
  void Check(const ExprTest& expr);
  std::string_view WhySkipped(const ExprTest& test) const;
  base::Result<std::vector<TestSample>> Query(const ExprTest& expr);
  bool Same(double expected, double got) const;

  struct Input {
    const promql::SeriesText* series;
    store::SeriesRef ref = 0;
    std::size_t next = 0;
  };

  const RuleTestFile& file_;
  const RuleTest& test_;
  const Loaded& loaded_;
  const RuleTestOptions& options_;
  TestOutcome& outcome_;
  store::MemoryStore store_;
  eval::Options query_;
  std::vector<Input> inputs_;
  milliseconds last_{0};  // the latest eval_time
  // Series that are not there, with what is recorded from them.
  Names from_alerts_;
  Names histograms_;
};

bool TestRun::Prepare() {
  for (const base::Error& error : test_.errors) Fail(error);
  for (const base::Error& error : loaded_.errors) Fail(error);
  for (const ExprTest& expr : test_.exprs) last_ = std::max(last_, expr.at);
  for (const AlertTest& alert : test_.alerts) {
    last_ = std::max(last_, alert.at);
    outcome_.skipped.push_back(
        base::format("{}: alert_rule_test of {} at {}: alerting rules are not evaluated",
                     alert.where.ToString(), alert.alert, base::FormatDuration(alert.at)));
  }
  const auto evaluations =
      static_cast<std::uint64_t>(last_.count() / file_.evaluation_interval.count()) + 1;
  if (evaluations > options_.max_evaluations) {
    Fail({base::Error::Kind::kLimit,
          base::format("the groups would be evaluated {} times, expected at most {}", evaluations,
                       options_.max_evaluations),
          test_.where});
  }
  if (loaded_.alerts) from_alerts_ = {std::string(kAlerts), std::string(kAlertsForState)};
  histograms_ = Names(test_.histograms.begin(), test_.histograms.end());
  Close(loaded_.rules, from_alerts_);
  Close(loaded_.rules, histograms_);
  // Of series with the same labels the last one counts.
  std::map<model::Labels, const promql::SeriesText*> series;
  for (const promql::SeriesText& input : test_.input) series[input.labels] = &input;
  for (const auto& [labels, text] : series) inputs_.push_back({text});
  return outcome_.failures.empty();
}

// What has come by then and is not loaded yet, as one batch.
void TestRun::LoadTill(model::Time until) {
  store::Appender& appender = store_.appender();
  appender.Begin(store::Appender::kNoBound);
  for (Input& input : inputs_) {
    const auto& values = input.series->values;
    for (; input.next < values.size(); ++input.next) {
      const model::Time time =
          test_.start + static_cast<model::Time>(input.next) * test_.interval.count();
      if (time > until) break;
      if (!values[input.next]) continue;
      if (input.ref == 0) input.ref = appender.Resolve(input.series->labels).ref;
      appender.Append(input.ref, time, *values[input.next]);
    }
  }
  appender.Commit();
}

bool TestRun::ReportRules(const Ruler& ruler, model::Time at) {
  bool good = true;
  const auto groups = ruler.Status();
  for (std::size_t i = 0; i < groups.size(); ++i) {
    for (std::size_t k = 0; k < groups[i].rules.size(); ++k) {
      const RuleStatus& rule = groups[i].rules[k];
      if (rule.last_error.empty()) continue;
      good = false;
      Fail({base::Error::Kind::kExecution,
            base::format("rule {}, at {}: {}", rule.name,
                         base::FormatDuration(milliseconds(at - test_.start)), rule.last_error),
            loaded_.rules[i].groups.front().rules[k].where});
    }
  }
  return good;
}

bool TestRun::EvaluateRules() {
  Ruler::Options options;
  options.query = query_;
  options.evaluation_interval = test_.interval;
  Ruler ruler(loaded_.rules, options, test_.start, nullptr);
  const model::Time end = test_.start + last_.count();
  for (model::Time at = test_.start; at <= end; at += file_.evaluation_interval.count()) {
    LoadTill(at);
    if (loaded_.rules.empty()) continue;
    ruler.RunAll(at, store_);
    if (!ReportRules(ruler, at)) return false;
  }
  return true;
}

base::Result<std::vector<TestSample>> TestRun::Query(const ExprTest& test) {
  const auto expr = promql::Parse(test.expr, options_.promql);
  if (!expr) return expr.error();
  const auto querier = store_.Open();
  auto answer = eval::Instant(**expr, test.expr, *querier, test_.start + test.at.count(), query_);
  if (!answer) return std::move(answer).error();
  std::vector<TestSample> samples;
  if (const auto* vector = std::get_if<eval::Vector>(&answer->value)) {
    for (const eval::Element& element : vector->elements) {
      samples.push_back({element.labels, element.value});
    }
  } else if (const auto* scalar = std::get_if<eval::Scalar>(&answer->value)) {
    samples.push_back({{}, scalar->value});
  } else {
    return base::Error{base::Error::Kind::kExecution, "rule result is not a vector or scalar"};
  }
  return samples;
}

// NaN equals nothing, here as in promtool. Fuzzy: the neighbours on both sides count as equal.
bool TestRun::Same(double expected, double got) const {
  if (expected == got) return true;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return file_.fuzzy_compare && (std::nextafter(expected, -kInfinity) == got ||
                                 std::nextafter(expected, kInfinity) == got);
}

// Returns: "" if the test is judged.
std::string_view TestRun::WhySkipped(const ExprTest& test) const {
  if (test.histogram) return "native histograms are not supported";
  const auto expr = promql::Parse(test.expr, options_.promql);
  if (!expr) return "";
  if (Selects(**expr, from_alerts_)) {
    return "it reads series of alerting rules, which are not evaluated";
  }
  if (Selects(**expr, histograms_)) return "it reads native histograms, which are not stored";
  return "";
}

void TestRun::Check(const ExprTest& test) {
  const std::string what =
      base::format("expr {}, at {}", base::GoQuote(test.expr), base::FormatDuration(test.at));
  if (const std::string_view why = WhySkipped(test); !why.empty()) {
    outcome_.skipped.push_back(base::format("{}: {}: {}", test.where.ToString(), what, why));
    return;
  }
  auto got = Query(test);
  if (!got) {
    return Fail({got.error().kind, base::format("{}: {}", what, got.error().message), test.where});
  }
  if (test.broken) {
    return Fail({test.broken->kind, base::format("{}: {}", what, test.broken->message),
                 test.broken->where});
  }
  std::vector<TestSample> expected = test.expected;
  const auto by_labels = [](const TestSample& a, const TestSample& b) {
    return a.labels < b.labels;
  };
  std::stable_sort(expected.begin(), expected.end(), by_labels);
  std::stable_sort(got->begin(), got->end(), by_labels);
  const bool same = std::equal(expected.begin(), expected.end(), got->begin(), got->end(),
                               [&](const TestSample& a, const TestSample& b) {
                                 return a.labels == b.labels && Same(a.value, b.value);
                               });
  if (same) return;
  outcome_.failures.push_back({{base::Error::Kind::kExecution, what, test.where},
                               true,
                               std::move(expected),
                               *std::move(got)});
}

void TestRun::Run() {
  if (!Prepare() || !EvaluateRules()) return;
  for (const ExprTest& expr : test_.exprs) Check(expr);
}

std::string Join(const std::string& directory, const std::string& path) {
  if (path.empty() || path.front() == '/' || directory.empty()) return path;
  return directory + '/' + path;
}

// Every group of every file, each as a file of its own, in the order in which they run.
Loaded LoadGroups(const RuleTestFile& file, const std::string& directory,
                  const RuleTestOptions& options) {
  Loaded loaded;
  std::vector<config::RuleFile> texts;
  Names seen;
  for (const std::string& pattern : file.rule_files) {
    const auto paths = options.files.glob(Join(directory, pattern));
    if (paths.empty()) loaded.warnings.push_back("no file match pattern " + pattern);
    for (const std::string& path : paths) {
      if (!seen.insert(path).second) continue;
      auto text = options.files.read(path);
      if (text) {
        texts.push_back({path, *std::move(text)});
      } else {
        loaded.errors.push_back(std::move(text).error());
      }
    }
  }
  RuleOptions reading;
  reading.promql = options.promql;
  reading.evaluation_interval = file.evaluation_interval;
  reading.ignore_unknown_fields = options.ignore_unknown_fields;
  document::Errors errors;
  auto rules = LoadRules(texts, reading, errors);
  loaded.errors.insert(loaded.errors.end(), errors.list().begin(), errors.list().end());
  if (!rules) return loaded;
  for (RuleFile& each : *rules) {
    for (Group& group : each.groups) {
      loaded.alerts = loaded.alerts || !group.alerts.empty();
      loaded.rules.push_back({each.name, {}, {}});
      loaded.rules.back().groups.push_back(std::move(group));
    }
  }
  // A group that is not named counts as the first that is, as in promtool.
  const auto position = [&](const RuleFile& one) {
    const auto& order = file.group_eval_order;
    const auto at = std::find(order.begin(), order.end(), one.groups.front().name);
    return at == order.end() ? 0 : at - order.begin();
  };
  std::stable_sort(loaded.rules.begin(), loaded.rules.end(),
                   [&](const RuleFile& a, const RuleFile& b) { return position(a) < position(b); });
  return loaded;
}

// One line per sample; "nothing" for none.
void AppendSamples(std::string_view heading, const std::vector<TestSample>& samples,
                   std::string& out) {
  out += heading;
  if (samples.empty()) out += " nothing\n";
  std::string_view indent = " ";
  for (const TestSample& sample : samples) {
    out += base::format("{}{} {}\n", indent, sample.labels.ToString(),
                        base::SprintFloat(sample.value));
    indent = "             ";
  }
}

// Walks both lists, which are sorted, side by side.
void AppendDifference(const TestFailure& failure, bool colour, std::string& out) {
  const auto line = [&](char mark, const TestSample& sample) {
    const std::string text =
        base::format("{} {} {}", mark, sample.labels.ToString(), base::SprintFloat(sample.value));
    const std::string_view start = mark == '-' ? "\x1b[31m" : "\x1b[32m";
    out += colour ? base::format("      {}{}\x1b[0m\n", start, text)
                  : base::format("      {}\n", text);
  };
  auto expected = failure.expected.begin();
  auto got = failure.got.begin();
  std::size_t equal = 0;
  while (expected != failure.expected.end() || got != failure.got.end()) {
    const bool only_expected = got == failure.got.end() || (expected != failure.expected.end() &&
                                                            expected->labels < got->labels);
    const bool only_got =
        !only_expected && (expected == failure.expected.end() || got->labels < expected->labels);
    if (!only_expected && !only_got && expected->value == got->value) {
      ++equal, ++expected, ++got;
      continue;
    }
    if (!only_got) line('-', *expected++);
    if (!only_expected) line('+', *got++);
  }
  if (equal > 0) out += base::format("      ({} more as expected)\n", equal);
}

}  // namespace

bool TestFileOutcome::Passed() const {
  return errors.empty() && std::all_of(tests.begin(), tests.end(), [](const TestOutcome& test) {
           return test.failures.empty();
         });
}

TestFileOutcome RunRuleTests(std::string_view text, const std::string& file,
                             const std::string& directory, const RuleTestOptions& options) {
  TestFileOutcome outcome;
  outcome.file = file;
  document::Errors errors;
  const auto parsed = ParseRuleTestFile(text, file, errors);
  outcome.errors = errors.list();
  outcome.error_count = errors.count();
  if (!parsed) return outcome;
  const Loaded loaded = LoadGroups(*parsed, directory, options);
  outcome.warnings = loaded.warnings;
  for (std::size_t i = 0; i < parsed->tests.size(); ++i) {
    const RuleTest& test = parsed->tests[i];
    if (options.wanted && !options.wanted(test.name)) continue;
    TestOutcome& result = outcome.tests.emplace_back();
    result.name = test.name.empty() ? base::format("unnamed#{}", i) : test.name;
    TestRun(*parsed, test, loaded, options, result).Run();
  }
  return outcome;
}

std::string FailureText(const TestFailure& failure, bool diff, bool colour) {
  std::string out = failure.error.ToString() + '\n';
  if (!failure.compared) return out;
  if (diff) {
    AppendDifference(failure, colour, out);
  } else {
    AppendSamples("        exp:", failure.expected, out);
    AppendSamples("        got:", failure.got, out);
  }
  return out;
}

}  // namespace plimsoll::ruler
