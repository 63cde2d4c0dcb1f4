// SPDX-License-Identifier: Apache-2.0
//
// Lines to commands and back. See support/promql_script.h.
#include "support/promql_script.h"

#include <algorithm>
#include <bit>
#include <charconv>

#include "base/format.h"
#include "base/number_text.h"
#include "promql/parser.h"

namespace plimsoll::test {

namespace {

using base::Result;
using std::chrono::milliseconds;

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Cuts the first word off.
std::string_view TakeWord(std::string_view& text) {
  text = Trim(text);
  const std::string_view word = text.substr(0, text.find_first_of(" \t"));
  text = Trim(text.substr(word.size()));
  return word;
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// Trimmed lines; comments are empty ones.
std::vector<std::string_view> LinesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (true) {
    const std::size_t end = text.find('\n');
    const std::string_view line = Trim(text.substr(0, end));
    lines.push_back(!line.empty() && line.front() == '#' ? std::string_view() : line);
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

// A line that is nothing but a number: integers in Go's bases, or a float.
std::optional<double> NumberLine(std::string_view line) {
  if (const auto value = base::ParseFloat(line, true)) return value;
  std::string_view digits = line;
  const bool negative = TakePrefix(digits, "-");
  if (!negative) TakePrefix(digits, "+");
  if (!TakePrefix(digits, "0x") && !TakePrefix(digits, "0X")) return std::nullopt;
  std::int64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [at, failure] = std::from_chars(digits.data(), end, value, 16);
  if (digits.empty() || digits.front() == '-' || failure != std::errc() || at != end) {
    return std::nullopt;
  }
  return static_cast<double>(negative ? -value : value);
}

bool SameValues(const std::vector<std::optional<double>>& a,
                const std::vector<std::optional<double>>& b) {
  const auto same = [](const std::optional<double>& x, const std::optional<double>& y) {
    if (!x || !y) return x.has_value() == y.has_value();
    if (model::IsStaleNaN(*x) || model::IsStaleNaN(*y))
      return model::IsStaleNaN(*x) == model::IsStaleNaN(*y);
    return *x == *y || (*x != *x && *y != *y);
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
}

bool SameSeries(const std::vector<promql::SeriesText>& a,
                const std::vector<promql::SeriesText>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.labels == y.labels && SameValues(x.values, y.values);
  });
}

class ScriptReader {
 public:
  ScriptReader(std::string_view text, const std::string& file, const promql::SeriesLimits& limits)
      : lines_(LinesOf(text)), file_(file), limits_(limits) {}

  Result<Script> Read();

 private:
  base::Error Fail(std::string message) const {
    return base::BadInput(std::move(message), {file_, static_cast<int>(at_) + 1, 0});
  }
  Result<void> Load(std::string_view rest, LoadCommand& load);
  Result<void> Eval(std::string_view mode, std::string_view rest, EvalCommand& eval);
  Result<void> Times(std::string_view& rest, EvalCommand& eval);
  Result<void> Span(std::string_view& rest, EvalCommand& eval);
  Result<void> Expectations(std::string_view mode, EvalCommand& eval);
  // Returns: whether the line was the last of the command.
  Result<bool> Expectation(std::string_view mode, std::string_view line, EvalCommand& eval);
  Result<void> Expect(std::string_view rest, EvalCommand& eval);
  Result<Message> ReadMessage(std::string_view rest) const;
  Result<Message> Pattern(std::string_view pattern) const;
  Result<milliseconds> Duration(std::string_view& rest, std::string_view what) const;
  Result<promql::SeriesText> Series(std::string_view line) const;

  std::vector<std::string_view> lines_;
  const std::string& file_;
  const promql::SeriesLimits& limits_;
  std::size_t at_ = 0;  // the line that is read
};

Result<Script> ScriptReader::Read() {
  Script script;
  for (; at_ < lines_.size(); ++at_) {
    if (lines_[at_].empty()) continue;
    std::string_view rest = lines_[at_];
    std::string_view word = TakeWord(rest);
    Command command;
    command.line = static_cast<int>(at_) + 1;
    Result<void> read;
    if (word == "clear") {
      command.what = ClearCommand();
    } else if (word == "load") {
      read = Load(rest, command.what.emplace<LoadCommand>());
    } else if (word == "load_with_nhcb") {
      return Fail("load_with_nhcb is not supported: it makes native histograms");
    } else if (TakePrefix(word, "eval") && (word.empty() || TakePrefix(word, "_"))) {
      read = Eval(word, rest, command.what.emplace<EvalCommand>());
    } else {
      return Fail(base::format("invalid command {}, expected load, clear or eval",
                               base::GoQuote(lines_[at_])));
    }
    if (!read) return read.error();
    script.push_back(std::move(command));
  }
  return script;
}

Result<promql::SeriesText> ScriptReader::Series(std::string_view line) const {
  auto series = promql::ParseSeries(line, limits_);
  if (!series) return Fail(series.error().message);
  if (series->histograms) return Fail("native histograms are not supported");
  return series;
}

Result<milliseconds> ScriptReader::Duration(std::string_view& rest, std::string_view what) const {
  const std::string_view word = TakeWord(rest);
  auto duration = base::ParseDuration(word);
  if (!duration) {
    return Fail(
        base::format("invalid {} {}: {}", what, base::GoQuote(word), duration.error().message));
  }
  return duration;
}

Result<void> ScriptReader::Load(std::string_view rest, LoadCommand& load) {
  const auto step = Duration(rest, "step definition");
  if (!step) return step.error();
  if (!rest.empty()) return Fail("expected a line end after the step of load");
  load.step = *step;
  while (at_ + 1 < lines_.size() && !lines_[at_ + 1].empty()) {
    const std::string_view line = lines_[++at_];
    const std::string_view metric = line.substr(0, line.find_first_of(" \t"));
    if (metric.size() > 3 && metric.substr(metric.size() - 3) == "@st") {
      return Fail("start timestamps (@st) are not supported");
    }
    auto series = Series(line);
    if (!series) return series.error();
    std::erase_if(load.series, [&](const auto& other) { return other.labels == series->labels; });
    load.series.push_back(*std::move(series));
  }
  return {};
}

Result<void> ScriptReader::Times(std::string_view& rest, EvalCommand& eval) {
  const std::string_view kind = TakeWord(rest);
  if (kind == "range") {
    eval.range = true;
    return Span(rest, eval);
  }
  if (kind != "instant") {
    return Fail(
        "invalid evaluation command, expected 'eval instant at <time> <query>' or 'eval "
        "range from <time> to <time> step <duration> <query>'");
  }
  if (TakeWord(rest) != "at") return Fail("expected 'at <time>' after 'eval instant'");
  const auto at = Duration(rest, "timestamp definition");
  if (!at) return at.error();
  eval.start = eval.end = at->count();
  return {};
}

// from <time> to <time> step <duration>
Result<void> ScriptReader::Span(std::string_view& rest, EvalCommand& eval) {
  milliseconds read[3];
  constexpr std::string_view kWords[] = {"from", "to", "step"};
  for (std::size_t i = 0; i < 3; ++i) {
    if (TakeWord(rest) != kWords[i]) {
      return Fail("expected 'from <time> to <time> step <duration>'");
    }
    const auto duration = Duration(rest, "time");
    if (!duration) return duration.error();
    read[i] = *duration;
  }
  if (read[1] < read[0]) return Fail("the end is before the start");
  if (read[2] == milliseconds(0)) return Fail("the step is zero");
  eval.start = read[0].count();
  eval.end = read[1].count();
  eval.step = read[2];
  return {};
}

Result<void> ScriptReader::Eval(std::string_view mode, std::string_view rest, EvalCommand& eval) {
  if (mode == "ordered") {
    eval.ordered = true;
  } else if (mode == "fail") {
    eval.fail = Message();
  } else if (mode == "warn") {
    eval.warn.push_back({});
  } else if (mode == "info") {
    eval.info.push_back({});
  } else if (!mode.empty()) {
    return Fail(base::format("invalid command eval_{}", mode));
  }
  if (auto times = Times(rest, eval); !times) return times;
  if (eval.range && eval.ordered) return Fail("the result of a range query has no order");
  if (rest.empty()) return Fail("expected a query");
  eval.expr = rest;
  return Expectations(mode, eval);
}

Result<void> ScriptReader::Expectations(std::string_view mode, EvalCommand& eval) {
  while (at_ + 1 < lines_.size() && !lines_[at_ + 1].empty()) {
    const auto last = Expectation(mode, lines_[++at_], eval);
    if (!last) return last.error();
    if (*last) break;
  }
  if (!eval.warn.empty() && eval.no_warn) {
    return Fail("invalid expect lines, warn and no_warn cannot be used together");
  }
  if (!eval.info.empty() && eval.no_info) {
    return Fail("invalid expect lines, info and no_info cannot be used together");
  }
  return {};
}

Result<Message> ScriptReader::Pattern(std::string_view pattern) const {
  Message message{Message::Kind::kPattern, std::string(pattern), std::nullopt};
  auto regex = model::Regex::Compile("(?s:.*)(?:" + message.text + ")(?s:.*)");
  if (!regex) return Fail(regex.error().message);
  message.pattern = *std::move(regex);
  return message;
}

Result<bool> ScriptReader::Expectation(std::string_view mode, std::string_view line,
                                       EvalCommand& eval) {
  std::string_view rest = line;
  if (mode == "fail" && TakePrefix(rest, "expected_fail_message")) {
    eval.fail = Message{Message::Kind::kText, std::string(Trim(rest)), std::nullopt};
    return true;
  }
  if (mode == "fail" && TakePrefix(rest, "expected_fail_regexp")) {
    auto pattern = Pattern(Trim(rest));
    if (!pattern) return pattern.error();
    eval.fail = *std::move(pattern);
    return true;
  }
  if (TakeWord(rest) == "expect") {
    auto read = Expect(rest, eval);
    if (!read) return read.error();
    return false;
  }
  if (const auto number = NumberLine(line)) {
    eval.scalar = number;
    return true;
  }
  auto series = Series(line);
  if (!series) return series.error();
  if (series->values.size() > 1 && !eval.range && !eval.range_vector) {
    return Fail("an instant query has one value per series; 'expect range vector' allows more");
  }
  if (series->values.empty()) return Fail("expected a value after the series");
  std::erase_if(eval.expected, [&](const auto& other) { return other.labels == series->labels; });
  eval.expected.push_back(*std::move(series));
  return false;
}

// What follows the word `expect`.
Result<void> ScriptReader::Expect(std::string_view rest, EvalCommand& eval) {
  const std::string_view type = TakeWord(rest);
  if (type == "range") {
    if (TakeWord(rest) != "vector") return Fail("expected 'expect range vector'");
    if (eval.range) return Fail("only an instant query may have a range vector");
    eval.range_vector = true;
    EvalCommand span;
    if (auto read = Span(rest, span); !read) return read;
    eval.start = span.start;
    eval.end = span.end;
    eval.step = span.step;
    return {};
  }
  if (type == "string") {
    const auto literal = promql::Parse(rest);
    const auto* text = literal ? std::get_if<promql::StringLiteral>(&(*literal)->node) : nullptr;
    if (text == nullptr) return Fail("expected a quoted string literal");
    eval.text = text->value;
    return {};
  }
  const bool takes_message = type == "fail" || type == "warn" || type == "info";
  if (!takes_message && !rest.empty()) {
    return Fail(base::format("expected nothing after 'expect {}'", type));
  }
  Message message;
  if (takes_message) {
    auto read = ReadMessage(rest);
    if (!read) return read.error();
    message = *std::move(read);
  }
  if (type == "fail") {
    if (eval.fail) return Fail("invalid expect lines, multiple expect fail lines are not allowed");
    eval.fail = std::move(message);
  } else if (type == "warn") {
    eval.warn.push_back(std::move(message));
  } else if (type == "info") {
    eval.info.push_back(std::move(message));
  } else if (type == "no_warn") {
    eval.no_warn = true;
  } else if (type == "no_info") {
    eval.no_info = true;
  } else if (type == "ordered") {
    eval.ordered = true;
  } else {
    return Fail(
        base::format("invalid expect line, expected fail, warn, no_warn, info, no_info, "
                     "ordered, string or range vector, found {}",
                     base::GoQuote(type)));
  }
  return {};
}

Result<Message> ScriptReader::ReadMessage(std::string_view rest) const {
  if (rest.empty()) return Message();
  if (TakePrefix(rest, "msg:")) {
    return Message{Message::Kind::kText, std::string(Trim(rest)), std::nullopt};
  }
  if (TakePrefix(rest, "regex:")) return Pattern(Trim(rest));
  return Fail(base::format("expected 'msg:' or 'regex:', found {}", base::GoQuote(rest)));
}

std::string TimeText(model::Time time) { return base::FormatDuration(milliseconds(time)); }

void AppendMessage(std::string_view type, const Message& message, std::string& out) {
  out += base::format("  expect {}", type);
  if (message.kind == Message::Kind::kText) out += " msg: " + message.text;
  if (message.kind == Message::Kind::kPattern) out += " regex: " + message.text;
  out += '\n';
}

void Append(const LoadCommand& load, std::string& out) {
  out += base::format("load {}\n", base::FormatDuration(load.step));
  for (const auto& series : load.series) out += "  " + promql::PrintSeries(series) + '\n';
}

void Append(const ClearCommand&, std::string& out) { out += "clear\n"; }

void Append(const EvalCommand& eval, std::string& out) {
  const std::string span = base::format("from {} to {} step {}", TimeText(eval.start),
                                        TimeText(eval.end), base::FormatDuration(eval.step));
  if (eval.range) {
    out += base::format("eval range {} {}\n", span, eval.expr);
  } else {
    out += base::format("eval instant at {} {}\n", TimeText(eval.start), eval.expr);
  }
  if (eval.ordered) out += "  expect ordered\n";
  if (eval.fail) AppendMessage("fail", *eval.fail, out);
  for (const Message& message : eval.warn) AppendMessage("warn", message, out);
  for (const Message& message : eval.info) AppendMessage("info", message, out);
  if (eval.no_warn) out += "  expect no_warn\n";
  if (eval.no_info) out += "  expect no_info\n";
  if (eval.range_vector) out += "  expect range vector " + span + '\n';
  if (eval.text) out += "  expect string " + base::GoQuote(*eval.text) + '\n';
  for (const auto& series : eval.expected) out += "  " + promql::PrintSeries(series) + '\n';
  if (eval.scalar) {
    const bool stale = model::IsStaleNaN(*eval.scalar);
    out += "  " + (stale ? std::string("NaN") : base::ApiFloat(*eval.scalar)) + '\n';
  }
}

}  // namespace

bool Message::Matches(const std::string& message) const {
  switch (kind) {
    case Kind::kAny:
      return true;
    case Kind::kText:
      return message == text;
    case Kind::kPattern:
      return pattern->Matches(message);
  }
  return false;
}

bool LoadCommand::operator==(const LoadCommand& other) const {
  return step == other.step && SameSeries(series, other.series);
}

bool EvalCommand::operator==(const EvalCommand& other) const {
  const auto number = [](const std::optional<double>& value) {
    return std::vector<std::optional<double>>{value};
  };
  return expr == other.expr && range == other.range && start == other.start && end == other.end &&
         step == other.step && ordered == other.ordered && fail == other.fail &&
         warn == other.warn && info == other.info && no_warn == other.no_warn &&
         no_info == other.no_info && range_vector == other.range_vector && text == other.text &&
         SameValues(number(scalar), number(other.scalar)) && SameSeries(expected, other.expected);
}

Result<Script> ParseScript(std::string_view text, const std::string& file,
                           const promql::SeriesLimits& limits) {
  return ScriptReader(text, file, limits).Read();
}

std::string PrintScript(const Script& script) {
  std::string out;
  for (const Command& command : script) {
    if (!out.empty()) out += '\n';
    std::visit([&](const auto& what) { Append(what, out); }, command.what);
  }
  return out;
}

}  // namespace plimsoll::test
