// SPDX-License-Identifier: Apache-2.0
//
// What the harnesses of collectors share: an engine whose answers are the input, and what must hold
// of whatever a collector asks and writes.
//
// Input: sections behind lines "%%". The first line of a section is a part of a path, the rest is
// the answer to every question whose path contains it; the first section that fits counts. Behind a
// part that ends with "!" the answer is a web page.
//
// Checked: each question has a path that is one, is asked once in a round, and there is an end to
// them; the page parses, with no series twice and no value that is not finite.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engines/collector.h"
#include "exposition/page_parser.h"

namespace plimsoll::fuzz {

[[noreturn]] inline void Broken(const char* what, std::string_view text) {
  std::fprintf(stderr, "%s\n%.*s\n", what, static_cast<int>(text.size()), text.data());
  std::abort();
}

using Sections = std::vector<std::pair<std::string_view, std::string_view>>;

inline Sections SplitSections(std::string_view text) {
  constexpr std::string_view kLine = "\n%%\n";
  Sections sections;
  while (!text.empty()) {
    const auto end = text.find(kLine);
    const std::string_view section = text.substr(0, end);
    const auto line = section.find('\n');
    sections.emplace_back(section.substr(0, line), line == std::string_view::npos
                                                       ? std::string_view()
                                                       : section.substr(line + 1));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + kLine.size());
  }
  return sections;
}

inline void CheckPath(const std::string& path) {
  if (!path.starts_with('/')) Broken("a path that is none", path);
  const std::string_view place = std::string_view(path).substr(0, path.find('?'));
  for (std::size_t at = 1; at < place.size();) {
    const auto end = std::min(place.find('/', at), place.size());
    const std::string_view part = place.substr(at, end - at);
    if (part.empty() || part == "." || part == "..")
      Broken("a path that is none of the API's", path);
    at = end + 1;
  }
  for (const char c : path) {
    if (c <= ' ' || c == '#' || static_cast<unsigned char>(c) >= 0x7f)
      Broken("a path with a byte that has to be escaped", path);
  }
}

// `check_sample` is called with the labels and the value of each.
template <typename CheckSample>
void CheckPage(const std::string& page, const CheckSample& check_sample) {
  exposition::PageParser parser(page, exposition::Format::kText);
  std::set<model::Labels> seen;
  for (;;) {
    switch (parser.Next()) {
      case exposition::PageParser::Entry::kError:
        Broken("a page that does not parse", page);
      case exposition::PageParser::Entry::kEnd:
        return;
      case exposition::PageParser::Entry::kSample: {
        model::LabelsBuilder labels;
        if (!parser.DecodeLabels(labels)) Broken("labels that do not parse", page);
        if (!seen.insert(labels.Build()).second) Broken("a series twice", page);
        if (!std::isfinite(parser.Value())) Broken("a value that is not finite", page);
        check_sample(labels, parser.Value(), page);
        break;
      }
      case exposition::PageParser::Entry::kHelp:
      case exposition::PageParser::Entry::kType:
      case exposition::PageParser::Entry::kUnit:
        break;
    }
  }
}

// A round at each of `times`, each question answered by the sections, the last one first; who is
// not answered by them refuses connections.
template <typename CheckSample>
void RunRounds(engines::Collector& collector, const Sections& sections,
               std::initializer_list<base::Time> times, const CheckSample& check_sample) {
  for (const base::Time now : times) {
    std::vector<engines::Ask> open = collector.Begin(now);
    std::set<std::string> asked;
    while (!open.empty()) {
      const engines::Ask ask = std::move(open.back());
      open.pop_back();
      CheckPath(ask.path);
      // A question once answered is not asked again within the round: it would have no end.
      if (!asked.insert(ask.path).second) Broken("a question asked twice", ask.path);
      if (asked.size() > 1000) Broken("questions without end", ask.path);
      base::Result<engines::Answer> answer =
          base::Error{base::Error::Kind::kUnavailable, "connection refused"};
      for (auto [part, body] : sections) {
        const bool web = part.ends_with('!');
        if (web) part.remove_suffix(1);
        if (ask.path.find(part) == std::string::npos) continue;
        answer = engines::Answer{200, "200 OK", web ? "text/html" : "application/json",
                                 std::string(body)};
        break;
      }
      for (engines::Ask& next : collector.Take(ask, std::move(answer)))
        open.push_back(std::move(next));
    }
    const engines::Collected collected = collector.End();
    if (collected.page && collected.page->status == 200)
      CheckPage(collected.page->body, check_sample);
  }
}

}  // namespace plimsoll::fuzz
