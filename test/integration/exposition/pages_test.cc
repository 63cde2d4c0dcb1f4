// SPDX-License-Identifier: Apache-2.0
//
// Pages as real engines sent them (trimmed), and what happens when they arrive cut or damaged.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "exposition/page_parser.h"
#include "exposition/writer.h"
#include "support/exposition_story.h"

using namespace plimsoll;
using exposition::Format;

namespace {

struct Page {
  std::string name;
  Format format;
  std::string text;
};

std::vector<Page> Pages() {
  std::vector<Page> pages;
  for (const auto& file :
       std::filesystem::directory_iterator(PLIMSOLL_SOURCE_ROOT "/test/fixtures/exposition")) {
    std::ifstream in(file.path(), std::ios::binary);
    pages.push_back(
        {file.path().filename().string(),
         file.path().extension() == ".text" ? Format::kText : Format::kOpenMetrics,
         std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>())});
  }
  std::sort(pages.begin(), pages.end(),
            [](const Page& a, const Page& b) { return a.name < b.name; });
  REQUIRE(pages.size() >= 7);
  return pages;
}

}  // namespace

TEST_CASE("pages of real engines are accepted, and both readers tell the same story") {
  for (const Page& page : Pages()) {
    CAPTURE(page.name);
    const test::Story story = test::TellFast(page.text, page.format);
    CHECK(story.accepted);
    CHECK(story == test::TellNaively(page.text, page.format));
    CHECK(story.entries.empty() == (page.text == "# EOF\n"));
  }
}

TEST_CASE("both readers agree on every page that is cut anywhere") {
  for (const Page& page : Pages()) {
    const std::string_view text = std::string_view(page.text).substr(0, 900);
    for (std::size_t size = 0; size <= text.size(); ++size) {
      const std::string cut(text.substr(0, size));
      CAPTURE(page.name);
      CAPTURE(size);
      REQUIRE(test::TellFast(cut, page.format) == test::TellNaively(cut, page.format));
    }
  }
}

TEST_CASE("both readers agree on every page with a damaged byte") {
  std::uint64_t state = 7;
  const auto random = [&state](std::size_t below) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::size_t>(state >> 33) % below;
  };
  const std::string_view damage("\n\r\t\0 \"\\{}=,#_:aA0.9+-eN\xff\xc3", 26);
  for (const Page& page : Pages()) {
    for (int i = 0; i < 300; ++i) {
      const std::size_t start = random(page.text.size());
      std::string part = page.text.substr(start, 400);
      if (page.format == Format::kOpenMetrics) part += "# EOF\n";
      part[random(part.size())] = damage[random(damage.size())];
      CAPTURE(part);
      REQUIRE(test::TellFast(part, page.format) == test::TellNaively(part, page.format));
    }
  }
}

TEST_CASE("a page that is read and written is the same page") {
  for (const Page& page : Pages()) {
    CAPTURE(page.name);
    const auto families = test::FamiliesOf(page.text, page.format);
    for (const Format format : {Format::kText, Format::kOpenMetrics}) {
      const std::string once =
          exposition::WritePage(families, {format, config::NameEscaping::kAllowUtf8});
      CHECK(test::TellFast(once, format).accepted);
      CHECK(exposition::WritePage(test::FamiliesOf(once, format),
                                  {format, config::NameEscaping::kAllowUtf8}) == once);
    }
  }
}
