// SPDX-License-Identifier: Apache-2.0
//
// Expressions: precedence climbing, calls, aggregations, binary operators and their modifiers.
// Source of the grammar: prometheus/prometheus promql/parser generated_parser.y. Longer than most:
// it is one grammar, and its durations, selectors and suffixes already stand apart.
#include "promql/parser.h"

#include <algorithm>
#include <utility>

#include "base/format.h"
#include "base/number_text.h"
#include "promql/detail/check.h"
#include "promql/detail/parse.h"
#include "promql/functions.h"

namespace plimsoll::promql {

namespace detail {

namespace {

using Kind = TokenKind;

// Low to high. Unary signs bind like multiplication, so their operand starts at the power.
constexpr int kLowest = 1;
constexpr int kPower = 6;

// Returns: zero if the token is no binary operator.
int PrecedenceOf(Kind kind) {
  switch (kind) {
    case Kind::kOr:
      return kLowest;
    case Kind::kAnd:
    case Kind::kUnless:
      return 2;
    case Kind::kEqual:
    case Kind::kNotEqual:
    case Kind::kLess:
    case Kind::kLessEqual:
    case Kind::kGreater:
    case Kind::kGreaterEqual:
    case Kind::kTrimUpper:
    case Kind::kTrimLower:
      return 3;
    case Kind::kAdd:
    case Kind::kSub:
      return 4;
    case Kind::kMul:
    case Kind::kDiv:
    case Kind::kMod:
    case Kind::kAtan2:
      return 5;
    case Kind::kPow:
      return kPower;
    default:
      return 0;
  }
}

// Requires: PrecedenceOf(kind) > 0. The two enumerations list the operators in one order.
BinaryOp OperatorOf(Kind kind) {
  return static_cast<BinaryOp>(static_cast<int>(kind) - static_cast<int>(Kind::kAdd));
}
static_assert(static_cast<int>(Kind::kEqual) - static_cast<int>(Kind::kAdd) ==
              static_cast<int>(BinaryOp::kEqual));
static_assert(static_cast<int>(Kind::kGreaterEqual) - static_cast<int>(Kind::kAdd) ==
              static_cast<int>(BinaryOp::kGreaterEqual));

BinaryOp BinaryOpOf(Kind kind) {
  switch (kind) {
    case Kind::kTrimUpper:
      return BinaryOp::kTrimUpper;
    case Kind::kTrimLower:
      return BinaryOp::kTrimLower;
    case Kind::kAnd:
      return BinaryOp::kAnd;
    case Kind::kOr:
      return BinaryOp::kOr;
    case Kind::kUnless:
      return BinaryOp::kUnless;
    default:
      return OperatorOf(kind);
  }
}

AggregateOp AggregateOpOf(Kind kind) {
  return static_cast<AggregateOp>(static_cast<int>(kind) - static_cast<int>(Kind::kSum));
}
static_assert(static_cast<int>(Kind::kLimitRatio) - static_cast<int>(Kind::kSum) ==
              static_cast<int>(AggregateOp::kLimitRatio));

bool TakesParameter(AggregateOp op) {
  return op == AggregateOp::kTopk || op == AggregateOp::kBottomk || op == AggregateOp::kQuantile ||
         op == AggregateOp::kCountValues || op == AggregateOp::kLimitk ||
         op == AggregateOp::kLimitRatio;
}

}  // namespace

base::Error ErrorAt(std::string_view query, std::int32_t offset, std::string_view message) {
  return base::BadInput(base::format("{}: parse error: {}", PositionText(query, offset), message));
}

const Token& Parser::Peek() {
  if (have_next_) return next_;
  next_ = lexer_.Next();
  have_next_ = true;
  if (next_.kind == Kind::kError) Fail(next_.start, next_.error);
  return next_;
}

Token Parser::Take() {
  Token token = Peek();
  switch (token.kind) {
    case Kind::kRightBrace:
    case Kind::kRightParen:
    case Kind::kRightBracket:
    case Kind::kNumber:
    case Kind::kDuration:
      last_close_ = token.end();
      break;
    default:
      break;
  }
  have_next_ = token.kind == Kind::kError || token.kind == Kind::kEof;  // both stay for ever
  return token;
}

std::optional<Token> Parser::TakeIf(TokenKind kind) {
  if (!NextIs(kind)) return std::nullopt;
  return Take();
}

std::nullopt_t Parser::Fail(std::int32_t at, std::string message) {
  if (!error_) error_ = ErrorAt(query_, at, message);
  return std::nullopt;
}

std::nullopt_t Parser::Unexpected(std::string_view context, std::string_view expected) {
  const Token& token = Peek();
  if (failed()) return std::nullopt;
  std::string message = "unexpected " + Describe(token);
  if (!context.empty()) message.append(" in ").append(context);
  if (!expected.empty()) message.append(", expected ").append(expected);
  return Fail(token.start, std::move(message));
}

class Parser::Level {
 public:
  explicit Level(Parser& parser) : parser_(parser) {
    if (++parser_.depth_ <= parser_.options_.max_depth) return;
    parser_.Fail(parser_.Peek().start,
                 base::format("expression is nested too deeply, expected at most {} levels",
                              parser_.options_.max_depth));
  }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;
  ~Level() { --parser_.depth_; }

 private:
  Parser& parser_;
};

Parsed Parser::Made(Expr expr, int height) {
  if (height > options_.max_depth) {
    Fail(expr.pos.start, base::format("expression is nested too deeply, expected at most {} levels",
                                      options_.max_depth));
    return {};
  }
  return {std::make_unique<Expr>(std::move(expr)), height};
}

base::Result<ExprPtr> Parser::Query() {
  if (NextIs(Kind::kEof)) Fail(0, "no expression found in input");
  Parsed result = failed() ? Parsed{} : Expression(kLowest);
  if (!failed() && !NextIs(Kind::kEof)) UnexpectedHere();
  if (failed()) return *std::move(error_);
  return std::move(result.expr);
}

base::Result<ExprPtr> Parser::Selector() {
  std::optional<Token> name;
  if (MayNameMetric(Peek().kind)) name = Take();
  if (!name && !NextIs(Kind::kLeftBrace)) UnexpectedHere();
  Parsed result = failed() ? Parsed{} : VectorSelection(name);
  if (!failed() && !NextIs(Kind::kEof)) UnexpectedHere();
  if (failed()) return *std::move(error_);
  return std::move(result.expr);
}

Parsed Parser::Expression(int min_precedence) {
  const Level level(*this);
  if (failed()) return {};
  Parsed lhs = Operand();
  while (lhs) {
    const int precedence = PrecedenceOf(Peek().kind);
    if (failed()) return {};
    if (precedence == 0 || precedence < min_precedence) return lhs;
    const Token op = Take();
    lhs = BinaryWith(std::move(lhs), op, precedence);
  }
  return {};
}

Parsed Parser::BinaryWith(Parsed lhs, const Token& op, int precedence) {
  auto modifiers = BinaryModifiers();
  if (!modifiers) return {};
  // The power is right-associative, everything else left.
  Parsed rhs = Expression(precedence == kPower ? precedence : precedence + 1);
  if (!rhs) return {};
  const PosRange pos{lhs.expr->pos.start, rhs.expr->pos.end};
  const VectorMatching& matching = modifiers->matching;
  if (!options_.binop_fill && (matching.fill_left || matching.fill_right)) {
    return Fail(pos.start, "binop fill modifiers are experimental and not enabled"), Parsed{};
  }
  const bool scalars = lhs.expr->type == ValueType::kScalar && rhs.expr->type == ValueType::kScalar;
  const int height = std::max(lhs.height, rhs.height) + 1;
  Binary binary{BinaryOpOf(op.kind),    std::move(lhs.expr),
                std::move(rhs.expr),    std::move(modifiers->matching),
                modifiers->return_bool, op.pos()};
  return Made({std::move(binary), scalars ? ValueType::kScalar : ValueType::kVector, pos}, height);
}

std::optional<Parser::Modifiers> Parser::BinaryModifiers() {
  Modifiers result;
  if (TakeIf(Kind::kBool)) result.return_bool = true;
  if (NextIs(Kind::kOn) || NextIs(Kind::kIgnoring)) {
    result.matching.on = Take().kind == Kind::kOn;
    auto labels = GroupingLabels();
    if (!labels) return std::nullopt;
    result.matching.labels = *std::move(labels);
    if (NextIs(Kind::kGroupLeft) || NextIs(Kind::kGroupRight)) {
      const bool left = Take().kind == Kind::kGroupLeft;
      result.matching.card =
          left ? VectorMatching::Card::kManyToOne : VectorMatching::Card::kOneToMany;
      // The list may be left out, but a parenthesis here always opens it.
      if (NextIs(Kind::kLeftParen) || !MayBeginExpr(Peek().kind)) {
        auto include = GroupingLabels();
        if (!include) return std::nullopt;
        result.matching.include = *std::move(include);
      }
    }
  }
  if (!FillModifiers(result.matching)) return std::nullopt;
  return result;
}

bool Parser::FillModifiers(VectorMatching& matching) {
  const Kind first = Peek().kind;
  if (first == Kind::kFill) {
    Take();
    matching.fill_left = matching.fill_right = FillValue();
    return !failed();
  }
  if (first != Kind::kFillLeft && first != Kind::kFillRight) return !failed();
  const bool left = Take().kind == Kind::kFillLeft;
  (left ? matching.fill_left : matching.fill_right) = FillValue();
  if (failed()) return false;
  if (TakeIf(left ? Kind::kFillRight : Kind::kFillLeft)) {
    (left ? matching.fill_right : matching.fill_left) = FillValue();
  }
  return !failed();
}

std::optional<double> Parser::FillValue() {
  if (!TakeIf(Kind::kLeftParen)) return UnexpectedHere();
  double sign = 1;
  if (NextIs(Kind::kAdd) || NextIs(Kind::kSub)) sign = Take().kind == Kind::kSub ? -1 : 1;
  if (!NextIs(Kind::kNumber) && !NextIs(Kind::kDuration)) return UnexpectedHere();
  bool is_duration = false;
  const auto value = NumberOrDuration(is_duration);
  if (!value) return std::nullopt;
  if (!TakeIf(Kind::kRightParen)) return UnexpectedHere();
  return sign * *value;
}

Parsed Parser::Operand() {
  const Kind kind = Peek().kind;
  if (failed()) return {};
  if (kind == Kind::kAdd || kind == Kind::kSub) return UnaryOperator();
  return Postfix(Primary());
}

Parsed Parser::UnaryOperator() {
  const Token sign = Take();
  Parsed operand = Expression(kPower);
  if (!operand) return {};
  const bool negative = sign.kind == Kind::kSub;
  if (auto* number = std::get_if<NumberLiteral>(&operand.expr->node)) {
    if (negative) number->value = -number->value;
    operand.expr->pos.start = sign.start;
    return operand;
  }
  const ValueType type = operand.expr->type;
  const PosRange pos{sign.start, operand.expr->pos.end};
  const int height = operand.height + 1;
  return Made({Unary{negative, std::move(operand.expr)}, type, pos}, height);
}

Parsed Parser::Primary() {
  const Kind kind = Peek().kind;
  switch (kind) {
    case Kind::kNumber:
    case Kind::kDuration:
      return Number();
    case Kind::kString:
      return StringText();
    case Kind::kLeftParen:
      return Parenthesized();
    case Kind::kLeftBrace:
      return VectorSelection(std::nullopt);
    default:
      break;
  }
  if (!MayNameMetric(kind)) return UnexpectedHere(), Parsed{};
  // Whether the word is a metric or begins a call, the next token tells.
  const Token name = Take();
  const Kind after = Peek().kind;
  if (failed()) return {};
  const bool callable = kind == Kind::kIdentifier || kind == Kind::kStart || kind == Kind::kEnd ||
                        kind == Kind::kStep || kind == Kind::kRange || kind == Kind::kMaxOf ||
                        kind == Kind::kMinOf;
  if (callable && after == Kind::kLeftParen) return FunctionCall(name);
  if (IsAggregator(kind) &&
      (after == Kind::kLeftParen || after == Kind::kBy || after == Kind::kWithout)) {
    return Aggregation(name);
  }
  return VectorSelection(name);
}

Parsed Parser::Number() {
  const Token token = Peek();
  NumberLiteral number;
  const auto value = NumberOrDuration(number.duration);
  if (!value) return {};
  number.value = *value;
  return Made({number, ValueType::kScalar, token.pos()}, 1);
}

Parsed Parser::StringText() {
  const Token token = Take();
  auto value = Unquoted(token);
  if (!value) return {};
  return Made({StringLiteral{*std::move(value)}, ValueType::kString, token.pos()}, 1);
}

Parsed Parser::Parenthesized() {
  const Token open = Take();
  Parsed inner = Expression(kLowest);
  if (!inner) return {};
  const auto close = TakeIf(Kind::kRightParen);
  if (!close) return UnexpectedHere(), Parsed{};
  const ValueType type = inner.expr->type;
  const int height = inner.height + 1;
  return Made({Paren{std::move(inner.expr)}, type, {open.start, close->end()}}, height);
}

std::optional<Parser::Arguments> Parser::CallArguments() {
  if (!TakeIf(Kind::kLeftParen)) return UnexpectedHere();
  Arguments result;
  while (!NextIs(Kind::kRightParen)) {
    Parsed argument = Expression(kLowest);
    if (!argument) return std::nullopt;
    result.list.push_back(std::move(argument.expr));
    result.height = std::max(result.height, argument.height);
    const auto comma = TakeIf(Kind::kComma);
    if (!comma) {
      if (NextIs(Kind::kRightParen)) break;
      return UnexpectedHere();
    }
    const Kind after = Peek().kind;
    if (failed()) return std::nullopt;
    if (!MayBeginExpr(after)) {
      return Fail(comma->start, "trailing commas not allowed in function call args");
    }
  }
  result.end = Take().end();
  return result;
}

Parsed Parser::FunctionCall(const Token& name) {
  auto arguments = CallArguments();
  if (!arguments) return {};
  const Function* function = FindFunction(name.text);
  if (function == nullptr) {
    Fail(name.start, "unknown function with name " + base::GoQuote(name.text));
    return {};
  }
  if (function->experimental && !options_.experimental_functions) {
    Fail(name.start, "function " + base::GoQuote(name.text) + " is not enabled");
    return {};
  }
  return Made(
      {Call{function, std::move(arguments->list)}, function->returns, {name.start, arguments->end}},
      arguments->height + 1);
}

Parsed Parser::Aggregation(const Token& op) {
  ++aggregations_;
  Aggregate aggregate;
  aggregate.op = AggregateOpOf(op.kind);
  const auto grouping = [&]() -> bool {
    if (!NextIs(Kind::kBy) && !NextIs(Kind::kWithout)) return false;
    aggregate.without = Take().kind == Kind::kWithout;
    if (auto labels = GroupingLabels()) aggregate.grouping = *std::move(labels);
    return true;
  };
  const bool before = grouping();
  if (failed()) return {};
  auto arguments = CallArguments();
  if (!arguments) return {};
  --aggregations_;
  PosRange pos{op.start, arguments->end};
  if (!before && grouping()) pos.end = last_close_;
  if (failed()) return {};

  if (arguments->list.empty()) {
    return Fail(op.start, "no arguments for aggregate expression provided"), Parsed{};
  }
  const bool experimental =
      aggregate.op == AggregateOp::kLimitk || aggregate.op == AggregateOp::kLimitRatio;
  if (experimental && !options_.experimental_functions) {
    Fail(op.start, base::format("{}() is experimental and must be enabled with "
                                "--enable-feature=promql-experimental-functions",
                                OpText(aggregate.op)));
    return {};
  }
  const std::size_t wanted = TakesParameter(aggregate.op) ? 2 : 1;
  if (arguments->list.size() != wanted) {
    Fail(op.start, base::format("wrong number of arguments for aggregate expression provided, "
                                "expected {}, got {}",
                                wanted, arguments->list.size()));
    return {};
  }
  aggregate.expr = std::move(arguments->list.back());
  if (wanted == 2) aggregate.param = std::move(arguments->list.front());
  return Made({std::move(aggregate), ValueType::kVector, pos}, arguments->height + 1);
}

}  // namespace detail

std::string PositionText(std::string_view query, std::int32_t offset) {
  if (query.empty()) return "unknown position";
  if (offset < 0 || static_cast<std::size_t>(offset) > query.size()) return "invalid position";
  const std::string_view before = query.substr(0, static_cast<std::size_t>(offset));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t line_break = before.rfind('\n');
  const std::size_t column =
      before.size() - (line_break == std::string_view::npos ? 0 : line_break + 1) + 1;
  return base::format("{}:{}", line, column);
}

base::Result<ExprPtr> Parse(std::string_view query, const ParseOptions& options) {
  auto parsed = detail::Parser(query, options).Query();
  if (!parsed) return parsed;
  if (auto checked = detail::CheckTypes(**parsed, query); !checked) {
    return std::move(checked).error();
  }
  return parsed;
}

base::Result<model::Matchers> ParseSelector(std::string_view text) {
  const ParseOptions options;
  auto parsed = detail::Parser(text, options).Selector();
  if (!parsed) return std::move(parsed).error();
  return std::move(std::get<VectorSelector>((*parsed)->node).matchers);
}

}  // namespace plimsoll::promql
