// SPDX-License-Identifier: Apache-2.0
//
// Selectors and lists of labels.
#include "base/number_text.h"
#include "promql/detail/parse.h"
#include "promql/detail/text.h"

namespace plimsoll::promql::detail {

namespace {

using Kind = TokenKind;

std::optional<model::Matcher::Type> MatchTypeOf(Kind kind) {
  switch (kind) {
    case Kind::kAssign:
      return model::Matcher::Type::kEqual;
    case Kind::kNotEqual:
      return model::Matcher::Type::kNotEqual;
    case Kind::kMatch:
      return model::Matcher::Type::kRegex;
    case Kind::kNotMatch:
      return model::Matcher::Type::kNotRegex;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<std::string> Parser::Unquoted(const Token& literal) {
  auto text = Unquote(literal.text);
  if (!text) {
    Fail(literal.start,
         "error unquoting string " + QuoteForError(literal.text) + ": invalid syntax");
  }
  return text;
}

// `name`: the metric name before the braces, already taken.
Parsed Parser::VectorSelection(const std::optional<Token>& name) {
  VectorSelector selector;
  PosRange pos = name ? name->pos() : Peek().pos();
  if (!name || NextIs(Kind::kLeftBrace)) {
    if (!LabelMatchers(selector.matchers)) return {};
    pos.end = last_close_;
  }
  if (name) {
    selector.name = name->text;
    selector.matchers.push_back(
        model::Matcher::Equal(std::string(model::kMetricName), selector.name));
  }
  return Made({std::move(selector), ValueType::kVector, pos}, 1);
}

bool Parser::LabelMatchers(model::Matchers& matchers) {
  Take();
  while (!TakeIf(Kind::kRightBrace)) {
    if (!LabelMatcher(matchers)) return false;
    if (TakeIf(Kind::kComma)) continue;
    if (!NextIs(Kind::kRightBrace)) return Unexpected("label matching", "\",\" or \"}\""), false;
  }
  return !failed();
}

bool Parser::LabelMatcher(model::Matchers& matchers) {
  constexpr std::string_view kContext = "label matching";
  if (!NextIs(Kind::kIdentifier) && !NextIs(Kind::kString)) {
    return Unexpected(kContext, "identifier or \"}\""), false;
  }
  const Token label = Take();
  const bool quoted = label.kind == Kind::kString;
  std::string name(label.text);
  if (quoted) {
    auto text = Unquoted(label);
    if (!text) return false;
    name = *std::move(text);
  }
  const auto type = MatchTypeOf(Peek().kind);
  if (failed()) return false;
  if (!type && quoted) {  // {"metric.name"}
    matchers.push_back(model::Matcher::Equal(std::string(model::kMetricName), std::move(name)));
    return true;
  }
  if (!type) return Unexpected(kContext, "label matching operator"), false;
  Take();
  if (!NextIs(Kind::kString)) return Unexpected(kContext, "string"), false;
  auto value = Unquoted(Take());
  if (!value) return false;
  auto matcher = model::Matcher::Make(*type, std::move(name), *std::move(value));
  if (!matcher) return Fail(label.start, matcher.error().message), false;
  matchers.push_back(*std::move(matcher));
  return true;
}

std::optional<std::vector<std::string>> Parser::GroupingLabels() {
  constexpr std::string_view kContext = "grouping opts";
  if (!TakeIf(Kind::kLeftParen)) return Unexpected(kContext, "\"(\"");
  std::vector<std::string> labels;
  while (!TakeIf(Kind::kRightParen)) {
    auto label = GroupingLabel();
    if (!label) return std::nullopt;
    labels.push_back(*std::move(label));
    if (TakeIf(Kind::kComma)) continue;
    if (!NextIs(Kind::kRightParen)) return Unexpected(kContext, "\",\" or \")\"");
  }
  return labels;
}

std::optional<std::string> Parser::GroupingLabel() {
  const Kind kind = Peek().kind;
  if (!MayNameLabel(kind) && kind != Kind::kString) return Unexpected("grouping opts", "label");
  const Token token = Take();
  if (kind != Kind::kString) return std::string(token.text);
  auto label = Unquoted(token);
  if (label && (label->empty() || !base::IsValidUtf8(*label))) {
    return Fail(token.start, "invalid label name for grouping: " + QuoteForError(*label));
  }
  return label;
}

}  // namespace plimsoll::promql::detail
