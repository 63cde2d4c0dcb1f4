// SPDX-License-Identifier: Apache-2.0
//
// The printer. See promql/print.h.
//
// Where Prometheus's text would not read back (an escaped U+FFFD, an empty selector, an offset
// whose expression begins with a number or a sign), ours differs so that it does.
#include "promql/print.h"

#include <algorithm>
#include <cmath>

#include "base/format.h"
#include "base/number_text.h"
#include "promql/detail/text.h"
#include "promql/functions.h"

namespace plimsoll::promql {

namespace {

using detail::QuoteLiteral;

// Milliseconds as a literal; the sign stands before it.
void AppendDuration(std::int64_t milliseconds, std::string& out) {
  if (milliseconds < 0) out += '-';
  out += base::FormatDuration(std::chrono::milliseconds(std::abs(milliseconds)));
}

void AppendNumber(double value, bool duration, std::string& out) {
  if (duration) {
    if (std::signbit(value)) out += '-';  // also of a zero
    AppendDuration(static_cast<std::int64_t>(std::llround(std::abs(value) * 1000)), out);
  } else {
    out += base::FixedShortest(value);
  }
}

std::string_view OperatorText(DurationExpr::Op op) {
  using Op = DurationExpr::Op;
  switch (op) {
    case Op::kAdd:
      return " + ";
    case Op::kSub:
      return " - ";
    case Op::kMul:
      return " * ";
    case Op::kDiv:
      return " / ";
    case Op::kMod:
      return " % ";
    case Op::kPow:
      return " ^ ";
    case Op::kMinOf:
      return "min_of(";
    case Op::kMaxOf:
      return "max_of(";
    case Op::kStep:
      return "step()";
    case Op::kRange:
      return "range()";
    case Op::kNegate:
      return "-";
    case Op::kPlus:
    case Op::kNumber:
      return "";
  }
  return "";
}

void Append(const DurationExpr& expr, std::string& out) {
  using Op = DurationExpr::Op;
  if (expr.wrapped) out += '(';
  switch (expr.op) {
    case Op::kNumber:
      AppendNumber(expr.seconds, expr.duration_literal, out);
      break;
    case Op::kStep:
    case Op::kRange:
      out += OperatorText(expr.op);
      break;
    case Op::kNegate:
    case Op::kPlus:
      out += OperatorText(expr.op);
      Append(*expr.lhs, out);
      break;
    case Op::kMinOf:
    case Op::kMaxOf:
      out += OperatorText(expr.op);
      Append(*expr.lhs, out);
      out += ", ";
      Append(*expr.rhs, out);
      out += ')';
      break;
    case Op::kAdd:
    case Op::kSub:
    case Op::kMul:
    case Op::kDiv:
    case Op::kMod:
    case Op::kPow:
      Append(*expr.lhs, out);
      out += OperatorText(expr.op);
      Append(*expr.rhs, out);
      break;
  }
  if (expr.wrapped) out += ')';
}

void Append(const Duration& duration, std::string& out) {
  if (duration.expr != nullptr) {
    Append(*duration.expr, out);
  } else {
    AppendDuration(duration.milliseconds, out);
  }
}

// Whether the parser takes the whole of it after `offset` as one operand.
bool IsOneOperand(const DurationExpr& expr) {
  using Op = DurationExpr::Op;
  const auto call = [](Op op) {
    return op == Op::kStep || op == Op::kRange || op == Op::kMinOf || op == Op::kMaxOf;
  };
  if (expr.wrapped || expr.op == Op::kNumber || call(expr.op)) return true;
  return expr.op == Op::kNegate && (expr.lhs->wrapped || call(expr.lhs->op));
}

bool ReadsOn(const Duration& offset) {
  return offset.expr != nullptr && !IsOneOperand(*offset.expr);
}

void AppendOffset(const Duration& offset, std::string& out) {
  if (offset.expr == nullptr && offset.milliseconds == 0) return;
  out += " offset ";
  std::string text;
  Append(offset, text);
  // Two signs, or a parenthesis, make the parser read on after the first operand.
  if (ReadsOn(offset) && text[0] != '(') {
    const bool two_signs = text[0] == '-' && text[1] == '-';
    if (!two_signs) out += text[0] == '-' ? "+" : "++";
  }
  out += text;
}

void Append(const std::optional<AtModifier>& at, std::string& out) {
  if (!at) return;
  switch (at->kind) {
    case AtModifier::Kind::kStart:
      out += " @ start()";
      return;
    case AtModifier::Kind::kEnd:
      out += " @ end()";
      return;
    case AtModifier::Kind::kTime:
      break;
  }
  const auto magnitude = static_cast<std::uint64_t>(at->time < 0 ? -at->time : at->time);
  out += base::format(" @ {}{}.{:03}", at->time < 0 ? "-" : "", magnitude / 1000, magnitude % 1000);
}

// `@` comes first, as in Prometheus, unless the offset would read on into what follows the
// selector.
void AppendModifiers(const std::optional<AtModifier>& at, const Duration& offset,
                     std::string_view between, std::string& out) {
  const bool offset_first = at && ReadsOn(offset);
  if (!offset_first) Append(at, out);
  out += between;
  AppendOffset(offset, out);
  if (offset_first) Append(at, out);
}

std::string_view ExtendedText(const VectorSelector& selector) {
  if (selector.anchored) return " anchored";
  return selector.smoothed ? " smoothed" : "";
}

void AppendLabels(const std::vector<std::string>& labels, std::string& out) {
  out += '(';
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (i > 0) out += ", ";
    out += model::IsLegacyLabelName(labels[i]) ? labels[i] : QuoteLiteral(labels[i]);
  }
  out += ')';
}

std::string MatcherText(const model::Matcher& matcher) {
  std::string out =
      model::IsLegacyLabelName(matcher.name()) ? matcher.name() : QuoteLiteral(matcher.name());
  out += model::OperatorText(matcher.type());
  return out + QuoteLiteral(matcher.value());
}

void AppendSelection(const VectorSelector& selector, std::string& out) {
  std::vector<std::string> texts;
  for (const model::Matcher& matcher : selector.matchers) {
    const bool is_name = matcher.name() == model::kMetricName &&
                         matcher.type() == model::Matcher::Type::kEqual &&
                         matcher.value() == selector.name && !matcher.value().empty();
    if (!is_name) texts.push_back(MatcherText(matcher));
  }
  out += selector.name;
  if (texts.empty() && !selector.name.empty()) return;
  std::sort(texts.begin(), texts.end());
  out += '{';
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out += ',';
    out += texts[i];
  }
  out += '}';
}

class Printer {
 public:
  explicit Printer(std::string& out, OneLine::Places* places = nullptr)
      : out_(out), places_(places) {}
  void Print(const Expr& expr) {
    const std::size_t start = out_.size();
    std::visit([&](const auto& node) { Print(node); }, expr.node);
    NotePlace(expr, start);
  }

 private:
  void Print(const NumberLiteral& node) { AppendNumber(node.value, node.duration, out_); }
  void Print(const StringLiteral& node) { out_ += QuoteLiteral(node.value); }
  void Print(const VectorSelector& node) {
    AppendSelection(node, out_);
    AppendModifiers(node.at, node.offset, ExtendedText(node), out_);
  }
  void Print(const MatrixSelector& node) {
    const auto& vector = std::get<VectorSelector>(node.vector->node);
    AppendSelection(vector, out_);
    out_ += '[';
    Append(node.range, out_);
    out_ += ']';
    out_ += ExtendedText(vector);
    AppendModifiers(vector.at, vector.offset, "", out_);
  }
  void Print(const Subquery& node) {
    Print(*node.expr);
    out_ += '[';
    Append(node.range, out_);
    out_ += ':';
    if (node.step.expr != nullptr || node.step.milliseconds != 0) Append(node.step, out_);
    out_ += ']';
    AppendModifiers(node.at, node.offset, "", out_);
  }
  void Print(const Paren& node) {
    out_ += '(';
    Print(*node.expr);
    out_ += ')';
  }
  void Print(const Unary& node) {
    out_ += node.negative ? '-' : '+';
    Print(*node.expr);
  }
  void Print(const Binary& node);
  void PrintMatching(const VectorMatching& matching);
  void Print(const Aggregate& node);
  void Print(const Call& node) {
    out_ += node.function->name;
    out_ += '(';
    for (std::size_t i = 0; i < node.args.size(); ++i) {
      if (i > 0) out_ += ", ";
      Print(*node.args[i]);
    }
    out_ += ')';
  }

  void NotePlace(const Expr& expr, std::size_t start) {
    if (places_ != nullptr) places_->insert_or_assign(&expr, OneLine::Place{start, out_.size()});
  }

  std::string& out_;
  OneLine::Places* places_;
};

void Printer::PrintMatching(const VectorMatching& matching) {
  using Card = VectorMatching::Card;
  const bool grouped = matching.card == Card::kManyToOne || matching.card == Card::kOneToMany;
  if (!matching.labels.empty() || matching.on || grouped) {
    out_ += matching.on ? " on " : " ignoring ";
    AppendLabels(matching.labels, out_);
  }
  if (grouped) {
    out_ += matching.card == Card::kManyToOne ? " group_left " : " group_right ";
    AppendLabels(matching.include, out_);
  }
  const auto fill = [&](std::string_view word, double value) {
    out_ += base::format(" {} ({})", word, base::SprintFloat(value));
  };
  if (matching.fill_left && matching.fill_right && *matching.fill_left == *matching.fill_right) {
    return fill("fill", *matching.fill_left);
  }
  if (matching.fill_left) fill("fill_left", *matching.fill_left);
  if (matching.fill_right) fill("fill_right", *matching.fill_right);
}

void Printer::Print(const Binary& node) {
  // The sign of +Inf would take the whole power with it.
  const auto* number = std::get_if<NumberLiteral>(&node.lhs->node);
  if (number != nullptr && node.op == BinaryOp::kPow && number->value > 0 &&
      std::isinf(number->value)) {
    const std::size_t start = out_.size();
    out_ += "Inf";
    NotePlace(*node.lhs, start);
  } else {
    Print(*node.lhs);
  }
  out_ += base::format(" {}", OpText(node.op));
  if (node.return_bool) out_ += " bool";
  if (node.matching) PrintMatching(*node.matching);
  out_ += ' ';
  Print(*node.rhs);
}

void Printer::Print(const Aggregate& node) {
  out_ += OpText(node.op);
  if (node.without || !node.grouping.empty()) {
    out_ += node.without ? " without " : " by ";
    AppendLabels(node.grouping, out_);
    out_ += ' ';
  }
  out_ += '(';
  if (node.param != nullptr) {
    Print(*node.param);
    out_ += ", ";
  }
  Print(*node.expr);
  out_ += ')';
}

}  // namespace

std::string Print(const Expr& expr) {
  std::string out;
  Printer(out).Print(expr);
  return out;
}

OneLine PrintWithPlaces(const Expr& expr) {
  OneLine line;
  Printer(line.text, &line.places).Print(expr);
  return line;
}

}  // namespace plimsoll::promql
