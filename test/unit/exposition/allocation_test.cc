// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>

#include "exposition/page_parser.h"
#include "support/count_allocations.h"

using namespace plimsoll;

TEST_CASE("reading a page allocates nothing, in either lane") {
  std::string page = "# HELP a x\n# TYPE a gauge\n# UNIT a \n";
  for (int i = 0; i < 1000; ++i) {
    page +=
        "a_rather_long_metric_name{label=\"a rather long value \\n \xc3\xa4\",other=\"x\"} 1.5\n";
    page +=
        "{\"a.rather.long.metric.name\",\"label.name\"=\"a rather long value\"} "
        "12345678901234567890.5 1.5 # {a=\"b\"} 1\n";
    page += "a_rather_long_metric_name NaN 1700000000.123\n";
  }
  page += "# EOF\n";
  const exposition::NameFilter filter({"a_rather_long_metric_name"});
  for (const exposition::NameFilter* keep :
       {static_cast<const exposition::NameFilter*>(nullptr), &filter}) {
    const std::size_t before = test::Allocations();
    int samples = 0;
    exposition::PageParser parser(page, exposition::Format::kOpenMetrics, keep);
    auto entry = parser.Next();
    for (; entry != exposition::PageParser::Entry::kEnd &&
           entry != exposition::PageParser::Entry::kError;
         entry = parser.Next()) {
      samples += entry == exposition::PageParser::Entry::kSample ? 1 : 0;
    }
    const std::size_t during = test::Allocations() - before;
    CHECK(entry == exposition::PageParser::Entry::kEnd);
    CHECK(samples == (keep == nullptr ? 3000 : 2000));
    CHECK(during == 0);
  }
}
