// SPDX-License-Identifier: Apache-2.0
#include "exposition/page_parser.h"

#include <doctest/doctest.h>

#include <bit>
#include <string>
#include <string_view>

#include "base/format.h"
#include "base/number_text.h"
#include "model/sample.h"

using namespace plimsoll;
using exposition::Format;
using exposition::NameFilter;
using exposition::PageParser;

namespace {

// The page as the parser tells it, one entry per line.
std::string Tell(std::string_view page, Format format, const NameFilter* keep = nullptr) {
  PageParser parser(page, format, keep);
  model::LabelsBuilder labels;
  std::string told;
  while (true) {
    switch (parser.Next()) {
      case PageParser::Entry::kSample: {
        const auto decoded = parser.DecodeLabels(labels);
        told += decoded ? labels.Build().ToString() : decoded.error().message;
        told += " = " + base::ShortestG(parser.Value());
        if (parser.Timestamp()) told += base::format(" at {}", *parser.Timestamp());
        break;
      }
      case PageParser::Entry::kType: told += base::format("{} is a {}", parser.Name(), model::TypeName(parser.Type())); break;
      case PageParser::Entry::kHelp: told += base::format("{} means {}", parser.Name(), parser.Text()); break;
      case PageParser::Entry::kUnit: told += base::format("{} in {}", parser.Name(), parser.Text()); break;
      case PageParser::Entry::kEnd: return told;
      case PageParser::Entry::kError: return told + parser.error().ToString();
    }
    told += '\n';
  }
}
std::string Text(std::string_view page) { return Tell(page, Format::kText); }
std::string OpenMetrics(std::string_view page) { return Tell(page, Format::kOpenMetrics); }

}  // namespace

TEST_CASE("a text page is samples and metadata in their order") {
  CHECK(Text("# HELP up Is it up?\n# TYPE up gauge\nup 1\nup{job=\"a\",x=\"b c\"} 0.5 1700000000123\n\n# bye\n") ==
        "up means Is it up?\nup is a gauge\nup = 1\nup{job=\"a\", x=\"b c\"} = 0.5 at 1700000000123\n");
}

TEST_CASE("an OpenMetrics page ends with its end mark") {
  CHECK(OpenMetrics("# TYPE a_seconds gauge\n# UNIT a_seconds seconds\n# HELP a_seconds x\na_seconds 1 1.5\n# EOF\n") ==
        "a_seconds is a gauge\na_seconds in seconds\na_seconds means x\na_seconds = 1 at 1500\n");
  CHECK(OpenMetrics("# EOF") == "");
  CHECK(OpenMetrics("# EOF\n") == "");
  CHECK(OpenMetrics("") == "1:1: data does not end with # EOF");
  CHECK(OpenMetrics("a 1\n") == "a = 1\n2:1: data does not end with # EOF");
  CHECK(OpenMetrics("# EOF\n\n") == "2:1: unexpected data after # EOF");
  CHECK(OpenMetrics("# EOF\n# EOF\n") == "2:1: unexpected data after # EOF");
}
