// SPDX-License-Identifier: Apache-2.0
//
// Commands to queries, answers to verdicts. See support/promql_runner.h.
#include "support/promql_runner.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <type_traits>

#include "base/format.h"
#include "base/number_text.h"
#include "promql/functions.h"
#include "promql/print.h"
#include "promql/walk.h"
#include "store/memory_store.h"

namespace plimsoll::test {

namespace {

using model::Time;
using std::chrono::milliseconds;

constexpr milliseconds kMinute = std::chrono::minutes(1);

store::Limits NoLimits() {
  store::Limits limits;
  limits.max_series = UINT64_MAX;
  limits.max_bytes = UINT64_MAX;
  return limits;
}

// Whether the function's result depends on more than the samples it is given.
bool DependsOnTime(promql::FunctionId id) {
  using Id = promql::FunctionId;
  switch (id) {
    case Id::days_in_month:
    case Id::day_of_month:
    case Id::day_of_week:
    case Id::day_of_year:
    case Id::end:
    case Id::hour:
    case Id::minute:
    case Id::month:
    case Id::year:
    case Id::predict_linear:
    case Id::range:
    case Id::start:
    case Id::step:
    case Id::time:
    case Id::timestamp:
      return true;
    default:
      return false;
  }
}

bool Fixed(const std::optional<promql::AtModifier>& at) {
  return at && at->kind == promql::AtModifier::Kind::kTime;
}

// Fixes every selector that is not fixed yet. Returns: false if the expression depends on the time
// of evaluation all the same.
bool FixTime(promql::Expr& expr, Time at) {
  const promql::AtModifier fixed{promql::AtModifier::Kind::kTime, at};
  if (auto* selector = std::get_if<promql::VectorSelector>(&expr.node)) {
    if (!Fixed(selector->at)) selector->at = fixed;
    return true;
  }
  if (auto* subquery = std::get_if<promql::Subquery>(&expr.node)) {
    if (!Fixed(subquery->at)) subquery->at = fixed;
    return true;
  }
  const auto* call = std::get_if<promql::Call>(&expr.node);
  bool safe = call == nullptr || !DependsOnTime(call->function->id());
  promql::ForEachChild(expr, [&](const promql::Expr& child) {
    // The tree is ours: it was cloned to be changed.
    safe = FixTime(const_cast<promql::Expr&>(child), at) && safe;
  });
  return safe;
}

// start(), end(), step() and range() mean something else in the range query around an instant.
bool ReadsQueryTimes(std::string_view text) {
  for (const std::string_view call : {"start()", "end()", "step()", "range()"}) {
    if (text.find(call) != std::string_view::npos) return true;
  }
  return false;
}

void Collect(const promql::Expr& expr, std::set<std::string>& used) {
  const auto modifiers = [&](const promql::Duration& offset,
                             const std::optional<promql::AtModifier>& at) {
    if (offset.milliseconds != 0) used.insert("offset");
    if (!at) return;
    used.insert(at->kind == promql::AtModifier::Kind::kTime    ? "@"
                : at->kind == promql::AtModifier::Kind::kStart ? "@ start()"
                                                               : "@ end()");
  };
  if (const auto* call = std::get_if<promql::Call>(&expr.node)) {
    used.insert(std::string(call->function->name));
  } else if (const auto* aggregate = std::get_if<promql::Aggregate>(&expr.node)) {
    used.insert(std::string(promql::OpText(aggregate->op)));
    used.insert(aggregate->without ? "without" : aggregate->grouping.empty() ? "all" : "by");
  } else if (const auto* binary = std::get_if<promql::Binary>(&expr.node)) {
    used.insert(std::string(promql::OpText(binary->op)));
    if (binary->return_bool) used.insert("bool");
    if (binary->matching) {
      using Card = promql::VectorMatching::Card;
      if (binary->matching->on) used.insert("on");
      if (!binary->matching->on && !binary->matching->labels.empty()) used.insert("ignoring");
      if (binary->matching->card == Card::kManyToOne) used.insert("group_left");
      if (binary->matching->card == Card::kOneToMany) used.insert("group_right");
    }
  } else if (const auto* selector = std::get_if<promql::VectorSelector>(&expr.node)) {
    modifiers(selector->offset, selector->at);
    for (const model::Matcher& matcher : selector->matchers) {
      constexpr std::string_view kTexts[] = {"{=}", "{!=}", "{=~}", "{!~}"};
      used.insert(std::string(kTexts[static_cast<std::size_t>(matcher.type())]));
    }
  } else if (const auto* subquery = std::get_if<promql::Subquery>(&expr.node)) {
    modifiers(subquery->offset, subquery->at);
    used.insert(subquery->step.milliseconds == 0 ? "[:]" : "[:step]");
  } else if (std::holds_alternative<promql::Unary>(expr.node)) {
    used.insert("unary");
  } else if (std::holds_alternative<promql::StringLiteral>(expr.node)) {
    used.insert("string");
  } else if (std::holds_alternative<promql::NumberLiteral>(expr.node)) {
    used.insert("number");
  }
  promql::ForEachChild(expr, [&](const promql::Expr& child) { Collect(child, used); });
}

std::string Joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += "\n    " + line;
  return out.empty() ? "\n    nothing" : out;
}

class Runner {
 public:
  Runner(const std::string& file, const RunnerOptions& options) : file_(file), options_(options) {
    Do(ClearCommand());
  }

  void Run(const Command& command) {
    line_ = command.line;
    std::visit([this](const auto& what) { Do(what); }, command.what);
  }
  RunnerReport& report() { return report_; }

 private:
  struct Query {
    std::string text;
    promql::ExprPtr expr;
  };

  void Do(const ClearCommand&);
  void Do(const LoadCommand& load);
  void Do(const EvalCommand& eval);

  void Fail(std::string_view query, std::string_view what) {
    report_.failures.push_back(base::format("{}:{}: {}: {}", file_, line_, query, what));
  }
  base::Result<eval::Answer> Instant(const Query& query, Time at);
  base::Result<eval::Answer> Range(const Query& query, Time start, Time end, milliseconds step);
  // Returns: whether the answer is one to be compared.
  bool Accept(const EvalCommand& eval, const Query& query, std::string_view mode,
              const base::Result<eval::Answer>& answer);
  void CheckMessages(const EvalCommand& eval, const Query& query,
                     const eval::Annotations& annotations);
  void CheckEach(std::string_view kind, const Query& query, const std::vector<Message>& expected,
                 const std::vector<std::string>& got);
  void RunInstant(const EvalCommand& eval, const Query& query, Time at);
  void RunAround(const EvalCommand& eval, const Query& query, Time at, bool scalar);

  void Compare(const EvalCommand& eval, const Query& query, std::string_view mode,
               const eval::Value& value);
  bool Same(const EvalCommand& eval, const eval::Scalar& got) const;
  bool Same(const EvalCommand& eval, const eval::String& got) const;
  bool Same(const EvalCommand& eval, const eval::Vector& got) const;
  bool Same(const EvalCommand& eval, const eval::Matrix& got) const;
  bool Near(double expected, double got) const;

  const std::string& file_;
  const RunnerOptions& options_;
  RunnerReport report_;
  int line_ = 0;
  std::unique_ptr<store::MemoryStore> store_;
};

void Runner::Do(const ClearCommand&) {
  store_ = std::make_unique<store::MemoryStore>(NoLimits());
  store_->SetWindow(std::chrono::hours(24 * 366 * 1000));
}

void Runner::Do(const LoadCommand& load) {
  store::Appender& appender = store_->appender();
  appender.Begin(store::Appender::kNoBound);
  for (const promql::SeriesText& series : load.series) {
    const store::SeriesRef ref = appender.Resolve(series.labels).ref;
    for (std::size_t i = 0; i < series.values.size(); ++i) {
      if (!series.values[i]) continue;
      const Time time = static_cast<Time>(i) * load.step.count();
      const store::Outcome outcome = appender.Append(ref, time, *series.values[i]);
      if (outcome == store::Outcome::kAppended || outcome == store::Outcome::kSameSample) continue;
      Fail(series.labels.ToString(),
           base::format("the store refuses the value at {}: {}",
                        base::FormatDuration(milliseconds(time)), store::OutcomeName(outcome)));
      break;
    }
  }
  appender.Commit();
}

base::Result<eval::Answer> Runner::Instant(const Query& query, Time at) {
  ++report_.queries;
  const auto querier = store_->Open();
  return eval::Instant(*query.expr, query.text, *querier, at, options_.eval);
}

base::Result<eval::Answer> Runner::Range(const Query& query, Time start, Time end,
                                         milliseconds step) {
  ++report_.queries;
  const auto querier = store_->Open();
  return eval::Range(*query.expr, query.text, *querier, start, end, step, options_.eval);
}

void Runner::Do(const EvalCommand& eval) {
  ++report_.cases;
  auto parsed = promql::Parse(eval.expr, options_.parse);
  if (!parsed) {
    if (!eval.fail || !eval.fail->Matches(parsed.error().message)) {
      Fail(eval.expr, parsed.error().message);
    }
    return;
  }
  const Query query{eval.expr, *std::move(parsed)};
  Collect(*query.expr, report_.used);
  if (eval.range) {
    const auto answer = Range(query, eval.start, eval.end, eval.step);
    if (Accept(eval, query, "", answer)) Compare(eval, query, "", answer->value);
    return;
  }
  const Time at = eval.end;
  RunInstant(eval, query, at);
  auto fixed = promql::Clone(*query.expr);
  if (!FixTime(*fixed, at)) return;
  Query variant{promql::Print(*fixed), nullptr};
  auto again = promql::Parse(variant.text, options_.parse);
  if (!again) return Fail(variant.text, again.error().message);
  variant.expr = *std::move(again);
  const std::vector<Time> times = at == 0 ? std::vector<Time>{-1000, 0, 1000}
                                          : std::vector<Time>{-10 * at, 0, at / 5, at, 10 * at};
  for (const Time time : times) RunInstant(eval, variant, time);
}

void Runner::RunInstant(const EvalCommand& eval, const Query& query, Time at) {
  const auto answer = Instant(query, at);
  if (!Accept(eval, query, base::format(" (at {} ms)", at), answer)) return;
  Compare(eval, query, base::format(" (at {} ms)", at), answer->value);
  if (eval.range_vector || eval.text || ReadsQueryTimes(query.text)) return;
  RunAround(eval, query, at, std::holds_alternative<eval::Scalar>(answer->value));
}

// A range query of three steps, whose middle one is compared.
void Runner::RunAround(const EvalCommand& eval, const Query& query, Time at, bool scalar) {
  const Time length = kMinute.count();
  const auto answer = Range(query, at - length, at + length, kMinute);
  if (!answer) return Fail(query.text, "as a range: " + answer.error().message);
  if (eval.ordered) return;
  const auto* matrix = std::get_if<eval::Matrix>(&answer->value);
  if (matrix == nullptr) return Fail(query.text, "as a range: the result is no matrix");
  eval::Vector middle{at, {}};
  for (const eval::Matrix::Series& series : matrix->series) {
    matrix->ForEachPoint(series, [&](Time time, double value) {
      if (time == at) middle.elements.push_back({series.labels, value});
    });
  }
  const std::string mode = base::format(" (as a range around {} ms)", at);
  if (!scalar) return Compare(eval, query, mode, middle);
  if (middle.elements.empty()) return Fail(query.text, mode + " there is no value");
  Compare(eval, query, mode, eval::Scalar{at, middle.elements.front().value});
}

bool Runner::Accept(const EvalCommand& eval, const Query& query, std::string_view mode,
                    const base::Result<eval::Answer>& answer) {
  if (!answer) {
    if (!eval.fail) {
      Fail(query.text, base::format("failed{}: {}", mode, answer.error().message));
    } else if (!eval.fail->Matches(answer.error().message)) {
      Fail(query.text,
           base::format("expected the error {}, got {}", eval.fail->text, answer.error().message));
    }
    return false;
  }
  if (eval.fail) {
    Fail(query.text, base::format("expected an error{}, got none", mode));
    return false;
  }
  CheckMessages(eval, query, answer->annotations);
  return true;
}

void Runner::CheckMessages(const EvalCommand& eval, const Query& query,
                           const eval::Annotations& annotations) {
  CheckEach("warning", query, eval.warn, annotations.warnings);
  CheckEach("info", query, eval.info, annotations.infos);
  if (eval.no_warn && !annotations.warnings.empty()) {
    Fail(query.text, "expected no warning, got" + Joined(annotations.warnings));
  }
  if (eval.no_info && !annotations.infos.empty()) {
    Fail(query.text, "expected no info, got" + Joined(annotations.infos));
  }
}

// Each expected message comes, and each that comes is expected.
void Runner::CheckEach(std::string_view kind, const Query& query,
                       const std::vector<Message>& expected, const std::vector<std::string>& got) {
  if (expected.empty()) return;
  for (const Message& message : expected) {
    if (std::none_of(got.begin(), got.end(),
                     [&](const std::string& text) { return message.Matches(text); })) {
      Fail(query.text, base::format("expected the {} {}, got{}", kind, message.text, Joined(got)));
    }
  }
  for (const std::string& text : got) {
    if (std::none_of(expected.begin(), expected.end(),
                     [&](const Message& message) { return message.Matches(text); })) {
      Fail(query.text, base::format("unexpected {}: {}", kind, text));
    }
  }
}

bool Runner::Near(double expected, double got) const {
  if (model::IsStaleNaN(expected) || model::IsStaleNaN(got)) {
    return model::IsStaleNaN(expected) && model::IsStaleNaN(got);
  }
  if (std::isnan(expected) || std::isnan(got)) return std::isnan(expected) && std::isnan(got);
  if (expected == got) return true;
  constexpr double kSmallest = std::numeric_limits<double>::min();
  const double sum = std::abs(expected) + std::abs(got);
  const double difference = std::abs(expected - got);
  if (expected == 0 || got == 0 || sum < kSmallest) {
    return difference < options_.epsilon * kSmallest;
  }
  return difference / std::min(sum, std::numeric_limits<double>::max()) < options_.epsilon;
}

bool Runner::Same(const EvalCommand& eval, const eval::Scalar& got) const {
  return eval.scalar && Near(*eval.scalar, got.value);
}

bool Runner::Same(const EvalCommand& eval, const eval::String& got) const {
  return eval.text && *eval.text == got.value;
}

bool Runner::Same(const EvalCommand& eval, const eval::Vector& got) const {
  if (eval.scalar || eval.text || eval.expected.size() != got.elements.size()) return false;
  for (std::size_t i = 0; i < got.elements.size(); ++i) {
    const eval::Element& element = got.elements[i];
    const auto expected =
        std::find_if(eval.expected.begin(), eval.expected.end(),
                     [&](const auto& series) { return series.labels == element.labels; });
    if (expected == eval.expected.end()) return false;
    if (eval.ordered && expected - eval.expected.begin() != static_cast<std::ptrdiff_t>(i)) {
      return false;
    }
    if (!expected->values.front() || !Near(*expected->values.front(), element.value)) return false;
  }
  return true;
}

bool Runner::Same(const EvalCommand& eval, const eval::Matrix& got) const {
  if (eval.ordered || eval.scalar || eval.text) return false;
  if (eval.expected.size() != got.series.size()) return false;
  if (!std::is_sorted(got.series.begin(), got.series.end(),
                      [](const auto& a, const auto& b) { return a.labels < b.labels; })) {
    return false;
  }
  for (const eval::Matrix::Series& series : got.series) {
    const auto expected =
        std::find_if(eval.expected.begin(), eval.expected.end(),
                     [&](const auto& other) { return other.labels == series.labels; });
    if (expected == eval.expected.end()) return false;
    std::vector<std::pair<Time, double>> points;
    for (std::size_t i = 0; i < expected->values.size(); ++i) {
      const Time time = eval.start + static_cast<Time>(i) * eval.step.count();
      if (expected->values[i]) points.emplace_back(time, *expected->values[i]);
    }
    std::size_t at = 0;
    bool same = true;
    got.ForEachPoint(series, [&](Time time, double value) {
      same =
          same && at < points.size() && points[at].first == time && Near(points[at].second, value);
      ++at;
    });
    if (!same || at != points.size()) return false;
  }
  return true;
}

std::vector<std::string> Lines(const eval::Scalar& got) { return {base::ApiFloat(got.value)}; }
std::vector<std::string> Lines(const eval::String& got) { return {base::GoQuote(got.value)}; }
std::vector<std::string> Lines(const eval::Vector& got) {
  std::vector<std::string> lines;
  for (const eval::Element& element : got.elements) {
    lines.push_back(element.labels.ToString() + ' ' + base::ApiFloat(element.value));
  }
  return lines;
}
std::vector<std::string> Lines(const eval::Matrix& got) {
  std::vector<std::string> lines;
  for (const eval::Matrix::Series& series : got.series) {
    std::string line = series.labels.ToString();
    got.ForEachPoint(series, [&](Time time, double value) {
      line += base::format(" {}@{}", base::ApiFloat(value), time);
    });
    lines.push_back(std::move(line));
  }
  return lines;
}

void Runner::Compare(const EvalCommand& eval, const Query& query, std::string_view mode,
                     const eval::Value& value) {
  if (std::visit([&](const auto& got) { return Same(eval, got); }, value)) return;
  std::vector<std::string> expected;
  for (const auto& series : eval.expected) expected.push_back(promql::PrintSeries(series));
  if (eval.scalar) expected.push_back(base::ApiFloat(*eval.scalar));
  if (eval.text) expected.push_back(base::GoQuote(*eval.text));
  const auto got = std::visit([](const auto& result) { return Lines(result); }, value);
  Fail(query.text,
       base::format("wrong result{}\n  expected{}{}\n  got{}", mode,
                    eval.ordered ? " in this order" : "", Joined(expected), Joined(got)));
}

}  // namespace

RunnerOptions::RunnerOptions() {
  eval.max_samples = 10'000;
  eval.features.delayed_name_removal = true;
}

RunnerReport RunScript(const Script& script, const std::string& file,
                       const RunnerOptions& options) {
  Runner runner(file, options);
  for (const Command& command : script) runner.Run(command);
  return std::move(runner.report());
}

}  // namespace plimsoll::test
