// SPDX-License-Identifier: Apache-2.0
//
// What must hold for any bytes given to the page parser:
// 1. the parser and the naive reader tell the same story, also of a page that came under the other
//    format's name;
// 2. what was parsed, written and parsed again is equal, in either format;
// 3. with a filter, an accepted page gives exactly the samples of the names in it, unless a quoted
// text spans lines.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "exposition/writer.h"
#include "model/sample.h"
#include "support/exposition_story.h"

namespace plimsoll::test {

inline void Demand(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

inline void CheckPage(std::string_view bytes, exposition::Format format) {
  const std::string page(bytes.data(), bytes.size());  // its own block: a read beyond it is seen
  const Story fast = TellFast(page, format);
  Demand(fast == TellNaively(page, format), "the parser reads what the naive reader reads");
  const auto mistaken = format == exposition::Format::kText ? exposition::Format::kOpenMetrics
                                                            : exposition::Format::kText;
  Demand(TellFast(page, mistaken) == TellNaively(page, mistaken),
         "a page under the other format's name is read as the naive reader reads it");
  if (!fast.accepted) return;

  const std::vector<model::Family> families = FamiliesOf(page, format);
  for (const exposition::Format other :
       {exposition::Format::kText, exposition::Format::kOpenMetrics}) {
    std::vector<model::Family> plain = families;
    for (auto& family : plain) {
      std::erase_if(family.points, [&](const auto& point) {
        // A text page has no negative times, and seconds as a double hold milliseconds only so far.
        const auto time = point.time;
        return time != model::kNoSource &&
               (other == exposition::Format::kText
                    ? time < 0
                    : time > (INT64_C(1) << 50) || time < -(INT64_C(1) << 50));
      });
    }
    std::erase_if(plain, [](const auto& family) { return family.points.empty(); });
    const std::string written =
        exposition::WritePage(plain, {other, config::NameEscaping::kAllowUtf8});
    const auto again = FamiliesOf(written, other);
    Demand(TellFast(written, other).accepted, "what is written can be read");
    bool equal = true;
    std::vector<model::Family::Point> before;
    std::vector<model::Family::Point> after;
    for (const auto& family : plain)
      before.insert(before.end(), family.points.begin(), family.points.end());
    for (const auto& family : again)
      after.insert(after.end(), family.points.begin(), family.points.end());
    equal = before.size() == after.size();
    for (std::size_t i = 0; equal && i < before.size(); ++i) {
      equal = before[i].labels == after[i].labels && before[i].time == after[i].time &&
              model::Sample{0, before[i].value} == model::Sample{0, after[i].value};
    }
    Demand(equal, "what is written reads back equal");
  }

  for (const char c : page) {
    if (c == '"') return;
  }
  exposition::NameFilter filter;
  std::vector<std::string> wanted;
  for (std::size_t i = 0; i < families.size(); i += 2) filter.Add(families[i].name);
  for (const std::string& entry : fast.entries) {
    const std::string_view name =
        std::string_view(entry).substr(0, entry.find(' ', 7)).substr(7 < entry.size() ? 7 : 0);
    if (entry.starts_with("sample ") && filter.NeedsSample(name)) wanted.push_back(entry);
  }
  Story some = TellFast(page, format, &filter);
  std::erase_if(some.entries,
                [](const std::string& entry) { return !entry.starts_with("sample "); });
  Demand(some.accepted && some.entries == wanted,
         "a filter gives the samples of its names and no others");
}

}  // namespace plimsoll::test
