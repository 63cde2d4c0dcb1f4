// SPDX-License-Identifier: Apache-2.0
//
// info(): which labels arrive, from where, and when it fails.
#include <doctest/doctest.h>

#include "unit/eval/language.h"

using namespace plimsoll;
using namespace plimsoll::eval;

namespace {
struct InfoWorld : World {
  InfoWorld() {
    parse.experimental_functions = true;
    Load("x{instance=\"a\",job=\"1\",zone=\"own\"} 1 2 3");
    Load("target_info{instance=\"a\",job=\"1\",version=\"7\",zone=\"other\"} 1 1 1");
  }
};
}  // namespace

TEST_CASE_FIXTURE(InfoWorld, "info() adds the labels of target_info, but none that are there") {
  CHECK(Eval("info(x)", 1min) == "x{instance=\"a\", job=\"1\", version=\"7\", zone=\"own\"} 2");
  CHECK(Eval("info(x, {version=~\".+\"})", 1min) ==
        "x{instance=\"a\", job=\"1\", version=\"7\", zone=\"own\"} 2");
  CHECK(Eval("info(x, {zone=~\".+\"})", 1min) == "x{instance=\"a\", job=\"1\", zone=\"own\"} 2");
}

TEST_CASE_FIXTURE(InfoWorld, "a series without info stays unless a data label is asked for") {
  CHECK(Eval("info(x, {version=\"8\"})", 1min) == "");
  CHECK(Eval("info(x, {version=~\"8|\"})", 1min) == "x{instance=\"a\", job=\"1\", zone=\"own\"} 2");
  CHECK(Eval("info(x, {__name__=\"nothing_info\"})", 1min) ==
        "x{instance=\"a\", job=\"1\", zone=\"own\"} 2");
}

TEST_CASE_FIXTURE(InfoWorld, "info metrics are chosen by name, and are not enriched themselves") {
  Load("build_info{instance=\"a\",job=\"1\",revision=\"r\"} 1 1 1");
  CHECK(Eval("info(x, {__name__=\"build_info\"})", 1min) ==
        "x{instance=\"a\", job=\"1\", revision=\"r\", zone=\"own\"} 2");
  CHECK(Eval("info(x, {__name__=~\".+_info\"})", 1min) ==
        "x{instance=\"a\", job=\"1\", revision=\"r\", version=\"7\", zone=\"own\"} 2");
  CHECK(Eval("info(target_info)", 1min) ==
        "target_info{instance=\"a\", job=\"1\", version=\"7\", zone=\"other\"} 1");
}

TEST_CASE_FIXTURE(InfoWorld, "two info metrics that disagree about a label fail the query") {
  Load("build_info{instance=\"a\",job=\"1\",version=\"8\"} 1 1 1");
  CHECK(Eval("info(x, {__name__=~\".+_info\"})", 1min) == "conflicting label: version");
}

TEST_CASE_FIXTURE(InfoWorld,
                  "of two info series of one target the newer counts; equally new ones fail") {
  Load("target_info{instance=\"a\",job=\"1\",version=\"8\"} _ _ 1");
  CHECK(Eval("info(x)", 1min) == "x{instance=\"a\", job=\"1\", version=\"7\", zone=\"own\"} 2");
  CHECK(
      Eval("info(x)", 2min) ==
      "found duplicate series for info metric: existing {__name__=\"target_info\", instance=\"a\", "
      "job=\"1\", version=\"7\", zone=\"other\"} @ 120000, new {__name__=\"target_info\", "
      "instance=\"a\", job=\"1\", version=\"8\"} @ 120000");
}

TEST_CASE_FIXTURE(InfoWorld, "info series are looked up where the argument looks") {
  Load("target_info{instance=\"b\",job=\"1\",version=\"1\"} 1 stale");
  Load("y{instance=\"b\",job=\"1\"} 5 6 7");
  CHECK(Eval("info(y)", 2min) == "y{instance=\"b\", job=\"1\"} 7");
  CHECK(Eval("info(y offset 2m)", 2min) == "y{instance=\"b\", job=\"1\", version=\"1\"} 5");
  CHECK(Eval("info(y @ 0)", 2min) == "y{instance=\"b\", job=\"1\", version=\"1\"} 5");
  CHECK(EvalRange("info(y)", 0min, 1min, 1min) ==
        "y{instance=\"b\", job=\"1\"} 6@60; y{instance=\"b\", "
        "job=\"1\", version=\"1\"} 5@0");
}

TEST_CASE_FIXTURE(InfoWorld,
                  "an argument that looks at several instants is enriched at each step") {
  Load("target_info{instance=\"b\",job=\"1\",version=\"1\"} 1 stale");
  Load("y{instance=\"b\",job=\"1\"} 5 6 7");
  CHECK(EvalRange("info(y @ 0 or x @ 60)", 0min, 1min, 1min) ==
        "x{instance=\"a\", job=\"1\", version=\"7\", zone=\"own\"} 2@0 2@60; "
        "y{instance=\"b\", job=\"1\"} 5@60; y{instance=\"b\", job=\"1\", version=\"1\"} 5@0");
}
