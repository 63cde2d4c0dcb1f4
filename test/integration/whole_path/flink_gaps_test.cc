// SPDX-License-Identifier: Apache-2.0
//
// A recorded rescale and a recorded loss of a TaskManager, second by second through the whole path:
// no signal may show a number that was not true of the job before or after.
//
// The times are those of the recording (test/fixtures/flink-1.20.0, the two timelines): the job of
// one TaskManager has a backlog, a second TaskManager comes, the job restarts with twice the
// parallelism and its old metrics; half a minute after that it has caught up, the second
// TaskManager is killed, and the job restarts until the dead one is given up.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "config/preset.h"
#include "document/json.h"
#include "integration/whole_path/faces.h"
#include "support/error_text.h"
#include "support/recorded_flink.h"

using namespace plimsoll;  // NOLINT: a test names many of its things
using namespace std::chrono_literals;

namespace {

const std::string kStates = "flink-1.20.0/";
constexpr base::Time kBacklog = 1'795'267'040'000;   // r3-one-tm-backlog was recorded
constexpr base::Time kRescale = 1'795'267'043'000;   // the job restarts
constexpr base::Time kRunsAgain = kRescale + 1'000;  // all tasks run
constexpr base::Time kNewMetrics = kRescale + 8'000;
constexpr base::Time kDraining = 1'795'267'130'000;
constexpr base::Time kKilled = kDraining + 1'000;
constexpr base::Time kRunsOnOne = kKilled + 23'000;
constexpr base::Time kOneHasMetrics = kKilled + 31'000;

struct Replay : test::Faces {
  test::RecordedFlink flink;

  explicit Replay(const std::shared_ptr<const config::Config>& config) : Faces(config, kBacklog) {
    path.targets.AnswerBy(
        [this](const scrape::PageRequest& request) { return flink.Answer(request); });
    flink.clock = [this] { return path.clock.Now(); };
  }

  // Shows what was seen at `now`.
  void ShowAt(base::Time now) {
    if (now < kRescale) return Show("r3-one-tm-backlog", "r3-one-tm-backlog");
    if (now < kRunsAgain) return Show("r4-during-rescale", "r3-one-tm-backlog");
    if (now < kNewMetrics) return Show("r5-two-tm-backlog", "r3-one-tm-backlog");
    if (now < kDraining) return Show("r5-two-tm-backlog", "r5-two-tm-backlog");
    if (now < kKilled) return Show("r6-two-tm-draining", "r6-two-tm-draining");
    if (now < kRunsOnOne)
      return Show("r7-during-tm-loss", now < kKilled + 10'000 ? "r6-two-tm-draining" : "");
    Show("r8-after-tm-loss", now < kOneHasMetrics ? "" : "r8-after-tm-loss");
  }
  void Show(const std::string& state, const std::string& metrics) {
    if (shown_ == state + metrics) return;
    shown_ = state + metrics;
    flink.Show(kStates + state);
    flink.ShowMetricsOf(metrics.empty() ? "" : kStates + metrics);
  }
  // Of the samples whose labels contain `part`.
  std::vector<double> Values(std::string_view name, std::string_view part = "") const {
    std::vector<double> values;
    for (const auto& [labels, value] : Signal(name)) {
      if (labels.find(part) != std::string::npos) values.push_back(value);
    }
    return values;
  }

 private:
  std::string shown_;
};

// Every query of the engine's board, with its variables filled in.
std::vector<std::string> BoardQueries() {
  std::ifstream in(PLIMSOLL_SOURCE_ROOT "/dashboards/flink.json", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const auto board = document::ParseJson(text, "flink.json");
  REQUIRE_MESSAGE(board.has_value(), test::ErrorText(board));
  std::vector<std::string> queries;
  for (const document::Json& panel : board->Find("panels")->items) {
    const document::Json* targets = panel.Find("targets");
    if (targets == nullptr) continue;
    for (const document::Json& target : targets->items) {
      std::string query(*target.String("expr"));
      query.replace(query.find("$namespace"), 10, ".*");
      query.replace(query.find("$job"), 4, "flink");
      queries.push_back(std::move(query));
    }
  }
  return queries;
}

}  // namespace

TEST_CASE("a rescale and a lost TaskManager leave no false number and no gap in what is known") {
  Replay replay(test::PresetOf("flink", "jobmanager:8081"));
  std::map<std::string, int> silent;
  bool first = true;
  for (base::Time now = kBacklog; now < kOneHasMetrics + 30'000; now += 1000) {
    CAPTURE(now - kBacklog);
    replay.ShowAt(replay.path.clock.Now());
    replay.path.Run(1s);
    const auto lag = replay.Values("flink_lag");
    if (lag.empty() && first) continue;  // before the first scrape
    first = false;
    for (const auto& [series, value] : replay.AllSignals()) {
      if (!std::isfinite(value)) FAIL_CHECK(series);
    }
    REQUIRE(lag.size() == 1);
    CHECK((lag[0] == 9303 || lag[0] == 10538 || lag[0] == 530 || lag[0] < 100));
    CHECK((replay.path.clock.Now() > kOneHasMetrics || lag[0] >= 530));
    const auto parallelism = replay.Values("flink_parallelism", "slow map");
    REQUIRE(parallelism.size() == 1);
    CHECK((parallelism[0] == 1 || parallelism[0] == 2));
    const auto busy = replay.Values("flink_busy_ratio", "slow map");
    REQUIRE(busy.size() == 1);
    CHECK((replay.path.clock.Now() > kOneHasMetrics || busy[0] >= 0.75));
    CHECK(busy[0] > 0.5);
    CHECK(busy[0] <= 1);
    const auto managers = replay.Values("flink_taskmanagers");
    REQUIRE(managers.size() == 1);
    CHECK((managers[0] == 1 || managers[0] == 2));
    // No verdict before the job has settled.
    CHECK(replay.Values("flink_taskmanagers_wanted").empty());
    CHECK(replay.Read("flink-taskmanagers-wanted").starts_with("503 "));
    const auto running = replay.Values("flink_job_running");
    REQUIRE(running.size() == 1);
    if (running[0] == 0) ++silent[now < kDraining ? "rescale" : "loss"];
  }
  CHECK_FALSE(first);
  CHECK(silent["rescale"] <= 5);
  CHECK(silent["loss"] <= 45);
  CHECK(silent["loss"] > 0);
}

TEST_CASE("a steady backlog is served once the job has settled") {
  // A third of the preset's scrapes, because the windows are long.
  const auto preset =
      config::FromPreset("flink", "jobmanager:8081", {{"global.scrape_interval", "15s"}});
  REQUIRE_MESSAGE(preset.has_value(), test::ErrorText(preset));
  Replay replay(preset->config);
  replay.ShowAt(kBacklog);
  // It has run since 1795266956857: 20 minutes after that it has settled.
  replay.path.Run(18min);
  CHECK(replay.Read("flink-taskmanagers-wanted").starts_with("503 "));
  replay.path.Run(2min);
  CHECK(replay.Values("flink_in") == std::vector<double>{153.1});
  CHECK(replay.Read("flink-lag") == "9303");
  CHECK(replay.Values("flink_settled") == std::vector<double>{1});
  CHECK(replay.Values("flink_checkpoint_fresh") == std::vector<double>{1});
  // 0.782 * (9303 / 1800 / 153.1 + 67/42) = 1.274: two subtasks; inside of the band, so one stays.
  CHECK(replay.Values("flink_parallelism_wanted", "slow map") == std::vector<double>{2});
  CHECK(replay.Values("flink_out_of_band") == std::vector<double>{0});
  CHECK(replay.Read("flink-taskmanagers-wanted") == "1");
  // Each panel of the board has something to show; only what is asked of sessions has not, and what
  // was not recorded: the times of garbage collection.
  for (const std::string& query : BoardQueries()) {
    CAPTURE(query);
    const http::Response answer = replay.Query(query);
    CHECK(answer.status == 200);
    bool silent = false;
    for (const char* name : {"flink_slots_wanted{", "flink_taskmanagers_for_slots{",
                             "flink_gc_ratio{", "flink_memory_pressure{"})
      silent = silent || query.starts_with(name);
    CHECK((answer.body.find("\"result\":[]") != std::string::npos) == silent);
  }
  // The job restarts: what was decided is held.
  replay.Show("r7-during-tm-loss", "");
  replay.path.Run(10min);
  CHECK(replay.Read("flink-taskmanagers-wanted") == "1");
}

TEST_CASE("a session cluster is served the TaskManagers for the slots that jobs ask for") {
  Replay replay(test::PresetOf("flink", "jobmanager:8081"));
  replay.flink.reactive = false;
  replay.flink.slots = 2;
  replay.flink.Show(kStates + "s2-session-second-job-waits");
  replay.path.Run(10s);
  CHECK(replay.Values("flink_slots_wanted") == std::vector<double>{4});
  CHECK(replay.Read("flink-taskmanagers-for-slots") == "2");
  replay.flink.Show(kStates + "s1-session-idle");
  replay.path.Run(10s);
  CHECK(replay.Read("flink-taskmanagers-for-slots") == "0");
  // Half of the API is down: not a number for half of the jobs, but the last one, then none.
  replay.flink.Show(kStates + "s2-session-second-job-waits");
  replay.flink.broken = {"/resource-requirements", "/jobs/43471bd5e1dd3854e19981b0aa50a1a3"};
  replay.path.Run(10s);
  CHECK(replay.Values("flink_slots_wanted").empty());
  CHECK(replay.Read("flink-taskmanagers-for-slots") == "0");
  replay.path.Run(5min);
  CHECK(replay.Read("flink-taskmanagers-for-slots").starts_with("503 "));
}
