// SPDX-License-Identifier: Apache-2.0
//
// What recorded JobManagers answered, through the collector, against what was true when they said
// it: test/fixtures/flink-truth.tsv. A state without a row, and a row whose state is missing, are
// errors.
#include <doctest/doctest.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "engines/collector.h"
#include "scrape/collect.h"
#include "support/error_text.h"
#include "support/fake_target.h"
#include "support/page_values.h"
#include "support/recorded_flink.h"

using namespace plimsoll;  // NOLINT: a test names many of its things
using namespace std::chrono_literals;
using test::ValuesOf;
namespace fs = std::filesystem;

namespace {

const fs::path kFixtures = PLIMSOLL_SOURCE_ROOT "/test/fixtures";

struct Row {
  std::string series, expected;
};
using Truth = std::map<std::string, std::vector<Row>>;  // by folder

Truth ReadTruth() {
  std::ifstream table(kFixtures / "flink-truth.tsv");
  REQUIRE(table.good());
  Truth truth;
  for (std::string line; std::getline(table, line);) {
    if (line.starts_with('#') || line.starts_with("version\t")) continue;
    std::vector<std::string> fields;
    std::istringstream columns(line);
    for (std::string field; std::getline(columns, field, '\t');) fields.push_back(field);
    CAPTURE(line);
    REQUIRE(fields.size() == 5);
    truth["flink-" + fields[0] + "/" + fields[1]].push_back({fields[2], fields[3]});
  }
  return truth;
}

struct Round {
  test::RecordedFlink flink;
  test::FakeTargets targets;
  std::shared_ptr<engines::Collector> collector = engines::MakeCollector("flink");

  Round() {
    targets.AnswerBy([this](const scrape::PageRequest& request) { return flink.Answer(request); });
  }
  scrape::Fetched Scrape(base::Time now) {
    flink.asked.clear();
    scrape::PageRequest request;
    request.url = "http://jobmanager:8081/";
    request.timeout = 5s;
    scrape::Fetched result{base::Error{}};
    scrape::Collect(collector, request, now, targets, nullptr,
                    [&](scrape::Fetched fetched) { result = std::move(fetched); });
    return result;
  }
};

}  // namespace

TEST_CASE("every recorded state of a JobManager says what was true") {
  const Truth truth = ReadTruth();
  std::set<std::string> states;
  for (const char* release : {"flink-1.20.0", "flink-2.3.0"}) {
    for (const auto& entry : fs::directory_iterator(kFixtures / release)) {
      if (entry.is_directory())
        states.insert(std::string(release) + "/" + entry.path().filename().string());
    }
  }
  for (const auto& [state, rows] : truth) CHECK_MESSAGE(states.contains(state), state);
  for (const std::string& state : states) {
    CAPTURE(state);
    REQUIRE(truth.contains(state));
    Round round;
    round.flink.Show(state);
    round.flink.reactive = state.find("/r") != std::string::npos;
    round.flink.slots = round.flink.reactive ? 1 : 2;
    // The second scrape asks for the same without listing first, and must say the same.
    for (const base::Time now : {1'000'000, 1'005'000}) {
      const scrape::Fetched fetched = round.Scrape(now);
      REQUIRE_MESSAGE(fetched.page.has_value(), test::ErrorText(fetched.page));
      for (const Row& row : truth.at(state)) {
        CAPTURE(row.series);
        const auto values = ValuesOf(fetched.page->body, row.series);
        if (row.expected == "absent") {
          CHECK(values.empty());
          continue;
        }
        double expected = 0;
        std::from_chars(row.expected.data(), row.expected.data() + row.expected.size(), expected);
        CHECK(values == std::vector<double>{expected});
      }
    }
  }
}

TEST_CASE("a warm scrape of a job of three vertices asks nine times") {
  Round round;
  round.flink.Show("flink-1.20.0/r3-one-tm-backlog");
  REQUIRE(round.Scrape(1'000'000).page.has_value());
  CHECK(round.flink.asked.size() == 17);  // names and what is remembered for a minute, too
  REQUIRE(round.Scrape(1'005'000).page.has_value());
  CHECK(round.flink.asked.size() == 9);
  REQUIRE(round.Scrape(1'061'000).page.has_value());
  CHECK(round.flink.asked.size() == 16);  // all but the checkpoints' configuration
}

TEST_CASE("what is broken of the API costs only itself") {
  Round round;
  round.flink.Show("flink-1.20.0/r3-one-tm-backlog");
  const std::string part = "flink_rest_success{part=";
  const auto scrape = [&](const std::string& broken) {
    round.collector = engines::MakeCollector("flink");
    round.flink.broken = {broken};
    const auto fetched = round.Scrape(1'000'000);
    REQUIRE(fetched.page.has_value());
    return *fetched.page;
  };
  const std::string busy = "flink_vertex_busyTimeMsPerSecond{vertex_name=\"slow map\",agg=\"max\"}";
  scrape::Page page = scrape("/checkpoints");
  CHECK(ValuesOf(page.body, "flink_job_checkpoint_timestamp_seconds").empty());
  CHECK(ValuesOf(page.body, "flink_job_checkpointing").empty());
  CHECK(ValuesOf(page.body, busy) == std::vector<double>{782});
  CHECK(ValuesOf(page.body, part + "\"checkpoints\"}") == std::vector<double>{0});
  CHECK(ValuesOf(page.body, part + "\"vertex_metrics\"}") == std::vector<double>{1});

  page = scrape("/taskmanagers/metrics");
  CHECK(ValuesOf(page.body, "flink_taskmanagers_cpu_load").empty());
  CHECK(ValuesOf(page.body, busy) == std::vector<double>{782});

  page = scrape("/vertices/0a448493b4782967b150582570326227");
  CHECK(ValuesOf(page.body, busy).empty());
  CHECK(ValuesOf(page.body, "flink_vertex_pendingRecords{agg=\"sum\"}") ==
        std::vector<double>{9303});
  CHECK(ValuesOf(page.body, "flink_vertex_parallelism{vertex_name=\"slow map\"}") ==
        std::vector<double>{1});

  page = scrape("/jobs/");
  CHECK(ValuesOf(page.body, "flink_taskmanagers") == std::vector<double>{1});
  CHECK(ValuesOf(page.body, "flink_jobs_unfinished").empty());
  CHECK(ValuesOf(page.body, part + "\"jobs\"}") == std::vector<double>{0});

  page = scrape("/jobmanager/config");
  CHECK(ValuesOf(page.body, "flink_slots_per_taskmanager_configured").empty());
  CHECK(ValuesOf(page.body, "flink_reactive").empty());
  CHECK(ValuesOf(page.body, "flink_slots_per_taskmanager") == std::vector<double>{1});

  page = scrape("/overview");
  CHECK(page.status == 500);
}

TEST_CASE("metrics of the execution before a restart are not published with the new one") {
  Round round;
  round.flink.Show("flink-1.20.0/r5-two-tm-backlog");
  round.flink.ShowMetricsOf("flink-1.20.0/r3-one-tm-backlog");
  // Its tasks began at 1795267043273; the metrics tell of 65 seconds of work.
  round.flink.clock = [] { return 1795267044000; };
  auto fetched = round.Scrape(1'000'000);
  REQUIRE(fetched.page.has_value());
  CHECK(ValuesOf(fetched.page->body, "flink_vertex_parallelism{vertex_name=\"slow map\"}") ==
        std::vector<double>{2});
  CHECK(ValuesOf(fetched.page->body, "flink_vertex_busyTimeMsPerSecond").empty());
  CHECK(ValuesOf(fetched.page->body, "flink_vertex_pendingRecords").empty());
  CHECK(ValuesOf(fetched.page->body, "flink_job_restarts").empty());

  round.flink.ShowMetricsOf("flink-1.20.0/r5-two-tm-backlog");
  round.flink.clock = [] { return 1795267100000; };
  fetched = round.Scrape(1'005'000);
  REQUIRE(fetched.page.has_value());
  CHECK(ValuesOf(fetched.page->body, "flink_vertex_pendingRecords{agg=\"sum\"}") ==
        std::vector<double>{10538});
}
