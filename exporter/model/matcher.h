// SPDX-License-Identifier: Apache-2.0
//
// One condition on one label: = != =~ !~. A missing label has the value "".
//
// Threads: a Matcher is immutable and may be shared.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/labels.h"
#include "model/regex.h"

namespace plimsoll::model {

class Matcher {
 public:
  enum class Type { kEqual, kNotEqual, kRegex, kNotRegex };

  // Fails with: kBadInput if the value is not a regular expression where one is needed.
  static base::Result<Matcher> Make(Type type, std::string name, std::string value);
  static Matcher Equal(std::string name, std::string value);

  Type type() const { return type_; }
  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }
  bool Matches(std::string_view value) const;
  bool MatchesEmpty() const { return Matches({}); }
  // Returns: for =~ with a list of literals, the list; for =, the value; otherwise empty.
  std::vector<std::string> Literals() const;

  // Returns: name="value" with the operator and Go quoting; quoted name where it is not plain.
  std::string ToString() const;
  bool operator==(const Matcher& other) const {
    return type_ == other.type_ && name_ == other.name_ && value_ == other.value_;
  }

 private:
  Type type_ = Type::kEqual;
  std::string name_;
  std::string value_;
  std::optional<Regex> regex_;
};

using Matchers = std::vector<Matcher>;

bool MatchesAll(const Matchers& matchers, const Labels& labels);
std::string_view OperatorText(Matcher::Type type);

}  // namespace plimsoll::model
