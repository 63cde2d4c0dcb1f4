// SPDX-License-Identifier: Apache-2.0
#include "engines/detail/pravega_answers.h"

#include <doctest/doctest.h>

using namespace plimsoll::engines::detail;  // NOLINT: a test names many of its things
using plimsoll::base::Error;

namespace {

const PravegaLimits kLimits;

std::string Segment(const std::string& from, const std::string& to, int epoch = 0) {
  return R"({"number":0,"epoch":)" + std::to_string(epoch) + R"(,"keyStart":)" + from +
         R"(,"keyEnd":)" + to + "}";
}
std::string Event(const std::string& time, const std::string& segments) {
  return R"({"timestamp":)" + time + R"(,"segments":[)" + segments + R"(],"splits":0,"merges":0})";
}

}  // namespace

TEST_CASE("the segments of a scaling event are counted when they divide all keys") {
  const auto read = [](const std::string& segments) {
    return ReadScaling("[" + Event("1000", segments) + "]", kLimits);
  };
  const auto thirds =
      read(Segment("0.0", "0.3333333333333333") + "," + Segment("0.6666666666666666", "1.0", 2) +
           "," + Segment("0.3333333333333333", "0.6666666666666666", 1));
  REQUIRE(thirds.has_value());
  CHECK(thirds->segments == 3);
  CHECK(thirds->time_ms == 1000);
  CHECK(thirds->epoch == 2);
  CHECK(read(Segment("0", "1")).has_value());
  CHECK_FALSE(read("").has_value());
  CHECK_FALSE(read(Segment("0.0", "0.5")).has_value());
  CHECK_FALSE(read(Segment("0.5", "1.0")).has_value());
  CHECK_FALSE(read(Segment("0.0", "0.5") + "," + Segment("0.6", "1.0")).has_value());
  CHECK_FALSE(read(Segment("0.0", "0.6") + "," + Segment("0.5", "1.0")).has_value());
  CHECK_FALSE(read(Segment("0.0", "1.0") + "," + Segment("1.0", "1.0")).has_value());
  CHECK_FALSE(read(Segment("0.0", "1.0") + "," + Segment("0.0", "1.0")).has_value());
  CHECK_FALSE(read(R"({"keyStart":"0","keyEnd":1})").has_value());
}

TEST_CASE("the newest event counts, wherever it stands") {
  const std::string two = Segment("0", "0.5") + "," + Segment("0.5", "1");
  const auto newest =
      ReadScaling("[" + Event("3000", Segment("0", "1")) + "," + Event("2000", two) + "]", kLimits);
  REQUIRE(newest.has_value());
  CHECK(newest->segments == 1);
  CHECK(newest->time_ms == 3000);
  // Of two at one moment the later one in the list.
  const auto last =
      ReadScaling("[" + Event("3000", Segment("0", "1")) + "," + Event("3000", two) + "]", kLimits);
  REQUIRE(last.has_value());
  CHECK(last->segments == 2);
}

TEST_CASE("what is no list of scaling events is an error") {
  CHECK_FALSE(ReadScaling("", kLimits).has_value());
  CHECK_FALSE(ReadScaling("[]", kLimits).has_value());
  CHECK_FALSE(ReadScaling("{}", kLimits).has_value());
  CHECK_FALSE(ReadScaling("[1]", kLimits).has_value());
  CHECK_FALSE(ReadScaling(R"([{"segments":[]}])", kLimits).has_value());
  CHECK_FALSE(ReadScaling("[" + Event("0", Segment("0", "1")) + "]", kLimits).has_value());
  CHECK_FALSE(ReadScaling("[" + Event("\"1\"", Segment("0", "1")) + "]", kLimits).has_value());
  CHECK_FALSE(ReadScaling("[" + Event("1e300", Segment("0", "1")) + "]", kLimits).has_value());
  // An earlier name of the list, in documents.
  CHECK_FALSE(ReadScaling(R"([{"timestamp":1,"segmentList":[]}])", kLimits).has_value());
}

TEST_CASE("a stream of more segments than the limit is not read") {
  PravegaLimits limits;
  limits.segments = 1;
  CHECK(ReadScaling("[" + Event("1", Segment("0", "1")) + "]", limits).has_value());
  const auto two =
      ReadScaling("[" + Event("1", Segment("0", "0.5") + "," + Segment("0.5", "1")) + "]", limits);
  REQUIRE_FALSE(two.has_value());
  CHECK(two.error().kind == Error::Kind::kLimit);
}

TEST_CASE("internal scopes and streams are left out without a word") {
  const auto scopes = ReadScopes(
      R"({"scopes":[{"scopeName":"test"},{"scopeName":"_system"},{"scopeName":"a.b-1"}]})",
      kLimits);
  REQUIRE(scopes.has_value());
  CHECK(scopes->names == std::vector<std::string>{"a.b-1", "test"});
  CHECK(scopes->left_out == 0);
  const auto streams = ReadStreams(
      R"({"streams":[{"scopeName":"test","streamName":"stream"},{"streamName":"_RGreaders"},)"
      R"({"streamName":"_MARKstream"},{"streamName":"stream"}]})",
      kLimits);
  REQUIRE(streams.has_value());
  CHECK(streams->names == std::vector<std::string>{"stream"});
}

TEST_CASE("a name that is none of Pravega's goes into no path") {
  for (const char* bad : {"", ".", "..", "a/b", "a?b", "a b", "a%2F", "_a", "\xc3\xa4"})
    CHECK_MESSAGE(!IsPravegaName(bad), bad);
  for (const char* good : {"a", "A-1.b", "...", "0"}) CHECK_MESSAGE(IsPravegaName(good), good);
  CHECK(IsPravegaName(std::string(255, 'a')));
  CHECK_FALSE(IsPravegaName(std::string(256, 'a')));
  const auto scopes = ReadScopes(R"({"scopes":[{"scopeName":".."},{"scopeName":"a"}]})", kLimits);
  REQUIRE(scopes.has_value());
  CHECK(scopes->names == std::vector<std::string>{"a"});
  CHECK(scopes->left_out == 1);
}

TEST_CASE("lists longer than their limit are cut and counted") {
  PravegaLimits limits;
  limits.scopes = 1;
  const auto scopes = ReadScopes(R"({"scopes":[{"scopeName":"b"},{"scopeName":"a"}]})", limits);
  REQUIRE(scopes.has_value());
  CHECK(scopes->names == std::vector<std::string>{"a"});
  CHECK(scopes->left_out == 1);
  limits.gauges = 1;
  const auto gauges = ReadGauges(
      "pravega_controller_segments_count{scope=\"a\",stream=\"s\",} 3.0\n"
      "pravega_controller_segments_count{scope=\"a\",stream=\"t\",} 4.0\n",
      limits);
  REQUIRE(gauges.has_value());
  CHECK(gauges->segments.size() == 1);
  CHECK(gauges->left_out == 1);
}

TEST_CASE("another server's answers are no lists of scopes") {
  for (const char* body : {"", "[]", "{}", R"({"scopes":{}})", R"({"scopes":[{}]})",
                           R"({"scopes":["a"]})", "<html></html>"})
    CHECK_MESSAGE(!ReadScopes(body, kLimits).has_value(), body);
}

TEST_CASE("of the controller's own page the gauges of users' streams are taken") {
  const auto gauges = ReadGauges(
      "# HELP pravega_controller_segments_count  \n"
      "# TYPE pravega_controller_segments_count gauge\n"
      "pravega_controller_segments_count{host=\"a\",scope=\"_system\",stream=\"_abortStream\",} "
      "2.0\n"
      "pravega_controller_segments_count{host=\"a\",scope=\"test\",stream=\"_RGr\",} 1.0\n"
      "pravega_controller_segments_count{host=\"a\",scope=\"test\",stream=\"stream\",} 5.0\n"
      "pravega_controller_segments_count{host=\"b\",scope=\"test\",stream=\"stream\",} 3.0\n"
      "pravega_controller_segments_count{host=\"a\",scope=\"test\",stream=\"nan\",} NaN\n"
      "pravega_controller_kvtable_segments_count{host=\"a\",scope=\"test\",stream=\"kv\",} 9.0\n",
      kLimits);
  REQUIRE(gauges.has_value());
  CHECK(gauges->segments == std::map<PravegaStream, double>{{{"test", "stream"}, 5}});
  CHECK_FALSE(ReadGauges("pravega_controller_segments_count{scope=\"a\",stream=\"s\"} x\n", kLimits)
                  .has_value());
}

TEST_CASE("what to read is a stream, a scope or everything") {
  CHECK(*ReadChoice("test/stream") == PravegaChoice{"test", "stream"});
  CHECK(*ReadChoice("test/*") == PravegaChoice{"test", ""});
  CHECK(*ReadChoice("*") == PravegaChoice{});
  for (const char* bad : {"", "test", "/", "test/", "/stream", "test/a/b", "*/stream",
                          "_system/_abortStream", "test/_RGr", "../x"})
    CHECK_MESSAGE(!ReadChoice(bad).has_value(), bad);
  CHECK(ReadChoice("test").error().message ==
        "params: stream: expected SCOPE/STREAM, SCOPE/* or *, found \"test\"");
}
