// SPDX-License-Identifier: Apache-2.0
//
// Metrics and series as tests write them. See promql/series.h.
#include <charconv>
#include <set>

#include "base/format.h"
#include "base/number_text.h"
#include "model/sample.h"
#include "promql/detail/parse.h"
#include "promql/detail/text.h"

namespace plimsoll::promql {

namespace detail {

namespace {

using Kind = TokenKind;

}  // namespace

// The items between braces; the opening one has been taken.
bool Parser::LabelSet(model::LabelsBuilder& labels) {
  constexpr std::string_view kContext = "label set";
  std::set<std::string, std::less<>> names;
  while (!TakeIf(Kind::kRightBrace)) {
    if (!NextIs(Kind::kIdentifier) && !NextIs(Kind::kString)) {
      return Unexpected(kContext, "identifier or \"}\""), false;
    }
    const Token label = Take();
    const bool quoted = label.kind == Kind::kString;
    auto name = quoted ? Unquoted(label) : std::string(label.text);
    if (!name) return false;
    std::string value;
    if (TakeIf(Kind::kAssign)) {
      if (!NextIs(Kind::kString)) return Unexpected(kContext, "string"), false;
      auto text = Unquoted(Take());
      if (!text) return false;
      value = *std::move(text);
    } else if (quoted && !failed()) {  // {"metric.name"}
      value = std::exchange(*name, std::string(model::kMetricName));
    } else {
      return Unexpected(kContext, "\"=\""), false;
    }
    if (!names.insert(*name).second) {
      return Fail(label.start, "label name " + base::GoQuote(*name) + " is not unique"), false;
    }
    labels.Set(*name, value);
    if (TakeIf(Kind::kComma)) continue;
    if (!NextIs(Kind::kRightBrace)) return Unexpected(kContext, "\",\" or \"}\""), false;
  }
  return !failed();
}

std::optional<model::Labels> Parser::MetricLabels() {
  model::LabelsBuilder labels;
  std::optional<Token> name;
  if (MayNameMetric(Peek().kind)) name = Take();
  if (TakeIf(Kind::kLeftBrace) && !LabelSet(labels)) return std::nullopt;
  if (failed()) return std::nullopt;
  if (name) labels.Set(model::kMetricName, name->text);
  return labels.Build();
}

base::Result<model::Labels> Parser::Metric() {
  auto labels = MetricLabels();
  if (labels && !NextIs(Kind::kEof)) Unexpected();
  if (failed()) return *std::move(error_);
  return *std::move(labels);
}

base::Result<SeriesText> Parser::Series(std::size_t max_values) {
  SeriesText series;
  if (auto labels = MetricLabels()) series.labels = *std::move(labels);
  while (!failed() && !NextIs(Kind::kEof)) {
    if (!TakeIf(Kind::kSpace)) {
      Unexpected("series values");
    } else if (!NextIs(Kind::kEof) && !failed()) {
      SeriesItem(series, max_values);
    }
  }
  if (failed()) return *std::move(error_);
  return series;
}

// `step` is absent where the values stay as they are: a staleness marker plus zero is none.
bool Parser::AddValues(SeriesText& series, std::optional<double> first, std::optional<double> step,
                       std::uint64_t count, std::size_t max_values) {
  if (count > max_values - std::min(max_values, series.values.size())) {
    if (!error_) {
      error_ = base::Error{
          base::Error::Kind::kLimit,
          base::format("a series has too many values, expected at most {}", max_values)};
    }
    return false;
  }
  for (; count > 0; --count) {
    series.values.push_back(first);
    if (first && step) *first += *step;
  }
  return true;
}

bool Parser::SeriesItem(SeriesText& series, std::size_t max_values) {
  const auto repetitions = [&]() -> std::optional<std::uint64_t> {
    return NextIs(Kind::kTimes) ? Times() : std::optional<std::uint64_t>(0);
  };
  if (TakeIf(Kind::kBlank)) {
    const bool repeated = NextIs(Kind::kTimes);
    const auto times = repetitions();
    return times &&
           AddValues(series, std::nullopt, std::nullopt, repeated ? *times : 1, max_values);
  }
  if (TakeIf(Kind::kHistogram)) {
    series.histograms = true;
    const bool progression = NextIs(Kind::kAdd) || NextIs(Kind::kSub);
    if (progression && (Take(), !TakeIf(Kind::kHistogram))) {
      return Unexpected("series values"), false;
    }
    const auto times = progression ? Times() : repetitions();
    return times && AddValues(series, std::nullopt, std::nullopt, *times + 1, max_values);
  }
  const auto value = SeriesValue();
  if (!value) return false;
  std::optional<double> step;
  const bool progression = NextIs(Kind::kAdd) || NextIs(Kind::kSub);
  if (progression && !(step = SignedNumber())) return false;
  const auto times = progression ? Times() : repetitions();
  return times && AddValues(series, value, step, *times + 1, max_values);
}

std::optional<double> Parser::SeriesValue() {
  constexpr std::string_view kContext = "series values";
  if (NextIs(Kind::kIdentifier)) {
    if (Peek().text != "stale") return Unexpected(kContext, "number or \"stale\"");
    Take();
    return model::StaleNaN();
  }
  if (NextIs(Kind::kAdd) || NextIs(Kind::kSub)) return SignedNumber();
  if (!NextIs(Kind::kNumber)) return Unexpected(kContext);
  const Token token = Take();
  const auto number = ReadNumber(token.text);
  if (!number) return Fail(token.start, "error parsing number: " + number.error().message);
  return *number;
}

std::optional<double> Parser::SignedNumber() {
  const bool negative = Take().kind == Kind::kSub;
  if (!NextIs(Kind::kNumber)) return Unexpected("series values");
  const auto number = SeriesValue();
  if (!number) return std::nullopt;
  return negative ? -*number : *number;
}

std::optional<std::uint64_t> Parser::Times() {
  if (!TakeIf(Kind::kTimes) || !NextIs(Kind::kNumber)) return Unexpected("series values");
  const Token token = Take();
  std::uint64_t times = 0;
  const char* const end = token.text.data() + token.text.size();
  const auto [at, failure] = std::from_chars(token.text.data(), end, times);
  if (failure != std::errc() || at != end || times == UINT64_MAX) {
    return Fail(token.start,
                "invalid repetition in series values: expected a whole number, found " +
                    std::string(token.text));
  }
  return times;
}

}  // namespace detail

base::Result<SeriesText> ParseSeries(std::string_view text, const SeriesLimits& limits) {
  const ParseOptions options;
  return detail::Parser(text, detail::Lexer::Text::kSeries, options).Series(limits.values);
}

base::Result<model::Labels> ParseMetric(std::string_view text) {
  const ParseOptions options;
  return detail::Parser(text, detail::Lexer::Text::kExpression, options).Metric();
}

std::string PrintMetric(const model::Labels& labels) {
  if (labels.empty()) return "{}";
  const std::string_view name = labels.MetricName();
  if (!base::ParseFloat(name)) return labels.ToString();
  const std::string others = labels.WithoutMetricName().ToString();
  return '{' + base::GoQuote(name) + (others.size() > 2 ? ", " : "") + others.substr(1);
}

std::string PrintSeries(const SeriesText& series) {
  std::string out = PrintMetric(series.labels);
  for (const std::optional<double>& value : series.values) {
    out += ' ';
    if (!value) {
      out += '_';
    } else if (model::IsStaleNaN(*value)) {
      out += "stale";
    } else {
      base::AppendApiFloat(*value, out);
    }
  }
  return out;
}

}  // namespace plimsoll::promql
