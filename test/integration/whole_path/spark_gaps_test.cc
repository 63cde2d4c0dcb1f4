// SPDX-License-Identifier: Apache-2.0
//
// Recorded states of Spark one after the other through the whole path: a backlog, executors that
// come and are lost, a driver that dies and is started again. No signal may show a number that was
// true at none of these times, and none may fall silent while the driver is only away for a moment.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "config/preset.h"
#include "document/json.h"
#include "integration/whole_path/faces.h"
#include "support/error_text.h"
#include "support/recorded_spark.h"

using namespace plimsoll;  // NOLINT: a test names many of its things
using namespace std::chrono_literals;

namespace {

const std::string kStates = "spark-3.5.9/";

struct Replay : test::Faces {
  test::RecordedSpark spark;

  explicit Replay(const std::shared_ptr<const config::Config>& config) : Faces(config) {
    path.targets.AnswerBy(
        [this](const scrape::PageRequest& request) { return spark.Answer(request); });
  }
  void Show(const std::string& state) { spark.Show(kStates + state); }
  std::vector<double> Values(std::string_view name) const {
    std::vector<double> values;
    for (const auto& [labels, value] : Signal(name)) values.push_back(value);
    return values;
  }
  double Value(std::string_view name) const {
    CAPTURE(name);
    const auto values = Values(name);
    REQUIRE(values.size() == 1);
    return values.front();
  }
};

// The preset with more than one target.
std::shared_ptr<const config::Config> PresetOf(const std::string& targets) {
  const auto preset = config::FromPreset("spark", "driver1:4040");
  REQUIRE_MESSAGE(preset.has_value(), test::ErrorText(preset));
  std::string text = preset->text;
  const std::string one = "[\"driver1:4040\"]";
  const auto at = text.find(one);
  REQUIRE(at != std::string::npos);
  text.replace(at, one.size(), targets);
  return test::ConfigOf(text);
}
const std::string kCluster = R"(["driver1:4040", "driver2:4040", "master:8080"])";

// Every query of the engine's board, with its variables filled in, by panel.
std::vector<std::pair<std::string, std::string>> BoardQueries() {
  std::ifstream in(PLIMSOLL_SOURCE_ROOT "/dashboards/spark.json", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const auto board = document::ParseJson(text, "spark.json");
  REQUIRE_MESSAGE(board.has_value(), test::ErrorText(board));
  std::vector<std::pair<std::string, std::string>> queries;
  for (const document::Json& panel : board->Find("panels")->items) {
    const document::Json* targets = panel.Find("targets");
    if (targets == nullptr) continue;
    for (const document::Json& target : targets->items) {
      std::string query(*target.String("expr"));
      query.replace(query.find("$namespace"), 10, ".*");
      query.replace(query.find("$job"), 4, "spark");
      queries.emplace_back(*panel.String("title"), std::move(query));
    }
  }
  return queries;
}

}  // namespace

TEST_CASE("a recorded backlog is served within the application's bounds") {
  Replay replay(test::PresetOf("spark", "driver1:4040"));
  replay.Show("s2-backlog-1w");
  replay.path.Run(20s);
  CHECK(replay.Value("spark_executors_needed") == 57);
  CHECK(replay.Value("spark_executors") == 1);
  CHECK(replay.Value("spark_cores_wanted") == 6);
  CHECK(replay.Value("spark_tasks_waiting") == 56);
  CHECK(replay.Value("spark_active") == 1);
  CHECK(replay.Read("spark-executors-wanted") == "6");
  CHECK(replay.Read("spark-executors-short") == "5");
  CHECK(replay.Read("spark-scheduled-replicas") == "0");
  // Nobody said what a worker has.
  CHECK(replay.Read("spark-workers-wanted").starts_with("503 "));
}

TEST_CASE("a lost executor and a driver that is started again leave no false number and no gap") {
  Replay replay(test::PresetOf("spark", "driver1:4040"));
  base::Time begun = 0;
  bool first = true;
  double wanted_before = 0;
  std::map<double, int> wanted, short_of;
  const auto second = [&](const char* state, bool gone, int seconds) {
    replay.Show(state);
    replay.spark.gone.clear();
    if (gone) replay.spark.gone = {"driver1"};
    for (int i = 0; i < seconds; ++i) {
      replay.path.Run(1s);
      if (first && replay.Values("spark_executors_wanted").empty()) continue;  // no scrape yet
      first = false;
      CAPTURE(state);
      CAPTURE(replay.path.clock.Now() - begun);
      for (const auto& [series, value] : replay.AllSignals()) {
        if (!std::isfinite(value) || value < 0) FAIL_CHECK(series);
      }
      wanted_before = replay.Value("spark_executors_wanted");
      ++wanted[wanted_before];
      ++short_of[replay.Value("spark_executors_short")];
      CHECK(replay.Read("spark-executors-wanted") ==
            std::to_string(static_cast<int>(wanted_before)));
      CHECK_FALSE(replay.Read("spark-executors-short").starts_with("503 "));
      const double executors = replay.Value("spark_executors");
      CHECK((executors == 1 || executors == 2));
      CHECK(replay.Value("spark_tasks_waiting") >= 12);
    }
  };
  begun = replay.path.clock.Now();
  second("s2-backlog-1w", false, 60);
  second("s3-backlog-2w", false, 60);
  second("s5-worker2-killed-05s", false, 25);
  CHECK(replay.Value("spark_executors_short") == 5);
  CHECK(replay.Value("spark_executors_lost_15m") > 0);
  CHECK(replay.Value("spark_scalein_safe") == 0);
  second("s5-worker2-killed-30s", false, 20);
  second("s6-worker3-decommissioned-03s", false, 20);
  // Ten seconds in which the REST API is overwhelmed, and a scrape or two that fail as a whole.
  replay.spark.broken = {"/api/v1/"};
  second("s6-worker3-decommissioned-23s", false, 10);
  replay.spark.broken.clear();
  second("s6-worker3-decommissioned-23s", false, 10);
  // The driver dies, and is back as another application half a minute later: its first stage begins
  // at once, with more to do than it may have.
  second("s6-worker3-decommissioned-23s", true, 30);
  replay.spark.restarted["driver1"] = replay.path.clock.Now();
  second("s2-backlog-1w", false, 60);
  // All the while six were wanted: neither none, nor those of two applications at once.
  CHECK(wanted.size() == 1);
  CHECK(wanted.contains(6));
  CHECK(short_of.size() == 2);
  CHECK(short_of.contains(5));
  CHECK(short_of.contains(4));
}

TEST_CASE("a driver that is started again and has nothing to do yet is not taken at its word") {
  Replay replay(test::PresetOf("spark", "driver1:4040"));
  replay.Show("s2-backlog-1w");
  replay.path.Run(60s);
  replay.spark.gone = {"driver1"};
  replay.path.Run(20s);
  CHECK(replay.Read("spark-executors-wanted") == "6");
  replay.spark.gone.clear();
  replay.spark.restarted["driver1"] = replay.path.clock.Now();
  replay.Show("s1-idle");
  for (int i = 0; i < 55; ++i) {
    replay.path.Run(1s);
    CHECK(replay.Read("spark-executors-wanted") == "6");
    CHECK(replay.Read("spark-executors-short") == "5");
  }
  replay.path.Run(10s);
  CHECK(replay.Read("spark-executors-wanted") == "0");
  CHECK(replay.Read("spark-executors-short") == "0");
}

TEST_CASE("a driver that stays away is an error after what is held has run out, and never zero") {
  Replay replay(test::PresetOf("spark", "driver1:4040"));
  replay.Show("s2-backlog-1w");
  replay.path.Run(60s);
  replay.spark.gone = {"driver1"};
  std::set<std::string> read;
  for (int i = 0; i < 400; ++i) {
    replay.path.Run(1s);
    read.insert(replay.Read("spark-executors-wanted").substr(0, 3));
  }
  CHECK(read == std::set<std::string>{"503", "6"});
  CHECK(replay.Read("spark-executors-wanted").starts_with("503 "));
  CHECK(replay.Values("spark_executors_wanted").empty());
}

TEST_CASE("demand stays what it is while executors and workers come and go") {
  Replay replay(PresetOf(kCluster));
  std::set<std::string> wanted, workers;
  for (const char* state : {"s4-second-app-waits", "s5-worker2-killed-05s", "s5-worker2-killed-30s",
                            "s6-worker3-decommissioned-03s", "s6-worker3-decommissioned-23s"}) {
    replay.Show(state);
    for (int i = 0; i < 30; ++i) {
      replay.path.Run(1s);
      if (replay.path.clock.Now() < test::kEpoch + 10'000) continue;
      wanted.insert(replay.Read("spark-executors-wanted"));
      workers.insert(replay.Read("spark-workers-wanted"));
    }
  }
  // Six and three, whether the first has one executor or two, on workers of one core.
  CHECK(wanted == std::set<std::string>{"9"});
  CHECK(workers == std::set<std::string>{"9"});
  // Of the first, which is done, nothing stands against what the second lacks.
  replay.Show("s7-done-executor-kept");
  replay.path.Run(20s);
  CHECK(replay.Read("spark-executors-wanted") == "3");
  CHECK(replay.Read("spark-executors-short") == "3");
  CHECK(replay.Value("spark_cores_used") == 1);
  CHECK(replay.Value("spark_workers") == 1);
}

TEST_CASE("one driver of two that is away for a minute is not missing from the sum") {
  Replay replay(PresetOf(kCluster));
  replay.Show("s4-second-app-waits");
  replay.path.Run(30s);
  CHECK(replay.Read("spark-executors-wanted") == "9");
  replay.spark.gone = {"driver2", "master"};
  for (int i = 0; i < 60; ++i) {
    replay.path.Run(1s);
    CHECK(replay.Read("spark-executors-wanted") == "9");
    CHECK(replay.Read("spark-workers-wanted") == "9");
  }
}

TEST_CASE("every query of the board shows the state, and another one in another state") {
  Replay replay(PresetOf(kCluster));
  std::map<std::string, std::set<std::string>> answers;
  const auto look = [&] {
    for (const auto& [panel, query] : BoardQueries()) {
      CAPTURE(query);
      const http::Response answer = replay.Query(query);
      REQUIRE(answer.status == 200);
      const auto json = document::ParseJson(answer.Body(), "answer");
      REQUIRE(json.has_value());
      std::string text;
      for (const document::Json& series : json->At("data", "result")->items)
        text += series.Find("value")->items[1].text + " ";
      answers[panel + ": " + query].insert(text);
    }
  };
  for (const char* state : {"s1-idle", "s4-second-app-waits", "s5-worker2-killed-30s",
                            "s6-worker3-decommissioned-03s", "s7-done-executor-kept"}) {
    replay.Show(state);
    replay.path.Run(20s);
    look();
  }
  REQUIRE(answers.size() > 15);
  for (const auto& [query, seen] : answers) {
    CAPTURE(query);
    // What no state of the recording moves: nobody who was told of an end lingered, no hour of a
    // schedule came, and no hour without a job passed.
    bool still = false;
    for (const char* name :
         {"spark_executors_decommissioning{", "spark_scheduled_replicas{", "spark_idle{"})
      still = still || query.find(name) != std::string::npos;
    CHECK((seen.size() > 1) == !still);
  }
}
