// SPDX-License-Identifier: Apache-2.0
//
// Kubernetes label selectors: `env in (dev,prod),team=a,!legacy,tier!=web,size>3`.
//
// The grammar and the wording of its errors are those of an API server, because what an HPA's
// author reads is our message. A comparison with > or < holds for integers alone; != and notin hold
// for a label that is absent.
//
// Threads: a LabelSelector is immutable once parsed.
// Bounds:  SelectorLimits.
// See:     kubernetes/apimachinery pkg/labels/selector.go (the grammar)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "signals/resolve.h"

namespace plimsoll::serve {

struct SelectorLimits {
  std::size_t bytes = 16 << 10;
};

class LabelSelector final : public signals::Selection {
 public:
  enum class Operator {
    kExists,
    kAbsent,
    kEqual,
    kDoubleEqual,
    kNotEqual,
    kIn,
    kNotIn,
    kGreater,
    kLess
  };
  struct Requirement {
    std::string key;
    Operator op = Operator::kExists;
    std::vector<std::string> values = {};  // sorted, unique
    std::int64_t bound = 0;                // of kGreater and kLess
    bool operator==(const Requirement&) const = default;
  };

  // The empty text selects everything.
  // Fails with: kBadInput, in the words of an API server ("unable to parse requirement: ...").
  static base::Result<LabelSelector> Parse(std::string_view text,
                                           const SelectorLimits& limits = {});

  bool Matches(const model::Labels& labels) const override;
  bool Allows(std::string_view name, std::string_view value) const override;
  bool everything() const { return requirements_.empty(); }
  const std::vector<Requirement>& requirements() const { return requirements_; }

  // Returns: the canonical text, sorted by key, as an HPA sends it. Parses to an equal selector.
  std::string ToString() const;
  bool operator==(const LabelSelector& other) const { return requirements_ == other.requirements_; }

 private:
  std::vector<Requirement> requirements_;  // sorted by key
};

}  // namespace plimsoll::serve
