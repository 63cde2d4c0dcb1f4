// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "unit/eval/language.h"

using namespace plimsoll;
using namespace plimsoll::eval;

TEST_CASE_FIXTURE(World, "arithmetic drops the name, a comparison that filters keeps it") {
  Load("a{x=\"1\"} 6");
  Load("b{x=\"1\"} 4");
  CHECK(Eval("a - b", 0min) == "{x=\"1\"} 2");
  CHECK(Eval("a > b", 0min) == "a{x=\"1\"} 6");
  CHECK(Eval("a < b", 0min) == "");
  CHECK(Eval("a > bool b", 0min) == "{x=\"1\"} 1");
  CHECK(Eval("5 < a", 0min) == "a{x=\"1\"} 6");
  CHECK(Eval("a % 4", 0min) == "{x=\"1\"} 2");
}

TEST_CASE_FIXTURE(World, "on keeps the labels it names, ignoring drops them") {
  Load("a{x=\"1\",y=\"2\"} 6");
  Load("b{x=\"1\",y=\"3\"} 4");
  CHECK(Eval("a + on(x) b", 0min) == "{x=\"1\"} 10");
  CHECK(Eval("a + ignoring(y) b", 0min) == "{x=\"1\"} 10");
  CHECK(Eval("a + b", 0min) == "");
  CHECK(Eval("a + on() b", 0min) == "{} 10");
}

TEST_CASE_FIXTURE(World, "group_left keeps the many side and copies labels from the one") {
  Load("many{x=\"1\",y=\"a\"} 1");
  Load("many{x=\"1\",y=\"b\"} 2");
  Load("one{x=\"1\",z=\"q\"} 10");
  CHECK(Eval("many * on(x) group_left(z) one", 0min) ==
        "{x=\"1\", y=\"a\", z=\"q\"} 10; {x=\"1\", y=\"b\", z=\"q\"} 20");
  CHECK(Eval("one - on(x) group_right(z) many", 0min) ==
        "{x=\"1\", y=\"a\", z=\"q\"} 9; {x=\"1\", y=\"b\", z=\"q\"} 8");
  CHECK(Eval("many * on(x) one", 0min) ==
        "multiple matches for labels: many-to-one matching must be explicit "
        "(group_left/group_right)");
  CHECK(Eval("one * on(x) many", 0min) ==
        "found duplicate series for the match group {x=\"1\"} on the right hand-side of the "
        "operation: "
        "[{__name__=\"many\", x=\"1\", y=\"a\"}, {__name__=\"many\", x=\"1\", "
        "y=\"b\"}];many-to-many matching not allowed: "
        "matching labels must be unique on one side");
  CHECK(Eval("many * on(x) group_left(y) one", 0min) ==
        "multiple matches for labels: grouping labels must ensure unique matches");
}

TEST_CASE_FIXTURE(World, "series that share a signature at different times do not clash") {
  Load("a{v=\"1\"} 1 1 stale");
  Load("a{v=\"2\"} _ _ 5 5");
  Load("b 10x3");
  CHECK(EvalRange("b + on() a", 0min, 3min, 1min) == "{} 11@0 11@60 15@120 15@180");
}

TEST_CASE_FIXTURE(World, "set operators look at labels and not at values") {
  Load("a{x=\"1\"} 1");
  Load("a{x=\"2\"} 2");
  Load("b{x=\"2\"} 0");
  Load("b{x=\"3\"} 3");
  CHECK(Eval("a and b", 0min) == "a{x=\"2\"} 2");
  CHECK(Eval("a unless b", 0min) == "a{x=\"1\"} 1");
  CHECK(Eval("a or b", 0min) == "a{x=\"1\"} 1; a{x=\"2\"} 2; b{x=\"3\"} 3");
  CHECK(Eval("a or on() b", 0min) == "a{x=\"1\"} 1; a{x=\"2\"} 2");
  CHECK(EvalRange("sum(nothing) or vector(0)", 0min, 1min, 1min) == "{} 0@0 0@60");
}

TEST_CASE_FIXTURE(World, "aggregations group by labels and drop the name unless it is asked for") {
  Load("a{x=\"1\",y=\"1\"} 1");
  Load("a{x=\"1\",y=\"2\"} 2");
  Load("a{x=\"2\",y=\"1\"} 4");
  CHECK(Eval("sum(a)", 0min) == "{} 7");
  CHECK(Eval("sum by (x) (a)", 0min) == "{x=\"1\"} 3; {x=\"2\"} 4");
  CHECK(Eval("sum without (x) (a)", 0min) == "{y=\"1\"} 5; {y=\"2\"} 2");
  CHECK(Eval("count by (__name__) (a)", 0min) == "a 3");
  CHECK(Eval("max(a) - min(a)", 0min) == "{} 3");
  CHECK(Eval("stdvar(a)", 0min) == "{} 1.5555555555555554");
  CHECK(Eval("quantile(0.5, a)", 0min) == "{} 2");
  CHECK(Eval("group(a)", 0min) == "{} 1");
  CHECK(Eval("count_values(\"v\", a > 1)", 0min) == "{v=\"2\"} 1; {v=\"4\"} 1");
}

TEST_CASE_FIXTURE(World, "topk and bottomk keep labels and order, with NaN last") {
  Load("a{x=\"1\"} 1");
  Load("a{x=\"2\"} NaN");
  Load("a{x=\"3\"} 3");
  CHECK(Eval("topk(2, a)", 0min) == "a{x=\"3\"} 3; a{x=\"1\"} 1");
  CHECK(Eval("bottomk(9, a)", 0min) == "a{x=\"1\"} 1; a{x=\"3\"} 3; a{x=\"2\"} NaN");
  CHECK(Eval("topk(0.9, a)", 0min) == "");
  CHECK(Eval("topk(NaN, a)", 0min) == "Parameter value is NaN");
  CHECK(Eval("topk(1e30, a)", 0min) == "Scalar value 1e+30 overflows int64");
}

TEST_CASE_FIXTURE(World, "a name that is removed late can still be read") {
  options.features.delayed_name_removal = true;
  Load("a_total 0 60");
  CHECK(Eval("label_replace(rate(a_total[2m]), \"n\", \"$1\", \"__name__\", \"(.+)\")", 1min) ==
        "{n=\"a_total\"} 0.5");
  CHECK(Eval("sum by (__name__) (rate(a_total[2m]))", 1min) == "{} 0.5");
}

TEST_CASE_FIXTURE(
    World, "a series whose name is to go at some steps only keeps what its first value says") {
  options.features.delayed_name_removal = true;
  Load("x 1 5 1");
  CHECK(EvalRange("abs(x > 2) or x", 0min, 2min, 1min) == "x 1@0 5@60 1@120");
  CHECK(EvalRange("abs(x < 2) or x", 0min, 2min, 1min) == "{} 1@0 5@60 1@120");
}

TEST_CASE_FIXTURE(World,
                  "rows that become one series do not get back a name that one of them has lost") {
  Load("x{a=\"1\"} 7 stale 9");
  Load("{a=\"1\"} _ 5 stale");
  CHECK(EvalRange("-{a=\"1\"}", 0min, 2min, 1min) == "{a=\"1\"} -7@0 -5@60 -9@120");
}
