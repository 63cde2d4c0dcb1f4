// SPDX-License-Identifier: Apache-2.0
//
// Numbers are spelled as on recorded pages.
#include "demo/detail/trino_page.h"

#include <cmath>
#include <limits>

#include "doctest/doctest.h"

using plimsoll::demo::detail::JavaDouble;
using plimsoll::demo::detail::TrinoPage;

TEST_CASE("a double is spelled as Java spells it") {
  CHECK(JavaDouble(0) == "0.0");
  CHECK(JavaDouble(-0.0) == "-0.0");
  CHECK(JavaDouble(3) == "3.0");
  CHECK(JavaDouble(-12.5) == "-12.5");
  CHECK(JavaDouble(8885192) == "8885192.0");
  CHECK(JavaDouble(9999999) == "9999999.0");
  CHECK(JavaDouble(1e7) == "1.0E7");
  CHECK(JavaDouble(864026624) == "8.64026624E8");
  CHECK(JavaDouble(1912602624) == "1.912602624E9");
  CHECK(JavaDouble(1795265642554) == "1.795265642554E12");
  CHECK(JavaDouble(0.001) == "0.001");
  CHECK(JavaDouble(0.029) == "0.029");
  CHECK(JavaDouble(5.28659e-4) == "5.28659E-4");
  CHECK(JavaDouble(4.277533591999999) == "4.277533591999999");
  CHECK(JavaDouble(4538.459194999999) == "4538.459194999999");
  CHECK(JavaDouble(std::nan("")) == "NaN");
  CHECK(JavaDouble(-std::numeric_limits<double>::infinity()) == "-Infinity");
}

TEST_CASE("families stand as Trino writes them") {
  const std::vector<std::string> all;
  TrinoPage page(all);
  page.Gauge("a_Free", 1.5e9);
  page.Counter("a_Submitted", 8);
  page.EmptySummary("a_Time");
  CHECK(
      std::move(page).Finish() ==
      "# TYPE a_Free gauge\na_Free 1.5E9\n"
      "# TYPE a_Submitted counter\na_Submitted 8\n"
      "# TYPE a_Time summary\na_Time_count 0\na_Time_sum NaN\n"
      "a_Time{quantile=\"0.5\"} NaN\na_Time{quantile=\"0.75\"} NaN\na_Time{quantile=\"0.9\"} NaN\n"
      "a_Time{quantile=\"0.95\"} NaN\na_Time{quantile=\"0.99\"} NaN\n"
      "# EOF\n");
}

TEST_CASE("only the families that were asked for are written, and the end mark always") {
  const std::vector<std::string> names = {"a_Submitted", "unknown"};
  TrinoPage page(names);
  page.Gauge("a_Free", 1);
  page.Counter("a_Submitted", 8);
  page.EmptySummary("a_Time");
  CHECK(std::move(page).Finish() == "# TYPE a_Submitted counter\na_Submitted 8\n# EOF\n");
  const std::vector<std::string> unknown = {"unknown"};
  CHECK(TrinoPage(unknown).Finish() == "# EOF\n");
}
