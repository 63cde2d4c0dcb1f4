// SPDX-License-Identifier: Apache-2.0
//
// Tokens of an exposition page, by the rules of Prometheus's two lexers.
//
// This is the careful lane: it is used for what the quick lane of the page parser does not know
// (quoted names, exemplars, a last line without a line break) and for every error, because the text
// of an error names the token at which Prometheus stops. A text page is read as if one more line
// break followed it.
//
// Threads: one thread at a time. Lives as long as: the page must outlive it.
// See: prometheus/prometheus model/textparse/promlex.l and openmetricslex.l
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "exposition/format.h"

namespace plimsoll::exposition::detail {

enum class Token {
  kInvalid,
  kEnd,
  kLinebreak,
  kHelp,
  kType,
  kUnit,
  kEofWord,
  kText,
  kComment,
  kMetricName,
  kQuoted,
  kBraceOpen,
  kBraceClose,
  kLabelName,
  kLabelValue,
  kComma,
  kEqual,
  kTimestamp,
  kValue,
};

// Returns: the name that Prometheus's errors use.
std::string_view TokenName(Token token);

class Lexer {
 public:
  // Starts at `at`, which must be the start of an entry.
  Lexer(std::string_view page, std::size_t at, Format format)
      : page_(page),
        size_(page.size() + (format == Format::kText ? 1 : 0)),
        at_(at),
        format_(format) {}

  // In text, blanks between tokens are skipped.
  Token Next();

  std::size_t start() const { return start_; }  // of the last token
  std::size_t at() const {
    return at_;
  }  // its end, or where no rule went on; may be one past the page
  std::string_view bytes() const { return page_.substr(start_, at_ - start_); }

  // Returns: the bytes from `from` up to and with the one at which the lexer stands, as errors show
  // them.
  std::string Seen(std::size_t from) const;

 private:
  enum class State {
    kInit,
    kMetaName,
    kMetaText,
    kLabels,
    kLabelValue,
    kValue,
    kTimestamp,
    kExemplar,
    kExemplarValue,
    kExemplarTimestamp,
  };

  // Returns: the byte, or NUL past the end, where no rule goes on.
  char At(std::size_t i) const { return i < page_.size() ? page_[i] : i < size_ ? '\n' : '\0'; }
  Token Accept(std::size_t end, Token token) { return at_ = end, token; }
  Token Accept(std::size_t end, Token token, State next) {
    return state_ = next, Accept(end, token);
  }
  Token Stuck(std::size_t at) { return Accept(at, Token::kInvalid); }

  Token Text();
  Token TextInit();
  Token TextComment();
  Token OpenMetrics();
  Token OpenMetricsComment();
  Token OpenMetricsTimestamp();
  Token MetaName();
  Token InLabels(State after_equal, State after_close, bool newline);
  Token Word(Token token, State next, bool colon);
  Token Quoted(Token token, State next, bool newline, bool nul);
  Token Blanks();
  Token SpacedValue(Token token, State next);

  std::string_view page_;
  std::size_t size_;
  std::size_t at_;
  std::size_t start_ = 0;
  State state_ = State::kInit;
  Format format_;
  bool blank_ = false;  // the last token was a run of blanks
};

}  // namespace plimsoll::exposition::detail
