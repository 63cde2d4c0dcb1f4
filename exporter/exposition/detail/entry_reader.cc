// SPDX-License-Identifier: Apache-2.0
//
// One entry of a page, read token by token. See entry_reader.h.
#include "exposition/detail/entry_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "base/format.h"
#include "base/number_text.h"
#include "exposition/detail/lexer.h"
#include "exposition/detail/number.h"
#include "model/sample.h"

namespace plimsoll::exposition::detail {
namespace {

using base::BadInput;
using base::Error;
using base::Result;

class EntryReader {
 public:
  EntryReader(std::string_view page, std::size_t at, Format format)
      : page_(page), begin_(at), lexer_(page, at, format), format_(format) {}

  Result<PageEntry> Read();

 private:
  // What is done with a quoted string that is not followed by `=`.
  enum class Braces { kSeries, kExemplar };

  bool OpenMetrics() const { return format_ == Format::kOpenMetrics; }
  Result<PageEntry> Finish(PageEntry::Kind kind);
  Result<PageEntry> ReadMetadata(Token keyword);
  Result<PageEntry> ReadSeries(bool named);
  Result<void> ReadBraces(Braces braces);
  Result<void> ReadTime(bool of_exemplar);
  Result<void> ReadTextTime();
  Result<void> ReadEndOfSample();
  Result<void> ReadExemplar();
  Result<double> ReadValue(Token token, std::string_view what);
  Result<double> Number();

  Error At(std::string message, std::size_t where) const;
  Error Unexpected(std::string_view expected, Token got) const {
    return Unexpected(expected, got, begin_);
  }
  Error Unexpected(std::string_view expected, Token got, std::size_t entry) const;
  // For errors of Prometheus's parser that show the entry read so far, not the token.
  std::string Parsed() const { return base::GoQuote(page_.substr(begin_, lexer_.at() - begin_)); }
  Error NoEof() const { return At("data does not end with # EOF", page_.size()); }

  std::string_view page_;
  std::size_t begin_;
  Lexer lexer_;
  Format format_;
  PageEntry entry_;
  bool has_name_ = false;
};

Error EntryReader::At(std::string message, std::size_t where) const {
  const std::string_view before = page_.substr(0, where);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start =
      before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return BadInput(std::move(message),
                  {"", static_cast<int>(lines + 1), static_cast<int>(where - line_start + 1)});
}

Error EntryReader::Unexpected(std::string_view expected, Token got, std::size_t entry) const {
  return At(base::format("{}, got {} (\"{}\") while parsing: {}", expected,
                         lexer_.Seen(lexer_.start()), TokenName(got), lexer_.Seen(entry)),
            std::min(got == Token::kEnd ? lexer_.at() : lexer_.start(), page_.size()));
}

Result<PageEntry> EntryReader::Finish(PageEntry::Kind kind) {
  entry_.kind = kind;
  entry_.next = std::min(lexer_.at(), page_.size());
  return entry_;
}

Result<PageEntry> EntryReader::Read() {
  // Behind the last byte of a text page only the line break that was never there would be read.
  if (!OpenMetrics() && begin_ >= page_.size()) return Finish(PageEntry::Kind::kEnd);
  const Token token = lexer_.Next();
  switch (token) {
    case Token::kEnd:
      if (OpenMetrics()) return NoEof();
      return Finish(PageEntry::Kind::kEnd);
    case Token::kEofWord:
      if (lexer_.Next() != Token::kEnd) return At("unexpected data after # EOF", lexer_.start());
      return Finish(PageEntry::Kind::kEnd);
    case Token::kLinebreak:
      return Finish(PageEntry::Kind::kNothing);
    case Token::kComment:
      lexer_.Next();  // a comment ends before its line break
      return Finish(PageEntry::Kind::kNothing);
    case Token::kHelp:
    case Token::kType:
    case Token::kUnit:
      return ReadMetadata(token);
    case Token::kBraceOpen:
      return ReadSeries(false);
    case Token::kMetricName:
      return ReadSeries(true);
    default:
      return Unexpected("expected a valid start token", token);
  }
}

Result<PageEntry> EntryReader::ReadMetadata(Token keyword) {
  if (const Token token = lexer_.Next(); token != Token::kMetricName) {
    return Unexpected(base::format("expected metric name after {}", TokenName(keyword)), token);
  }
  entry_.name = lexer_.bytes();
  const char* const name_end = entry_.name.data() + entry_.name.size();
  if (entry_.name.front() == '"') entry_.name = entry_.name.substr(1, entry_.name.size() - 2);
  if (const Token token = lexer_.Next(); token != Token::kText) {
    return At(base::format("expected text in {}{}", TokenName(keyword),
                           OpenMetrics() ? "" : base::format(", got {}", TokenName(token))),
              std::min(lexer_.start(), page_.size()));
  }
  std::string_view text = lexer_.bytes();
  if (!text.empty()) text.remove_prefix(1);  // the blank before it
  if (OpenMetrics() && !text.empty()) text.remove_suffix(1);
  entry_.text = text;
  const std::size_t text_start =
      static_cast<std::size_t>(text.empty() ? name_end - page_.data() : text.data() - page_.data());
  if (keyword == Token::kType && !ReadType(text, format_, entry_.type)) {
    return At(base::format("invalid metric type {}", base::GoQuote(text)), text_start);
  }
  if (keyword == Token::kHelp && !base::IsValidUtf8(text)) {
    return At(base::format("help text {} is not a valid utf8 string", base::GoQuote(text)),
              text_start);
  }
  if (keyword == Token::kUnit && !IsUnitOf(text, entry_.name)) {
    return At(base::format("unit {} not a suffix of metric {}", base::GoQuote(text),
                           base::GoQuote(entry_.name)),
              text_start);
  }
  if (!OpenMetrics()) {
    if (const Token token = lexer_.Next(); token != Token::kLinebreak) {
      return Unexpected("linebreak expected after metadata", token);
    }
  }
  return Finish(keyword == Token::kType   ? PageEntry::Kind::kType
                : keyword == Token::kHelp ? PageEntry::Kind::kHelp
                                          : PageEntry::Kind::kUnit);
}

Result<PageEntry> EntryReader::ReadSeries(bool named) {
  const std::size_t start = lexer_.start();
  std::size_t end = lexer_.at();
  Token token = Token::kBraceOpen;
  if (named) {
    has_name_ = true;
    entry_.name = lexer_.bytes();
    token = lexer_.Next();
  }
  if (token == Token::kBraceOpen) {
    if (auto read = ReadBraces(Braces::kSeries); !read) return std::move(read).error();
    end = lexer_.at();
    token = lexer_.Next();
  }
  entry_.series = page_.substr(start, end - start);
  if (!has_name_) return At(base::format("metric name not set while parsing: {}", Parsed()), start);
  auto value = ReadValue(token, "metric");
  if (!value) return std::move(value).error();
  entry_.value = *value;
  if (auto read = OpenMetrics() ? ReadEndOfSample() : ReadTextTime(); !read)
    return std::move(read).error();
  return Finish(PageEntry::Kind::kSample);
}

Result<void> EntryReader::ReadBraces(Braces braces) {
  const bool exemplar = braces == Braces::kExemplar;
  Token token = lexer_.Next();
  while (token != Token::kBraceClose) {
    const std::string_view name = lexer_.bytes();
    const bool quoted = token == Token::kQuoted;
    if (!quoted && token != Token::kLabelName) return Unexpected("expected label name", token);
    const std::size_t name_start = lexer_.start();
    token = lexer_.Next();
    if (quoted && (token == Token::kComma || token == Token::kBraceClose)) {
      if (exemplar) return Unexpected("expected label name", token);
      if (has_name_)
        return At(base::format("metric name already set while parsing: {}", Parsed()), name_start);
      has_name_ = true;
      entry_.name = name.substr(1, name.size() - 2);
      if (token == Token::kComma) token = lexer_.Next();
      continue;
    }
    if (token != Token::kEqual) return Unexpected("expected equal", token);
    token = lexer_.Next();
    if (token != Token::kLabelValue) return Unexpected("expected label value", token);
    if (!base::IsValidUtf8(lexer_.bytes())) {
      return At(base::format("invalid UTF-8 label value: {}", base::GoQuote(lexer_.bytes())),
                lexer_.start());
    }
    token = lexer_.Next();
    if (token == Token::kComma) {
      token = lexer_.Next();
    } else if (OpenMetrics() && token != Token::kBraceClose) {
      return Unexpected("expected comma or brace close", token);
    }
  }
  return {};
}

Result<double> EntryReader::Number() {
  std::string_view token = lexer_.bytes();
  if (OpenMetrics()) token.remove_prefix(1);  // its space
  double value = 0;
  const NumberFault fault = ParseNumber(token, value);
  if (fault == NumberFault::kNone) return value;
  const std::size_t where = lexer_.at() - token.size();
  if (fault == NumberFault::kUnsupported) {
    return At(base::format("{} while parsing: {}", FaultText(fault), Parsed()), where);
  }
  return At(base::format("strconv.ParseFloat: parsing {}: {} while parsing: {}",
                         base::GoQuote(token), FaultText(fault), Parsed()),
            where);
}

Result<double> EntryReader::ReadValue(Token token, std::string_view what) {
  if (token != Token::kValue)
    return Unexpected(base::format("expected value after {}", what), token);
  auto value = Number();
  if (value && std::isnan(*value)) return model::NormalNaN();
  return value;
}

Result<void> EntryReader::ReadTextTime() {
  Token token = lexer_.Next();
  if (token == Token::kLinebreak) return {};
  if (token != Token::kTimestamp) return Unexpected("expected timestamp or new record", token);
  const std::string_view digits = lexer_.bytes();
  const auto [end, code] =
      std::from_chars(digits.data(), digits.data() + digits.size(), entry_.time);
  if (code != std::errc() || end != digits.data() + digits.size()) {
    return At(base::format("strconv.ParseInt: parsing {}: value out of range while parsing: {}",
                           base::GoQuote(digits), Parsed()),
              lexer_.start());
  }
  entry_.has_time = true;
  token = lexer_.Next();
  if (token != Token::kLinebreak) return Unexpected("expected next entry after timestamp", token);
  return {};
}

Result<void> EntryReader::ReadTime(bool of_exemplar) {
  const std::size_t where = lexer_.start() + 1;
  auto seconds = Number();
  if (!seconds) return std::move(seconds).error();
  if (!std::isfinite(*seconds)) {
    return At(base::format("invalid {}timestamp {}", of_exemplar ? "exemplar " : "",
                           base::ShortestG(*seconds)),
              where);
  }
  if (!of_exemplar) {
    entry_.has_time = true;
    entry_.time = SecondsToTime(*seconds);
  }
  return {};
}

Result<void> EntryReader::ReadEndOfSample() {
  Token token = lexer_.Next();
  if (token == Token::kTimestamp) {
    if (auto read = ReadTime(false); !read) return read;
    token = lexer_.Next();
    if (token != Token::kLinebreak && token != Token::kComment) {
      return Unexpected("expected next entry after timestamp", token);
    }
  }
  if (token == Token::kLinebreak) return {};
  if (token == Token::kComment) return ReadExemplar();
  if (token == Token::kEnd) return NoEof();
  // Prometheus stumbles over this only when it looks for the next entry.
  const std::size_t entry = lexer_.at();
  token = lexer_.Next();
  if (token == Token::kEnd) return NoEof();
  return Unexpected("expected a valid start token", token, entry);
}

Result<void> EntryReader::ReadExemplar() {
  if (auto read = ReadBraces(Braces::kExemplar); !read) return read;
  if (auto value = ReadValue(lexer_.Next(), "exemplar labels"); !value)
    return std::move(value).error();
  Token token = lexer_.Next();
  if (token == Token::kEnd) return NoEof();
  if (token == Token::kTimestamp) {
    if (auto read = ReadTime(true); !read) return read;
    token = lexer_.Next();
    if (token != Token::kLinebreak)
      return Unexpected("expected next entry after exemplar timestamp", token);
    return {};
  }
  if (token != Token::kLinebreak) return Unexpected("expected timestamp or comment", token);
  return {};
}

}  // namespace

bool ReadType(std::string_view word, Format format, model::MetricType& type) {
  using model::MetricType;
  struct Row {
    std::string_view word;
    MetricType type;
    bool text;
    bool open_metrics;
  };
  static constexpr std::array<Row, 9> kTypes = {
      {{"gauge", MetricType::kGauge, true, true},
       {"counter", MetricType::kCounter, true, true},
       {"histogram", MetricType::kHistogram, true, true},
       {"summary", MetricType::kSummary, true, true},
       {"untyped", MetricType::kUnknown, true, false},
       {"unknown", MetricType::kUnknown, false, true},
       {"gaugehistogram", MetricType::kGaugeHistogram, false, true},
       {"info", MetricType::kInfo, false, true},
       {"stateset", MetricType::kStateSet, false, true}}};
  for (const Row& row : kTypes) {
    if (row.word != word || !(format == Format::kText ? row.text : row.open_metrics)) continue;
    type = row.type;
    return true;
  }
  return false;
}

bool IsUnitOf(std::string_view unit, std::string_view name) {
  return unit.empty() || (name.size() > unit.size() && name.ends_with(unit) &&
                          name[name.size() - unit.size() - 1] == '_');
}

base::Time SecondsToTime(double seconds) {
  constexpr double kEnd = 9223372036854775808.0;
  const double milliseconds = seconds * 1000;
  if (milliseconds >= kEnd) return std::numeric_limits<base::Time>::max();
  if (milliseconds < -kEnd) return std::numeric_limits<base::Time>::min();
  return static_cast<base::Time>(milliseconds);
}

base::Result<PageEntry> ReadEntry(std::string_view page, std::size_t at, Format format) {
  return EntryReader(page, at, format).Read();
}

}  // namespace plimsoll::exposition::detail
