// SPDX-License-Identifier: Apache-2.0
//
// Lexer and parser of label selectors, and what a requirement means. Longer than most: it is one
// small language, with the error texts of Kubernetes.
//
// The lexer knows no keywords beyond `in` and `notin`, and whether these are keywords is for the
// parser to say: a label may be called "in".
#include "serve/label_selector.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/format.h"
#include "base/number_text.h"

namespace plimsoll::serve {
namespace {

using Operator = LabelSelector::Operator;
using Requirement = LabelSelector::Requirement;

constexpr std::string_view kSpecial = "=!(),><";

enum class Kind {
  kEnd,
  kError,
  kWord,
  kOpen,
  kClose,
  kComma,
  kNot,
  kEqual,
  kDoubleEqual,
  kNotEqual,
  kGreater,
  kLess
};

struct Token {
  Kind kind = Kind::kEnd;
  std::string_view text;
};

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool IsSpecial(char c) { return kSpecial.find(c) != std::string_view::npos; }

class Lexer {
 public:
  explicit Lexer(std::string_view text) : rest_(text) { Advance(); }
  const Token& Peek() const { return next_; }
  Token Take() {
    const Token token = next_;
    Advance();
    return token;
  }

 private:
  void Advance() {
    while (!rest_.empty() && IsSpace(rest_.front())) rest_.remove_prefix(1);
    if (rest_.empty()) {
      next_ = {};
      return;
    }
    std::size_t length = 0;
    if (IsSpecial(rest_.front())) {
      const bool two = rest_.size() > 1 && rest_[1] == '=' && (rest_[0] == '=' || rest_[0] == '!');
      length = two ? 2 : 1;
      next_ = {Special(rest_.substr(0, length)), rest_.substr(0, length)};
    } else {
      while (length < rest_.size() && !IsSpace(rest_[length]) && !IsSpecial(rest_[length]))
        ++length;
      next_ = {Kind::kWord, rest_.substr(0, length)};
    }
    rest_.remove_prefix(length);
  }

  static Kind Special(std::string_view text) {
    if (text == "==") return Kind::kDoubleEqual;
    if (text == "!=") return Kind::kNotEqual;
    switch (text.front()) {
      case '=':
        return Kind::kEqual;
      case '!':
        return Kind::kNot;
      case '(':
        return Kind::kOpen;
      case ')':
        return Kind::kClose;
      case ',':
        return Kind::kComma;
      case '>':
        return Kind::kGreater;
      case '<':
        return Kind::kLess;
    }
    return Kind::kError;
  }

  std::string_view rest_;
  Token next_;
};

bool IsAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

constexpr std::size_t kNameLength = 63;
constexpr std::size_t kPrefixLength = 253;

// Alphanumeric at both ends; '-', '_' and '.' between.
bool IsName(std::string_view name) {
  if (name.empty() || name.size() > kNameLength || !IsAlphanumeric(name.front()) ||
      !IsAlphanumeric(name.back())) {
    return false;
  }
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return IsAlphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

bool IsDnsPrefix(std::string_view prefix) {
  if (prefix.empty() || prefix.size() > kPrefixLength) return false;
  const auto lower = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  while (true) {
    const std::string_view part = prefix.substr(0, prefix.find('.'));
    if (part.empty() || !lower(part.front()) || !lower(part.back())) return false;
    if (!std::all_of(part.begin(), part.end(), [&](char c) { return lower(c) || c == '-'; }))
      return false;
    if (part.size() == prefix.size()) return true;
    prefix.remove_prefix(part.size() + 1);
  }
}

// Returns: what is wrong with a key; "" when nothing is.
std::string_view KeyProblem(std::string_view key) {
  const std::size_t slash = key.find('/');
  if (slash != std::string_view::npos) {
    if (key.find('/', slash + 1) != std::string_view::npos)
      return "a label key has at most one '/'";
    if (!IsDnsPrefix(key.substr(0, slash)))
      return "the prefix of a label key must be a lower-case DNS subdomain";
    key.remove_prefix(slash + 1);
  }
  if (!IsName(key)) {
    return "the name of a label key must be 1 to 63 characters of [-A-Za-z0-9_.], alphanumeric at "
           "both ends";
  }
  return {};
}

std::optional<std::int64_t> Integer(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

std::string_view OperatorText(Operator op) {
  switch (op) {
    case Operator::kExists:
      return "";
    case Operator::kAbsent:
      return "!";
    case Operator::kEqual:
      return "=";
    case Operator::kDoubleEqual:
      return "==";
    case Operator::kNotEqual:
      return "!=";
    case Operator::kIn:
      return " in ";
    case Operator::kNotIn:
      return " notin ";
    case Operator::kGreater:
      return ">";
    case Operator::kLess:
      return "<";
  }
  return "";
}

base::Error Found(std::string_view text, std::string_view expected) {
  return base::BadInput(base::format("found '{}', expected: {}", text, expected));
}

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  base::Result<std::vector<Requirement>> Selector() {
    std::vector<Requirement> requirements;
    while (true) {
      const Token first = lexer_.Peek();
      if (first.kind == Kind::kEnd) return requirements;
      if (first.kind != Kind::kWord && first.kind != Kind::kNot) {
        return Found(first.text, "!, identifier, or 'end of string'");
      }
      auto requirement = One();
      if (!requirement) {
        return base::BadInput("unable to parse requirement: " + requirement.error().message);
      }
      requirements.push_back(*std::move(requirement));
      const Token after = lexer_.Take();
      if (after.kind == Kind::kEnd) return requirements;
      if (after.kind != Kind::kComma) return Found(after.text, "',' or 'end of string'");
      const Token next = lexer_.Peek();
      if (next.kind != Kind::kWord && next.kind != Kind::kNot)
        return Found(next.text, "identifier after ','");
    }
  }

 private:
  base::Result<Requirement> One() {
    Requirement requirement;
    Token key = lexer_.Take();
    const bool absent = key.kind == Kind::kNot;
    if (absent) key = lexer_.Take();
    if (key.kind != Kind::kWord) return Found(key.text, "identifier");
    if (const std::string_view problem = KeyProblem(key.text); !problem.empty()) {
      return base::BadInput(
          base::format("invalid label key {}: {}", base::GoQuote(key.text), problem));
    }
    requirement.key = key.text;
    requirement.op = absent ? Operator::kAbsent : Operator::kExists;
    const Kind next = lexer_.Peek().kind;
    if (absent || next == Kind::kEnd || next == Kind::kComma) return requirement;
    auto op = BinaryOperator();
    if (!op) return op.error();
    requirement.op = *op;
    const bool set = *op == Operator::kIn || *op == Operator::kNotIn;
    auto values = set ? Values() : ExactValue();
    if (!values) return values.error();
    requirement.values = *std::move(values);
    return Checked(std::move(requirement));
  }

  base::Result<Operator> BinaryOperator() {
    const Token token = lexer_.Take();
    switch (token.kind) {
      case Kind::kEqual:
        return Operator::kEqual;
      case Kind::kDoubleEqual:
        return Operator::kDoubleEqual;
      case Kind::kNotEqual:
        return Operator::kNotEqual;
      case Kind::kGreater:
        return Operator::kGreater;
      case Kind::kLess:
        return Operator::kLess;
      case Kind::kWord:
        if (token.text == "in") return Operator::kIn;
        if (token.text == "notin") return Operator::kNotIn;
        break;
      case Kind::kEnd:
      case Kind::kError:
      case Kind::kOpen:
      case Kind::kClose:
      case Kind::kComma:
      case Kind::kNot:
        break;
    }
    return Found(token.text, "in, notin, =, ==, !=, gt, lt");
  }

  base::Result<std::vector<std::string>> ExactValue() {
    const Kind next = lexer_.Peek().kind;
    if (next == Kind::kEnd || next == Kind::kComma) return std::vector<std::string>{""};
    const Token value = lexer_.Take();
    if (value.kind != Kind::kWord) return Found(value.text, "identifier");
    return std::vector<std::string>{std::string(value.text)};
  }

  // "(a,b)"; nothing between two commas, or between a comma and a parenthesis, is the empty value.
  base::Result<std::vector<std::string>> Values() {
    const Token open = lexer_.Take();
    if (open.kind != Kind::kOpen) {
      return base::BadInput(base::format("found '{}' expected: '('", open.text));
    }
    std::vector<std::string> values;
    bool due = true;  // a value may come now
    while (true) {
      const Token token = lexer_.Take();
      switch (token.kind) {
        case Kind::kWord:
          if (!due) return Found(token.text, "',' or ')'");
          values.emplace_back(token.text);
          due = false;
          break;
        case Kind::kComma:
          if (due) values.emplace_back();
          due = true;
          break;
        case Kind::kClose:
          if (due) values.emplace_back();
          std::sort(values.begin(), values.end());
          values.erase(std::unique(values.begin(), values.end()), values.end());
          return values;
        case Kind::kEnd:
        case Kind::kError:
        case Kind::kOpen:
        case Kind::kNot:
        case Kind::kEqual:
        case Kind::kDoubleEqual:
        case Kind::kNotEqual:
        case Kind::kGreater:
        case Kind::kLess:
          return Found(token.text, due ? "',', ')' or identifier" : "',' or ')'");
      }
    }
  }

  static base::Result<Requirement> Checked(Requirement requirement) {
    if (requirement.op == Operator::kGreater || requirement.op == Operator::kLess) {
      const auto bound = Integer(requirement.values.front());
      if (!bound) {
        return base::BadInput(
            base::format("invalid value {}: for 'Gt', 'Lt' operators, the value must be an integer",
                         base::GoQuote(requirement.values.front())));
      }
      requirement.bound = *bound;
    }
    for (const std::string& value : requirement.values) {
      if (value.empty() || IsName(value)) continue;
      return base::BadInput(base::format(
          "invalid label value {}: it must be empty or at most 63 characters of [-A-Za-z0-9_.], "
          "alphanumeric at both ends",
          base::GoQuote(value)));
    }
    return requirement;
  }

  Lexer lexer_;
};

bool Holds(const Requirement& requirement, const model::Labels& labels) {
  const std::string_view value = labels.Get(requirement.key);
  const bool has = !value.empty();  // a label with an empty value is no label (model/labels.h)
  const auto among = [&] {
    return std::find(requirement.values.begin(), requirement.values.end(), value) !=
           requirement.values.end();
  };
  switch (requirement.op) {
    case Operator::kExists:
      return has;
    case Operator::kAbsent:
      return !has;
    case Operator::kEqual:
    case Operator::kDoubleEqual:
    case Operator::kIn:
      return has && among();
    case Operator::kNotEqual:
    case Operator::kNotIn:
      return !has || !among();
    case Operator::kGreater:
    case Operator::kLess: {
      const auto number = Integer(value);
      if (!number) return false;
      return requirement.op == Operator::kGreater ? *number > requirement.bound
                                                  : *number < requirement.bound;
    }
  }
  return false;
}

}  // namespace

base::Result<LabelSelector> LabelSelector::Parse(std::string_view text,
                                                 const SelectorLimits& limits) {
  if (text.size() > limits.bytes) {
    return base::BadInput(base::format("a label selector has at most {} bytes, this one has {}",
                                       limits.bytes, text.size()));
  }
  auto requirements = Parser(text).Selector();
  if (!requirements) return requirements.error();
  LabelSelector selector;
  selector.requirements_ = *std::move(requirements);
  std::stable_sort(selector.requirements_.begin(), selector.requirements_.end(),
                   [](const Requirement& a, const Requirement& b) { return a.key < b.key; });
  return selector;
}

bool LabelSelector::Matches(const model::Labels& labels) const {
  return std::all_of(requirements_.begin(), requirements_.end(),
                     [&](const Requirement& requirement) { return Holds(requirement, labels); });
}

bool LabelSelector::Allows(std::string_view name, std::string_view value) const {
  const model::Labels alone{{name, value}};
  return std::all_of(requirements_.begin(), requirements_.end(),
                     [&](const Requirement& one) { return one.key != name || Holds(one, alone); });
}

std::string LabelSelector::ToString() const {
  std::string text;
  for (const Requirement& requirement : requirements_) {
    if (!text.empty()) text += ',';
    if (requirement.op == Operator::kAbsent) text += OperatorText(requirement.op);
    text += requirement.key;
    if (requirement.op == Operator::kExists || requirement.op == Operator::kAbsent) continue;
    text += OperatorText(requirement.op);
    const bool set = requirement.op == Operator::kIn || requirement.op == Operator::kNotIn;
    if (set) text += '(';
    for (std::size_t i = 0; i < requirement.values.size(); ++i) {
      if (i > 0) text += ',';
      text += requirement.values[i];
    }
    if (set) text += ')';
  }
  return text;
}

}  // namespace plimsoll::serve
