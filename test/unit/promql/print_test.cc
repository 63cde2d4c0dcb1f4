// SPDX-License-Identifier: Apache-2.0
//
// What is printed reads back as the same tree.
#include "promql/print.h"

#include <doctest/doctest.h>

#include "promql/parser.h"
#include "support/error_text.h"

namespace plimsoll::promql {

namespace {

ParseOptions Everything() {
  ParseOptions options;
  options.experimental_functions = options.extended_range_selectors = options.binop_fill = true;
  return options;
}

// Returns: the printed form, after checking that it stands for an equal tree.
std::string Printed(std::string_view query) {
  const auto first = Parse(query, Everything());
  REQUIRE_MESSAGE(first.has_value(), query, ": ", test::ErrorText(first));
  const std::string text = Print(**first);
  const auto second = Parse(text, Everything());
  REQUIRE_MESSAGE(second.has_value(), text, ": ", test::ErrorText(second));
  CHECK_MESSAGE(Equal(**first, **second), query, " became ", text);
  CHECK(Print(**second) == text);
  CHECK(Equal(**first, *Clone(**first)));
  return text;
}

void Same(std::string_view query) { CHECK(Printed(query) == query); }
void Other(std::string_view query, std::string_view want) { CHECK(Printed(query) == want); }

}  // namespace

TEST_CASE("selectors print in canonical form") {
  Same("up");
  Same("up{job=\"a\"}");
  Other("up{}", "up");
  Other("up{ z = 'a', b != `c`, }", "up{b!=\"c\",z=\"a\"}");
  Other("{\"up\"}", "{__name__=\"up\"}");
  Same("{\"disk usage\"=~\"a.*\",x=\"y\"}");
  Other("up @ 5 offset -1m", "up @ 5.000 offset -1m");
  Other("up offset 60 @ end()", "up @ end() offset 1m");
  Other("up @ -1.5", "up @ -1.500");
  Other("rate(up[300])", "rate(up[5m])");
  Same("rate(up{job=\"a\"}[5m] @ start() offset 1h30m)");
  Same("max_over_time(rate(up[5m])[1h:] offset 5m)");
  Other("up[1h:5m] @ 7", "up[1h:5m] @ 7.000");
  Other("up[90m:1500ms]", "up[1h30m:1s500ms]");
  Same("up anchored offset 1m");
  Same("rate(up[5m] smoothed @ 7.000 offset 1m)");
}

TEST_CASE("durations that are computed print as they were written") {
  Same("up[5m * 2]");
  Same("up[(5m)]");
  Same("up[-step() + 1h]");
  Same("up[(step() + 1m) * 2:min_of(1m, step() ^ 2)]");
  Same("up offset (1h - range())");
  Same("up offset -(5m)");
  Same("up offset -max_of(5, step())");
  Other("up offset +step()", "up offset step()");
  Other("up offset ((5))", "up offset (5)");
  Other("up offset --5 + 3", "up offset ++5 + 3");
  Same("up offset ++5 + 3 @ 7.000 - 1");
  Same("rate(up[5m] anchored offset ++5 + 3 @ end()) - 1");
  Same("up[5m:] offset ++5 + 3 @ 7.000");
  Other("up offset +-step() ^ 2", "up offset +-step() ^ 2");
  Other("up[0.0001]", "up[0.0001]");
  Other("up offset 5 + 3", "up offset 5s + 3");
}

TEST_CASE("operators print with their modifiers") {
  Same("a + b * c ^ d");
  Other("(a)+b", "(a) + b");
  Same("a == bool 1");
  Other("a*on(x,\"y z\")group_left(z)b", "a * on (x, \"y z\") group_left (z) b");
  Other("a / ignoring() b", "a / b");
  Other("a / ignoring() group_right b", "a / ignoring () group_right () b");
  Same("a and on () b");
  Other("a + fill_left(2) fill_right(2) b", "a + fill (2) b");
  Same("a - on (x) group_right () fill_left (-1) fill_right (2.5) b");
  Same("-a ^ b");
  Other("-inf ^ 2", "-Inf ^ 2");
  Other("- -1", "1");
  Other("+a", "+a");
  Other("1 </ a", "1 </ a");
}

TEST_CASE("calls and aggregations print with their arguments") {
  Other("sum(a)by(x,y)", "sum by (x, y) (a)");
  Other("sum by () (a)", "sum(a)");
  Same("sum without () (a)");
  Same("topk(3, a)");
  Same("count_values(\"v\", a)");
  Other("SUM(a)", "sum(a)");
  Same("label_replace(a, \"b\", \"$1\\n\", \"c\", \"(.*)\")");
  Same("time()");
  Same("info(a, {})");
  Same("min_of(1, 2)");
}

TEST_CASE("numbers and strings print so that nothing is lost") {
  Same("0.1");
  Other("1e21", "1000000000000000000000");
  Same("NaN");
  Other("inf", "+Inf");
  Same("-Inf");
  Same("-0");
  Same("-0s");
  Same("1h30m");
  Other("60s", "1m");
  Same("\"a\\\"b\\\\c\\x7f\"");
  Same("\"\xC3\xA4\"");
  Same("\"\\ufffd\"");
  Same("\"\\xff\"");
}

TEST_CASE("trees that differ are not equal") {
  const auto equal = [](std::string_view a, std::string_view b) {
    return Equal(**Parse(a, Everything()), **Parse(b, Everything()));
  };
  CHECK(equal("up{a=\"1\",b=\"2\"}", "up{b=\"2\",a=\"1\"}"));
  CHECK_FALSE(equal("up{a=\"1\"}", "up{a=\"2\"}"));
  CHECK_FALSE(equal("up[5m]", "up[6m]"));
  CHECK_FALSE(equal("up", "up offset 5m"));
  CHECK_FALSE(equal("up", "up @ 0"));
  CHECK_FALSE(equal("300", "5m"));
  CHECK_FALSE(equal("0", "-0"));
  CHECK_FALSE(equal("(a)", "a"));
  CHECK_FALSE(equal("a + on (x) b", "a + ignoring (x) b"));
  CHECK_FALSE(equal("sum by (x) (a)", "sum without (x) (a)"));
  CHECK_FALSE(equal("abs(a)", "ceil(a)"));
}

}  // namespace plimsoll::promql
