// SPDX-License-Identifier: Apache-2.0
//
// The recursive descent over tokens, one method per rule of the grammar.
//
// Only the first error of a query is shown, so the first one ends the parse: a method that fails
// returns nothing and leaves the error here. One token of lookahead is read as late as possible,
// because a broken token is an error of its own and must not overtake the error of the rule before
// it.
//
// Threads: belongs to one thread. Lives as long as: the query.
// Bounds:  ParseOptions::max_depth, counted for nesting and for the height of the tree.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "promql/ast.h"
#include "promql/detail/lexer.h"
#include "promql/detail/token.h"
#include "promql/parser.h"
#include "promql/series.h"

namespace plimsoll::promql::detail {

// A tree under construction and its height. An empty `expr` means that the parse has failed.
struct Parsed {
  ExprPtr expr;
  int height = 0;
  explicit operator bool() const { return expr != nullptr; }
};

// The same for a duration; `value` is null on failure.
struct ParsedDuration {
  DurationExprPtr value;
  int height = 0;
  explicit operator bool() const { return value != nullptr; }
};

class Parser {
 public:
  Parser(std::string_view query, const ParseOptions& options)
      : lexer_(query), query_(query), options_(options) {}
  // For Metric and Series.
  Parser(std::string_view text, Lexer::Text kind, const ParseOptions& options)
      : lexer_(text, kind), query_(text), options_(options) {}

  // The whole query. Types are not checked yet (detail/check.h).
  base::Result<ExprPtr> Query();
  // A selector alone.
  base::Result<ExprPtr> Selector();
  // A metric alone, and a series with its values.
  base::Result<model::Labels> Metric();
  base::Result<SeriesText> Series(std::size_t max_values);

 private:
  // Tokens (parser.cc).
  const Token& Peek();
  Token Take();
  bool NextIs(TokenKind kind) { return Peek().kind == kind; }
  // Requires: the next token is known to be of this kind or the caller calls Unexpected otherwise.
  std::optional<Token> TakeIf(TokenKind kind);
  bool failed() const { return error_.has_value(); }
  std::nullopt_t Fail(std::int32_t at, std::string message);
  // "unexpected <next token> in <context>, expected <expected>".
  std::nullopt_t Unexpected(std::string_view context = {}, std::string_view expected = {});
  // As above, where the grammar's only recovery is the aggregation around us, if any.
  std::nullopt_t UnexpectedHere() { return Unexpected(aggregations_ > 0 ? "aggregation" : ""); }
  // Counts one level of nesting; false if it is too deep.
  class Level;
  Parsed Made(Expr expr, int height);

  // Expressions (parser.cc).
  Parsed Expression(int min_precedence);
  Parsed Operand();
  Parsed UnaryOperator();
  Parsed Primary();
  Parsed Parenthesized();
  Parsed Number();
  Parsed StringText();
  Parsed FunctionCall(const Token& name);
  Parsed Aggregation(const Token& op);
  Parsed BinaryWith(Parsed lhs, const Token& op, int precedence);
  struct Arguments {
    std::vector<ExprPtr> list;
    int height = 0;
    std::int32_t end = 0;
  };
  std::optional<Arguments> CallArguments();
  struct Modifiers {
    VectorMatching matching;
    bool return_bool = false;
  };
  std::optional<Modifiers> BinaryModifiers();
  bool FillModifiers(VectorMatching& matching);
  std::optional<double> FillValue();

  // Selectors (parse_selector.cc).
  Parsed VectorSelection(const std::optional<Token>& name);
  bool LabelMatchers(model::Matchers& matchers);
  bool LabelMatcher(model::Matchers& matchers);
  std::optional<std::vector<std::string>> GroupingLabels();
  std::optional<std::string> GroupingLabel();
  std::optional<std::string> Unquoted(const Token& literal);

  // Series of tests (parse_series.cc).
  std::optional<model::Labels> MetricLabels();
  bool LabelSet(model::LabelsBuilder& labels);
  bool SeriesItem(SeriesText& series, std::size_t max_values);
  std::optional<double> SeriesValue();
  std::optional<double> SignedNumber();
  // The repetitions after an `x`. Returns: nothing, having failed, when there are none.
  std::optional<std::uint64_t> Times();
  bool AddValues(SeriesText& series, std::optional<double> first, std::optional<double> step,
                 std::uint64_t count, std::size_t max_values);

  // What may follow an operand (parse_postfix.cc).
  Parsed Postfix(Parsed operand);
  Parsed Bracket(Parsed operand);
  Parsed RangeSelection(Parsed operand, const Token& open, Duration range);
  bool Offset(Expr& operand);
  bool At(Expr& operand);
  bool Extended(Expr& operand);
  std::optional<AtModifier> AtInstant(const Expr& operand);

  // Durations (parse_duration.cc).
  ParsedDuration DurationExpression(int min_precedence);
  ParsedDuration DurationRest(ParsedDuration lhs, int min_precedence);
  ParsedDuration DurationBinary(ParsedDuration lhs, const Token& op, ParsedDuration rhs);
  ParsedDuration DurationOperand();
  ParsedDuration DurationParenthesized();
  ParsedDuration DurationCall();
  ParsedDuration DurationNumber(bool check_range);
  ParsedDuration OffsetDuration();
  ParsedDuration Signed(const Token& sign, ParsedDuration operand);
  ParsedDuration DurationMade(DurationExpr expr, int height);
  std::optional<Duration> PositiveDuration();
  std::optional<double> NumberOrDuration(bool& is_duration);
  std::nullopt_t UnexpectedInDuration();

  Lexer lexer_;
  std::string_view query_;
  const ParseOptions& options_;
  Token next_;
  bool have_next_ = false;
  std::optional<base::Error> error_;
  int depth_ = 0;
  int aggregations_ = 0;         // how many are open around the current token
  std::int32_t last_close_ = 0;  // the end of the newest closing bracket or number
  // Which recovery of the grammar a syntax error inside a duration meets.
  enum class DurationPlace { kRange, kStep, kOffset } duration_place_ = DurationPlace::kRange;
};

// "1:5: parse error: message".
base::Error ErrorAt(std::string_view query, std::int32_t offset, std::string_view message);

}  // namespace plimsoll::promql::detail
