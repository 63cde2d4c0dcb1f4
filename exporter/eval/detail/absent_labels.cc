// SPDX-License-Identifier: Apache-2.0
//
// The labels of "nothing": what the matchers of a selector pin down.
//
// Prometheus reads the matchers after its storage has moved those that narrow the search in front
// of those that take away, and a label named twice is dropped only when the second mention comes
// later; so the order is made here too.
#include <algorithm>
#include <set>

#include "eval/detail/function_row.h"

namespace plimsoll::eval {

model::Labels LabelsOfAbsent(const Node& arg) {
  if (arg.kind != Node::Kind::kSelector && arg.kind != Node::Kind::kRangeSelector) return {};
  const model::Matchers& written = arg.vector_selector().matchers;
  std::set<std::string_view> must_be_set;
  for (const model::Matcher& matcher : written) {
    if (!matcher.MatchesEmpty()) must_be_set.insert(matcher.name());
  }
  const auto narrows = [&](const model::Matcher* matcher) {
    const bool negative = matcher->type() == model::Matcher::Type::kNotEqual ||
                          matcher->type() == model::Matcher::Type::kNotRegex;
    return must_be_set.contains(matcher->name()) && !(negative && matcher->MatchesEmpty());
  };
  std::vector<const model::Matcher*> matchers;
  for (const model::Matcher& matcher : written) matchers.push_back(&matcher);
  std::stable_partition(matchers.begin(), matchers.end(), narrows);

  model::LabelsBuilder builder;
  std::set<std::string_view> seen;
  for (const model::Matcher* matcher : matchers) {
    if (matcher->name() == model::kMetricName) continue;
    if (matcher->type() == model::Matcher::Type::kEqual && seen.insert(matcher->name()).second) {
      builder.Set(matcher->name(), matcher->value());
    } else {
      builder.Delete(matcher->name());
    }
  }
  return builder.Build();
}

}  // namespace plimsoll::eval
