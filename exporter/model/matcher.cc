// SPDX-License-Identifier: Apache-2.0
//
// Label matchers. See matcher.h.
#include "model/matcher.h"

#include <algorithm>

#include "base/number_text.h"

namespace plimsoll::model {

base::Result<Matcher> Matcher::Make(Type type, std::string name, std::string value) {
  Matcher matcher;
  matcher.type_ = type;
  matcher.name_ = std::move(name);
  matcher.value_ = std::move(value);
  if (type == Type::kRegex || type == Type::kNotRegex) {
    auto regex = Regex::Compile(matcher.value_);
    if (!regex) return std::move(regex).error();
    matcher.regex_ = *std::move(regex);
  }
  return matcher;
}

Matcher Matcher::Equal(std::string name, std::string value) {
  Matcher matcher;
  matcher.name_ = std::move(name);
  matcher.value_ = std::move(value);
  return matcher;
}

bool Matcher::Matches(std::string_view value) const {
  switch (type_) {
    case Type::kEqual:
      return value == value_;
    case Type::kNotEqual:
      return value != value_;
    case Type::kRegex:
      return regex_->Matches(value);
    case Type::kNotRegex:
      return !regex_->Matches(value);
  }
  return false;
}

std::vector<std::string> Matcher::Literals() const {
  if (type_ == Type::kEqual) return {value_};
  if (type_ == Type::kRegex) return regex_->literals();
  return {};
}

std::string_view OperatorText(Matcher::Type type) {
  switch (type) {
    case Matcher::Type::kEqual:
      return "=";
    case Matcher::Type::kNotEqual:
      return "!=";
    case Matcher::Type::kRegex:
      return "=~";
    case Matcher::Type::kNotRegex:
      return "!~";
  }
  return "=";
}

std::string Matcher::ToString() const {
  std::string out = IsLegacyLabelName(name_) ? name_ : base::GoQuote(name_);
  out += OperatorText(type_);
  return out + base::GoQuote(value_);
}

bool MatchesAll(const Matchers& matchers, const Labels& labels) {
  return std::all_of(matchers.begin(), matchers.end(), [&](const Matcher& matcher) {
    return matcher.Matches(labels.Get(matcher.name()));
  });
}

}  // namespace plimsoll::model
