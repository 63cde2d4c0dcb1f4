// SPDX-License-Identifier: Apache-2.0
//
// Regular expressions as Prometheus uses them: RE2 syntax, anchored at both ends, `.` matches a
// newline.
//
// RE2 runs in linear time, so an expression from outside cannot hang the process. Literals and
// alternations of literals, which are most of what people write, never reach RE2.
//
// Threads: a Regex is immutable and may be shared.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace plimsoll::model {

class Regex {
 public:
  // Fails with: kBadInput and Go's wording, "error parsing regexp: ...".
  static base::Result<Regex> Compile(std::string_view pattern);

  bool Matches(std::string_view text) const;

  // If `text` matches, appends `replacement` with $1, ${1}, $name, ${name} and $$ replaced as Go's
  // regexp.Expand does (so "$1x" is the group named "1x") and returns true.
  bool Expand(std::string_view text, std::string_view replacement, std::string& out) const;

  const std::string& pattern() const { return pattern_; }
  // Returns: the literals of which one must be equal to match, when the whole pattern is such a
  // list; otherwise empty. The store looks these up in its index.
  const std::vector<std::string>& literals() const { return literals_; }

 private:
  struct Compiled;
  std::string pattern_;
  std::vector<std::string> literals_;  // sorted
  std::shared_ptr<const Compiled> compiled_;
};

// Names a template uses; for checks at load time.
// Returns: whether `text` holds a `$` reference that Expand would replace.
bool HasTemplate(std::string_view text);

}  // namespace plimsoll::model
