// SPDX-License-Identifier: Apache-2.0
//
// Whatever a JobManager answers: the collector comes to an end, asks only for paths of the API, and
// writes a page that parses, with no series twice and no value that is not finite.
//
// Input: sections behind lines "%%". The first line of a section is a part of a path, the rest is
// the answer to every question whose path contains it; the first section that fits counts.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engines/flink.h"
#include "exposition/page_parser.h"

namespace {

using namespace plimsoll;  // NOLINT: a harness

[[noreturn]] void Broken(const char* what, std::string_view text) {
  std::fprintf(stderr, "%s\n%.*s\n", what, static_cast<int>(text.size()), text.data());
  std::abort();
}

using Sections = std::vector<std::pair<std::string_view, std::string_view>>;

Sections Split(std::string_view text) {
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

void CheckPath(const std::string& path) {
  if (!path.starts_with('/') || path.find("..") < path.find('?') ||
      path.find("//") < path.find('?'))
    Broken("a path that is none of the API's", path);
  for (const char c : path) {
    if (c <= ' ' || c == '#' || static_cast<unsigned char>(c) >= 0x7f)
      Broken("a path with a byte that has to be escaped", path);
  }
}

void CheckPage(const std::string& page) {
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
        break;
      }
      case exposition::PageParser::Entry::kHelp:
      case exposition::PageParser::Entry::kType:
      case exposition::PageParser::Entry::kUnit:
        break;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Sections sections = Split({reinterpret_cast<const char*>(data), size});
  engines::detail::FlinkLimits limits;
  limits.jobs = 4;
  limits.vertices = 8;
  limits.inputs = 4;
  limits.names = 100;
  limits.values = 5000;
  engines::FlinkCollector collector(limits);
  for (const base::Time now : {1'000'000, 1'005'000, 1'020'000}) {
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
      for (const auto& [part, body] : sections) {
        if (ask.path.find(part) == std::string::npos) continue;
        answer = engines::Answer{200, "200 OK", "application/json", std::string(body)};
        break;
      }
      for (engines::Ask& next : collector.Take(ask, std::move(answer)))
        open.push_back(std::move(next));
    }
    const engines::Collected collected = collector.End();
    if (collected.page) CheckPage(collected.page->body);
  }
  return 0;
}
