// SPDX-License-Identifier: Apache-2.0
//
// A recorded day of a Pravega controller in minutes, second by second through the whole path: a
// stream is created, scaled out, left alone until its gauge is thrown away, scaled in; others come
// and go. No signal may show a number that was not true of the stream before or after, and what an
// HPA is served is that of its stream alone, whoever dies.
//
// The times are those of the recording (test/fixtures/pravega-0.13.0).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "config/preset.h"
#include "document/json.h"
#include "integration/whole_path/faces.h"
#include "support/error_text.h"
#include "support/page_values.h"
#include "support/recorded_pravega.h"

using namespace plimsoll;  // NOLINT: a test names many of its things
using namespace std::chrono_literals;

namespace {

const std::string kStates = "pravega-0.13.0/";
constexpr base::Time kBegin = 1'795'267'060'000;
constexpr base::Time kCreated = 1'795'267'078'940;
constexpr base::Time kScaledOut = 1'795'267'083'830;
constexpr base::Time kNoise = 1'795'267'087'543;
constexpr base::Time kQuiet = 1'795'267'330'000;
constexpr base::Time kLate = 1'795'267'333'118;
constexpr base::Time kScaledIn = 1'795'267'346'935;
constexpr base::Time kDeleted = 1'795'267'363'000;
constexpr base::Time kEnd = 1'795'267'440'000;

const std::string kSeedMetric = "pravega_controller_segments_count";

// What was recorded at `now` and a little later.
std::string StateAt(base::Time now) {
  if (now < kCreated) return "p0-fresh";
  if (now < kScaledOut) return "p1-created";
  if (now < kNoise) return "p2-scaled";
  if (now < kQuiet) return "p3-second-stream";
  if (now < kLate) return "p4-quiet";
  if (now < kScaledIn) return "p5-late-stream";
  if (now < kDeleted) return "p6-rescaled";
  return "p7-noise-deleted";
}

// Segments of test/stream; 0 before it was there.
double TruthAt(base::Time now) {
  if (now < kCreated) return 0;
  if (now < kScaledOut) return 3;
  return now < kScaledIn ? 5 : 4;
}

// plimsoll, and the controllers by their hosts.
struct Replay : test::Faces {
  std::map<std::string, test::RecordedPravega> controllers;

  explicit Replay(const std::shared_ptr<const config::Config>& config, base::Time start = kBegin)
      : Faces(config, start) {
    path.targets.AnswerBy([this](const scrape::PageRequest& request) {
      const auto from = request.url.find("//") + 2;
      return controllers[request.url.substr(from, request.url.find(':', from) - from)].Answer(
          request);
    });
  }
  void Show(const std::string& host, const std::string& state) {
    if (shown_[host] == state) return;
    shown_[host] = state;
    controllers[host].Show(state.empty() ? "" : kStates + state);
  }
  std::vector<double> Values(std::string_view name, std::string_view part = "") const {
    std::vector<double> values;
    for (const auto& [labels, value] : Signal(name)) {
      if (labels.find(part) != std::string::npos) values.push_back(value);
    }
    return values;
  }

 private:
  std::map<std::string, std::string> shown_;
};

std::string ConfigFor(const std::string& streams, const std::string& targets) {
  return R"(
global: {scrape_interval: 10s}
params: {pravega_slots_per_taskmanager: 1}
rule_files: ["pack:pravega/*.rules.yml"]
scrape_configs:
- job_name: pravega
  collector: pravega
  params: {stream: [)" +
         streams + R"(]}
  static_configs: [{targets: [)" +
         targets + R"(]}]
signals:
- {name: pravega_stream_segments, type: gauge, help: h}
- {name: pravega_controllers_answering, type: gauge, help: h}
external_metrics:
- name: pravega_controller_segments_count
  type: AverageValue
  query: pravega_stream_segments
  max_age: 90s
  when_stale: {hold: 1h}
  valid: {min: 1}
)";
}

// The HPA's arithmetic for AverageValue 1, between 1 and 32 replicas, with its tolerance of a
// tenth. A read that is an error changes nothing.
int DesiredReplicas(int current, const std::string& read) {
  if (read.find(' ') != std::string::npos) return current;
  const double value = std::stod(read);
  if (std::abs(value / current - 1) <= 0.1) return current;
  return static_cast<int>(std::clamp(std::ceil(value), 1.0, 32.0));
}

}  // namespace

TEST_CASE("a stream's segments are true at every second of a recorded day") {
  Replay replay(test::PresetOf("pravega", "c1:9091"));
  int seen = 0;
  std::string last;
  for (base::Time now = kBegin; now < kEnd; now += 1000) {
    replay.Show("c1", StateAt(replay.path.clock.Now()));
    replay.path.Run(1s);
    const base::Time at = replay.path.clock.Now();
    CAPTURE(at - kBegin);
    for (const auto& [series, value] : replay.AllSignals()) {
      if (!std::isfinite(value)) FAIL_CHECK(series);
    }
    const auto segments = replay.Values("pravega_stream_segments", "stream=\"stream\"");
    if (segments.empty() && TruthAt(at - 11'000) == 0) continue;  // no scrape since it is there
    REQUIRE(segments.size() == 1);
    // At some time since the scrape before the last one.
    bool was_true = false;
    for (base::Time before = at - 11'000; before <= at; before += 100)
      was_true = was_true || segments[0] == TruthAt(before);
    CHECK(was_true);
    CHECK(segments[0] >= 3);
    CHECK(replay.Values("flink_taskmanagers_for_stream", "stream=\"stream\"") == segments);
    last = replay.Read(kSeedMetric, "default", "scope=test,stream=stream");
    CHECK(last == std::to_string(static_cast<int>(segments[0])));
    ++seen;
  }
  CHECK(seen > 340);
  CHECK(last == "4");
}

TEST_CASE("the gauge of a quiet stream is thrown away, and its segments stay") {
  Replay replay(test::PresetOf("pravega", "c1:9091"));
  const auto agrees = [&] {
    return replay.Values("pravega_stream_gauge_agrees", "stream=\"stream\"");
  };
  replay.Show("c1", "p4-quiet");
  replay.path.Run(60s);
  CHECK(agrees() == std::vector<double>{1});
  replay.Show("c1", "p5-late-stream");
  replay.path.Run(60s);
  CHECK(agrees() == std::vector<double>{0});
  CHECK(replay.Values("pravega_stream_gauge_segments") == std::vector<double>{6});
  CHECK(replay.Values("pravega_stream_segments", "stream=\"stream\"") == std::vector<double>{5});
  CHECK(replay.Values("pravega_streams") == std::vector<double>{3});
}

TEST_CASE("the HPA of Pravega's example follows its stream, whatever else there is") {
  // It names no labels, so the configuration names the stream; two controllers know of it.
  Replay replay(test::ConfigOf(ConfigFor("test/stream", "'c1:9091', 'c2:9091'")));
  const auto read = [&] { return replay.Read(kSeedMetric); };
  int replicas = 1;
  std::vector<int> steps;
  for (base::Time now = kBegin; now < kEnd; now += 1000) {
    for (const char* host : {"c1", "c2"}) replay.Show(host, StateAt(replay.path.clock.Now()));
    replay.path.Run(1s);
    const int wanted = DesiredReplicas(replicas, read());
    if (wanted == replicas) continue;
    steps.push_back(wanted);
    replicas = wanted;
  }
  // Three was true for less than a scrape.
  const bool followed = steps == std::vector<int>{5, 4} || steps == std::vector<int>{3, 5, 4};
  CHECK(followed);
  CHECK(replay.Values("pravega_controllers_answering") == std::vector<double>{2});

  // What its adapter asks of Prometheus adds up every series of that name, with internal streams,
  // others', and none that is quiet.
  const auto sum_of = [](const std::string& state) {
    std::ifstream in(PLIMSOLL_SOURCE_ROOT "/test/fixtures/" + kStates + state + "/prometheus.prom");
    const std::string page{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    double sum = 0;
    for (const double value : test::ValuesOf(page, kSeedMetric)) sum += value;
    return sum;
  };
  CHECK(sum_of("p0-fresh") == 11);
  CHECK(sum_of("p1-created") == 14);
  CHECK(sum_of("p3-second-stream") == 20);
  CHECK(sum_of("p5-late-stream") == 6);
  CHECK(sum_of("p6-rescaled") == 10);
}

TEST_CASE("where every stream is read, one that is not chosen is never added") {
  Replay replay(test::PresetOf("pravega", "c1:9091"));
  replay.Show("c1", "p2-scaled");
  replay.path.Run(30s);
  CHECK(replay.Read(kSeedMetric) == "5");
  CHECK(replay.Read("flink-taskmanagers-for-stream") == "5");
  replay.Show("c1", "p3-second-stream");
  replay.path.Run(60s);
  CHECK(replay.Read(kSeedMetric).starts_with("503 several"));
  CHECK(replay.Read(kSeedMetric, "default", "stream=stream") == "5");
  CHECK(replay.Read(kSeedMetric, "default", "scope=other,stream=noise") == "4");
}

TEST_CASE("one of two controllers is enough, and none leaves the last number") {
  Replay replay(test::ConfigOf(ConfigFor("test/stream", "'c1:9091', 'c2:9091'")));
  const auto read = [&] { return replay.Read(kSeedMetric); };
  const auto answering = [&] { return replay.Values("pravega_controllers_answering"); };
  replay.Show("c1", "p2-scaled");
  replay.Show("c2", "p2-scaled");
  replay.path.Run(30s);
  CHECK(read() == "5");
  // One has not heard of the scale-in, or was asked a moment before.
  replay.Show("c2", "p6-rescaled");
  replay.path.Run(11s);
  CHECK(read() == "4");
  // It dies: the other one now knows.
  replay.Show("c2", "");
  replay.Show("c1", "p6-rescaled");
  replay.path.Run(11s);
  CHECK(read() == "4");
  CHECK(answering() == std::vector<double>{1});
  // Nobody is left. Streams are scaled by controllers alone, so the number is held.
  replay.Show("c1", "");
  replay.path.Run(11s);
  CHECK(replay.Values("pravega_stream_segments").empty());
  CHECK(answering().empty());
  CHECK(read() == "4");
  replay.path.Run(55min);
  CHECK(read() == "4");
  replay.path.Run(10min);
  CHECK(read().starts_with("503 "));
  // Back, and with what happened meanwhile.
  replay.Show("c2", "p2-scaled");
  replay.path.Run(11s);
  CHECK(read() == "5");
}

TEST_CASE("a controller whose segment store is gone gives no number, and no gauge stands for it") {
  Replay replay(test::ConfigOf(ConfigFor("test/stream", "'c1:9091'")));
  replay.Show("c1", "p2-scaled");
  replay.path.Run(30s);
  replay.controllers["c1"].broken = {"/scaling-events"};
  for (int i = 0; i < 200; ++i) {
    replay.path.Run(1s);
    for (const double value : replay.Values("pravega_stream_segments")) CHECK(value == 5);
    CHECK(replay.Read(kSeedMetric) == "5");
  }
  CHECK(replay.Values("pravega_stream_segments").empty());
  replay.controllers["c1"].broken.clear();
  replay.path.Run(11s);
  CHECK(replay.Values("pravega_stream_segments") == std::vector<double>{5});
}

namespace {

// Every query of the board, with its variables filled in.
std::vector<std::string> BoardQueries() {
  std::ifstream in(PLIMSOLL_SOURCE_ROOT "/dashboards/pravega.json", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const auto board = document::ParseJson(text, "pravega.json");
  REQUIRE_MESSAGE(board.has_value(), test::ErrorText(board));
  std::vector<std::string> queries;
  for (const document::Json& panel : board->Find("panels")->items) {
    const document::Json* targets = panel.Find("targets");
    if (targets == nullptr) continue;
    for (const document::Json& target : targets->items) {
      std::string query(*target.String("expr"));
      for (const auto& [variable, value] : {std::pair("$namespace", ".*"), {"$job", "plimsoll"}}) {
        const auto at = query.find(variable);
        if (at != std::string::npos) query.replace(at, std::string(variable).size(), value);
      }
      queries.push_back(std::move(query));
    }
  }
  return queries;
}

using Answers = std::map<std::string, std::set<std::string>>;  // by query: "series value"

// Asks what a Prometheus that scrapes plimsoll would be asked.
Answers Ask(const test::Faces& prometheus, const std::vector<std::string>& queries) {
  Answers answers;
  for (const std::string& query : queries) {
    const http::Response response = prometheus.Query(query);
    CHECK_MESSAGE(response.status == 200, query);
    const auto body = document::ParseJson(response.Body());
    REQUIRE(body.has_value());
    std::set<std::string>& found = answers[query.substr(0, query.find('{'))];
    for (const document::Json& sample : body->At("data", "result")->items) {
      const document::Json& metric = *sample.Find("metric");
      std::string text;
      for (const char* label : {"metric", "state", "stream"}) {
        if (const auto value = metric.String(label)) text += std::string(*value) + " ";
      }
      found.insert(text + sample.Find("value")->items.at(1).text);
    }
  }
  return answers;
}

}  // namespace

TEST_CASE("every panel of the board shows what was true, and changes with it") {
  const auto preset = config::FromPreset("pravega", "c1:9091");
  REQUIRE(preset.has_value());
  // The preset, for two streams by name and beside Flink.
  std::string text = preset->text;
  text.replace(text.find("stream: [\"*\"]"), 13, "stream: [test/stream, other/noise]");
  const std::string jobs = "scrape_configs:\n";
  text.insert(text.find(jobs) + jobs.size(),
              "  - {job_name: flink, static_configs: [{targets: ['jm:1']}]}\n");
  Replay replay(test::ConfigOf(text), kEnd);
  test::Faces prometheus(test::ConfigOf("global: {scrape_interval: 10s}\n"
                                        "scrape_configs: [{job_name: plimsoll, static_configs: "
                                        "[{targets: ['plimsoll:7546']}]}]"),
                         kEnd);
  prometheus.path.targets.AnswerBy([&](const scrape::PageRequest&) {
    const http::Response page = replay.MetricsPage();
    return scrape::Fetched{
        .page = scrape::Page{200, "200 OK", page.content_type, std::string(page.Body())}};
  });
  const auto taskmanagers = [&](int count) {
    replay.path.targets.Serve("http://jm:1/metrics",
                              "flink_taskmanagers " + std::to_string(count) + "\n");
  };
  const auto run = [&](const std::string& state) {
    replay.Show("c1", state);
    for (int i = 0; i < 120; ++i) {
      replay.path.Run(1s);
      prometheus.path.Run(1s);
    }
  };
  const std::vector<std::string> queries = BoardQueries();

  // Five segments on two TaskManagers; the other stream is not there yet.
  taskmanagers(2);
  run("p2-scaled");
  const Answers early = Ask(prometheus, queries);
  CHECK(early.at("flink_taskmanagers_for_stream") == std::set<std::string>{"stream 5"});
  CHECK(early.at("plimsoll_external_metric_value") ==
        std::set<std::string>{"flink-taskmanagers-for-stream 5",
                              "pravega_controller_segments_count 5"});
  CHECK(early.at("plimsoll_external_metric_state").contains(kSeedMetric + " held 0"));
  CHECK(early.at("pravega_stream_segments") == std::set<std::string>{"stream 5"});
  CHECK(early.at("pravega_segments_per_taskmanager") == std::set<std::string>{"stream 2.5"});
  CHECK(early.at("pravega_controllers_answering") == std::set<std::string>{"1"});
  CHECK(early.at("pravega_streams") == std::set<std::string>{"1"});
  CHECK(early.at("pravega_streams_missing") == std::set<std::string>{"1"});

  // Scaled in to four of each, on four TaskManagers. No value stands for both.
  taskmanagers(4);
  run("p6-rescaled");
  const Answers late = Ask(prometheus, queries);
  CHECK(late.at("flink_taskmanagers_for_stream") == std::set<std::string>{"noise 4", "stream 4"});
  CHECK(late.at("plimsoll_external_metric_value").empty());
  CHECK(late.at("plimsoll_external_metric_state").contains(kSeedMetric + " held 0"));
  CHECK(late.at("pravega_stream_segments") == std::set<std::string>{"noise 4", "stream 4"});
  CHECK(late.at("pravega_stream_scalings_15m") == std::set<std::string>{"noise 0", "stream 1"});
  CHECK(late.at("pravega_segments_per_taskmanager") ==
        std::set<std::string>{"noise 1", "stream 1"});
  CHECK(late.at("pravega_streams") == std::set<std::string>{"2"});
  CHECK(late.at("pravega_streams_missing") == std::set<std::string>{"0"});
  CHECK(late.at("pravega_stream_gauge_segments") == std::set<std::string>{"stream 4"});

  // The controller is gone: nothing is known, but nothing is zero.
  run("");
  const Answers gone = Ask(prometheus, queries);
  CHECK(gone.at("pravega_controllers_answering").empty());
  CHECK(gone.at("plimsoll_external_metric_state").contains(kSeedMetric + " held 1"));
  CHECK(gone.at("pravega_stream_gauge_agrees").empty());

  for (const auto& [panel, found] : early) {
    CAPTURE(panel);
    const bool shown = !found.empty() || !late.at(panel).empty();
    CHECK(shown);
    const bool changes = found != late.at(panel) || found != gone.at(panel);
    CHECK(changes);
  }
}
