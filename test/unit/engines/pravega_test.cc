// SPDX-License-Identifier: Apache-2.0
#include "engines/pravega.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace plimsoll;  // NOLINT: a test names many of its things
using engines::Answer;
using engines::Ask;

namespace {

std::string Segments(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += (i > 0 ? "," : "") +
            (R"({"number":0,"epoch":1,"keyStart":)" + std::to_string(i * 1.0 / count)) +
            R"(,"keyEnd":)" + std::to_string((i + 1) * 1.0 / count) + "}";
  }
  return text;
}
std::string Scaled(int count) {
  return R"([{"timestamp":5000,"segments":[)" + Segments(count) + R"(],"splits":0,"merges":0}])";
}

// A controller with two scopes of one stream each; a test changes an answer and looks.
struct Controller {
  std::map<std::string, std::string> answers = {
      {"/v1/scopes",
       R"({"scopes":[{"scopeName":"_system"},{"scopeName":"test"},{"scopeName":"other"}]})"},
      {"/v1/scopes/test/streams", R"({"streams":[{"scopeName":"test","streamName":"stream"}]})"},
      {"/v1/scopes/other/streams", R"({"streams":[{"scopeName":"other","streamName":"noise"}]})"},
      {"/v1/scopes/test/streams/stream/scaling-events", Scaled(3)},
      {"/v1/scopes/other/streams/noise/scaling-events", Scaled(4)},
      {"/prometheus",
       "pravega_controller_segments_count{host=\"h\",scope=\"test\",stream=\"stream\",} 3.0\n"
       "pravega_controller_segments_count{host=\"h\",scope=\"other\",stream=\"noise\",} 4.0\n"},
  };
  std::map<std::string, int> statuses;  // instead of an answer
  std::set<std::string> silent;
  std::vector<Ask> asked;
  engines::Collected last{base::Error{}};

  // Answers everything, the last question first.
  std::string Round(engines::Collector& collector, base::Time now,
                    const engines::Collector::Params& params = {}) {
    asked.clear();
    collector.SetParams(params);
    std::vector<Ask> open = collector.Begin(now);
    while (!open.empty()) {
      const Ask ask = std::move(open.back());
      open.pop_back();
      asked.push_back(ask);
      const std::string path = ask.path.substr(0, ask.path.find('?'));
      if (silent.contains(path)) continue;
      base::Result<Answer> answer = Answer{404, "404 Not Found", "", ""};
      if (const auto status = statuses.find(path); status != statuses.end()) {
        answer = Answer{status->second, std::to_string(status->second) + " No", "", ""};
      } else if (const auto found = answers.find(path); found != answers.end()) {
        answer = Answer{200, "200 OK", "application/json", found->second};
      }
      for (Ask& next : collector.Take(ask, std::move(answer))) open.push_back(std::move(next));
    }
    last = collector.End();
    if (!last.page) return "error: " + last.page.error().message;
    return last.page->status == 200 ? last.page->body : last.page->status_text;
  }
  std::set<std::string> Asked() const {
    std::set<std::string> paths;
    for (const Ask& ask : asked) paths.insert(ask.path.substr(0, ask.path.find('?')));
    return paths;
  }
  std::uint64_t Refused(std::string_view reason) const {
    std::uint64_t all = 0;
    for (const auto& [name, count] : last.refused) all += name == reason ? count : 0;
    return all;
  }
};

bool Has(const std::string& page, const std::string& line) {
  return ("\n" + page).find("\n" + line + "\n") != std::string::npos;
}
bool Names(const std::string& page, const std::string& series) {
  return ("\n" + page).find("\n" + series) != std::string::npos;
}

const std::string kStream = R"({scope="test",stream="stream"})";
const std::string kNoise = R"({scope="other",stream="noise"})";
const std::string kSegments = "pravega_controller_stream_segments";
const std::string kEvents = "/v1/scopes/test/streams/stream/scaling-events";
const std::string kNoiseEvents = "/v1/scopes/other/streams/noise/scaling-events";

}  // namespace

TEST_CASE("every stream that is not internal is found and read") {
  Controller pravega;
  engines::PravegaCollector collector;
  const std::string page = pravega.Round(collector, 1'000'000);
  CHECK(Has(page, kSegments + kStream + " 3"));
  CHECK(Has(page, kSegments + kNoise + " 4"));
  CHECK(Has(page, "pravega_controller_stream_scaled_timestamp_seconds" + kStream + " 5"));
  CHECK(Has(page, "pravega_controller_stream_epoch" + kStream + " 1"));
  CHECK(Has(page, "pravega_controller_stream_success" + kStream + " 1"));
  CHECK(Has(page, "pravega_controller_streams_read 2"));
  CHECK(Has(page, "pravega_controller_segments_count" + kStream + " 3"));
  for (const char* part : {"scopes", "streams", "scaling_events", "prometheus"})
    CHECK(Has(page, "pravega_rest_success{part=\"" + std::string(part) + "\"} 1"));
  CHECK(Has(page, "pravega_rest_requests 6"));
  CHECK(pravega.Asked().count("/v1/scopes/_system/streams") == 0);
}

TEST_CASE("events are asked for an hour ahead, the page of gauges as text") {
  Controller pravega;
  engines::PravegaCollector collector;
  pravega.Round(collector, 1'000'000, {{"stream", "test/stream"}});
  REQUIRE(pravega.asked.size() == 2);
  CHECK(pravega.asked[1].path == kEvents + "?from=4600000&to=4600000");
  CHECK(pravega.asked[1].accept == "application/json");
  CHECK(pravega.asked[0].path == "/prometheus");
  CHECK(pravega.asked[0].accept == "text/plain");
}

TEST_CASE("streams chosen by name are read without looking for others") {
  Controller pravega;
  engines::PravegaCollector collector;
  const std::string page = pravega.Round(collector, 1'000'000, {{"stream", "test/stream"}});
  CHECK(Has(page, kSegments + kStream + " 3"));
  CHECK_FALSE(Names(page, kSegments + kNoise));
  CHECK_FALSE(Names(page, "pravega_controller_segments_count" + kNoise));
  CHECK(pravega.Asked() == std::set<std::string>{kEvents, "/prometheus"});
  // A scope: its streams are listed, and no other's.
  const std::string scope = pravega.Round(collector, 1'001'000, {{"stream", "other/*"}});
  CHECK(Has(scope, kSegments + kNoise + " 4"));
  CHECK_FALSE(Names(scope, kSegments + kStream));
  CHECK(pravega.Asked() ==
        std::set<std::string>{"/v1/scopes/other/streams", kNoiseEvents, "/prometheus"});
}

TEST_CASE("scaling events are asked for in every round, lists and gauges once a minute") {
  Controller pravega;
  engines::PravegaCollector collector;
  pravega.Round(collector, 1'000'000);
  CHECK(pravega.asked.size() == 6);
  pravega.answers[kEvents] = Scaled(5);
  const std::string page = pravega.Round(collector, 1'010'000);
  CHECK(pravega.Asked() == std::set<std::string>{kEvents, kNoiseEvents});
  CHECK(Has(page, kSegments + kStream + " 5"));
  CHECK(Has(page, "pravega_controller_segments_count" + kStream + " 3"));
  pravega.Round(collector, 1'059'999);
  CHECK(pravega.asked.size() == 2);
  pravega.Round(collector, 1'060'000);
  CHECK(pravega.asked.size() == 6);
}

TEST_CASE("a new stream is read with the list that names it, a deleted one ends at once") {
  Controller pravega;
  engines::PravegaCollector collector;
  pravega.Round(collector, 1'000'000);
  pravega.answers["/v1/scopes/test/streams"] =
      R"({"streams":[{"streamName":"stream"},{"streamName":"late"}]})";
  pravega.answers["/v1/scopes/test/streams/late/scaling-events"] = Scaled(6);
  CHECK(Has(pravega.Round(collector, 1'060'000), kSegments + R"({scope="test",stream="late"} 6)"));
  pravega.answers.erase(kNoiseEvents);
  std::string page = pravega.Round(collector, 1'070'000);
  CHECK_FALSE(Names(page, kSegments + kNoise));
  CHECK_FALSE(Names(page, "pravega_controller_stream_success" + kNoise));
  CHECK(Has(page, "pravega_rest_success{part=\"scaling_events\"} 1"));
  CHECK(pravega.Refused("gone") == 1);
  pravega.Round(collector, 1'080'000);
  CHECK(pravega.Asked().count(kNoiseEvents) == 0);
  // So does a scope.
  pravega.answers["/v1/scopes"] = R"({"scopes":[{"scopeName":"other"}]})";
  page = pravega.Round(collector, 1'130'000);
  pravega.Round(collector, 1'140'000);
  CHECK(pravega.Asked().count(kEvents) == 0);
}

TEST_CASE("a stream that was asked for by name and is not there is missed, not zero") {
  Controller pravega;
  engines::PravegaCollector collector;
  const std::string page =
      pravega.Round(collector, 1'000'000, {{"stream", "test/stream"}, {"stream", "test/typo"}});
  CHECK(Has(page, R"(pravega_controller_stream_success{scope="test",stream="typo"} 0)"));
  CHECK_FALSE(Names(page, kSegments + R"({scope="test",stream="typo"})"));
  CHECK(Has(page, "pravega_controller_streams_read 1"));
  // Also when it is the only one, of a controller that is known to be one.
  for (const base::Time now : {1'010'000, 1'020'000}) {
    CHECK(Has(pravega.Round(collector, now, {{"stream", "test/typo"}}),
              R"(pravega_controller_stream_success{scope="test",stream="typo"} 0)"));
  }
  engines::PravegaCollector another;
  pravega.answers.clear();
  CHECK(pravega.Round(another, 1'000'000, {{"stream", "test/typo"}}) == "404 Not Found");
}

TEST_CASE("what is broken of a controller costs only itself") {
  Controller pravega;
  engines::PravegaCollector collector;
  pravega.Round(collector, 1'000'000);
  // One stream: the other one is read.
  pravega.statuses[kNoiseEvents] = 500;
  std::string page = pravega.Round(collector, 1'010'000);
  CHECK(Has(page, kSegments + kStream + " 3"));
  CHECK_FALSE(Names(page, kSegments + kNoise));
  CHECK(Has(page, "pravega_controller_stream_success" + kNoise + " 0"));
  CHECK(Has(page, "pravega_rest_success{part=\"scaling_events\"} 0"));
  CHECK(pravega.Refused("failed_request") == 1);
  // The lists: what was listed before is read, and they are asked for again at once.
  pravega.statuses = {{"/v1/scopes", 500}};
  page = pravega.Round(collector, 1'060'000);
  CHECK(Has(page, kSegments + kStream + " 3"));
  CHECK(Has(page, "pravega_rest_success{part=\"scopes\"} 0"));
  pravega.Round(collector, 1'070'000);
  CHECK(pravega.Asked().count("/v1/scopes") == 1);
  // The page of gauges: no old one stands for it.
  pravega.statuses = {{"/prometheus", 500}};
  page = pravega.Round(collector, 1'120'000);
  CHECK(Has(page, kSegments + kStream + " 3"));
  CHECK_FALSE(Names(page, "pravega_controller_segments_count{"));
  CHECK(Has(page, "pravega_rest_success{part=\"prometheus\"} 0"));
  // The segment store, in which scaling events lie: lists and gauges are no substitute.
  pravega.statuses = {{kEvents, 500}, {kNoiseEvents, 500}};
  CHECK(pravega.Round(collector, 1'180'000) == "500 No");
  CHECK(pravega.Round(collector, 1'190'000) == "500 No");
}

TEST_CASE("what did not answer in time is missing from the page") {
  Controller pravega;
  engines::PravegaCollector collector;
  pravega.Round(collector, 1'000'000);
  pravega.silent = {kNoiseEvents};
  const std::string page = pravega.Round(collector, 1'010'000);
  CHECK(Has(page, kSegments + kStream + " 3"));
  CHECK_FALSE(Names(page, kSegments + kNoise));
  CHECK(pravega.Refused("not_answered") == 1);
}

TEST_CASE("a controller without its own metrics is none that fails") {
  Controller pravega;
  pravega.answers.erase("/prometheus");
  engines::PravegaCollector collector;
  const std::string page = pravega.Round(collector, 1'000'000);
  CHECK(Has(page, kSegments + kStream + " 3"));
  CHECK_FALSE(Names(page, "pravega_rest_success{part=\"prometheus\"}"));
}

TEST_CASE("a scrape fails when nothing could be read, and says what was answered") {
  Controller pravega;
  engines::PravegaCollector collector;
  pravega.answers.clear();
  CHECK(pravega.Round(collector, 1'000'000) == "404 Not Found");
  pravega.statuses = {{"/v1/scopes", 401}};
  CHECK(pravega.Round(collector, 1'010'000) == "401 No");
  pravega.statuses.clear();
  pravega.silent = {"/v1/scopes", "/prometheus"};
  CHECK(pravega.Round(collector, 1'020'000) == "error: no answer in time");
  // Lists are asked for again at once.
  CHECK(pravega.Asked() == std::set<std::string>{"/v1/scopes"});
  Controller other;
  CHECK(Has(other.Round(collector, 1'030'000), kSegments + kStream + " 3"));
}

TEST_CASE("half an answer is none") {
  Controller pravega;
  engines::PravegaCollector collector;
  pravega.answers[kEvents] =
      R"([{"timestamp":5000,"segments":[{"number":0,"epoch":0,"keyStart":0.0,"keyEnd":0.5}]}])";
  const std::string page = pravega.Round(collector, 1'000'000);
  CHECK_FALSE(Names(page, kSegments + kStream));
  CHECK(Has(page, kSegments + kNoise + " 4"));
  CHECK(pravega.Refused("bad_answer") == 1);
}

TEST_CASE("no more streams than the limit are read, and always the same") {
  Controller pravega;
  engines::detail::PravegaLimits limits;
  limits.streams = 1;
  engines::PravegaCollector collector(limits);
  pravega.Round(collector, 1'000'000);
  CHECK(pravega.Refused("streams") == 1);
  const std::string page = pravega.Round(collector, 1'010'000);
  CHECK(Has(page, kSegments + kNoise + " 4"));
  CHECK_FALSE(Names(page, kSegments + kStream));
  CHECK(pravega.Refused("streams") == 1);
}

TEST_CASE("a choice that is none fails the scrape by name") {
  Controller pravega;
  engines::PravegaCollector collector;
  CHECK(pravega.Round(collector, 1'000'000, {{"stream", "test"}}) ==
        "error: params: stream: expected SCOPE/STREAM, SCOPE/* or *, found \"test\"");
  CHECK(pravega.asked.empty());
  // Corrected by a reload.
  CHECK(Has(pravega.Round(collector, 1'010'000, {{"stream", "test/stream"}, {"debug", "1"}}),
            kSegments + kStream + " 3"));
}

TEST_CASE("while there is no stream the lists are asked for in every round") {
  Controller pravega;
  pravega.answers["/v1/scopes"] = R"({"scopes":[{"scopeName":"_system"}]})";
  engines::PravegaCollector collector;
  CHECK(Has(pravega.Round(collector, 1'000'000), "pravega_controller_streams_read 0"));
  CHECK(Has(pravega.Round(collector, 1'010'000), "pravega_controller_streams_read 0"));
  CHECK(pravega.Asked() == std::set<std::string>{"/v1/scopes"});
  pravega.answers["/v1/scopes"] = R"({"scopes":[{"scopeName":"test"}]})";
  CHECK(Has(pravega.Round(collector, 1'020'000), kSegments + kStream + " 3"));
  // The only one is deleted: that is no failure.
  pravega.answers.erase(kEvents);
  CHECK(Has(pravega.Round(collector, 1'030'000), "pravega_controller_streams_read 0"));
}
