// SPDX-License-Identifier: Apache-2.0
//
// What recorded Spark processes answered, through the collector, against what was true when they
// said it: test/fixtures/spark-truth.tsv. A state without a row, and a row whose process is
// missing, are errors.
#include <doctest/doctest.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "engines/collector.h"
#include "exposition/page_parser.h"
#include "scrape/collect.h"
#include "support/error_text.h"
#include "support/fake_target.h"
#include "support/recorded_spark.h"

using namespace plimsoll;  // NOLINT: a test names many of its things
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

const fs::path kFixtures = PLIMSOLL_SOURCE_ROOT "/test/fixtures";

struct Row {
  std::string series, expected;
};
using Place = std::pair<std::string, std::string>;  // folder, process
using Truth = std::map<Place, std::vector<Row>>;

Truth ReadTruth() {
  std::ifstream table(kFixtures / "spark-truth.tsv");
  REQUIRE(table.good());
  Truth truth;
  for (std::string line; std::getline(table, line);) {
    if (line.starts_with('#') || line.starts_with("version\t")) continue;
    std::vector<std::string> fields;
    std::istringstream columns(line);
    for (std::string field; std::getline(columns, field, '\t');) fields.push_back(field);
    CAPTURE(line);
    REQUIRE(fields.size() == 6);
    truth[{"spark-" + fields[0] + "/" + fields[1], fields[2]}].push_back({fields[3], fields[4]});
  }
  return truth;
}

std::set<Place> Recorded() {
  std::set<Place> found;
  for (const auto& release : fs::directory_iterator(kFixtures)) {
    const std::string name = release.path().filename().string();
    if (!release.is_directory() || !name.starts_with("spark-")) continue;
    for (const auto& state : fs::directory_iterator(release)) {
      if (!state.is_directory()) continue;
      for (const auto& file : fs::directory_iterator(state)) {
        const std::string process = file.path().stem().string();
        found.emplace(name + "/" + state.path().filename().string(),
                      process.substr(0, process.find('-')));
      }
    }
  }
  return found;
}

struct Round {
  test::RecordedSpark spark;
  test::FakeTargets targets;
  std::shared_ptr<engines::Collector> collector = engines::MakeCollector("spark");

  Round() {
    targets.AnswerBy([this](const scrape::PageRequest& request) { return spark.Answer(request); });
  }
  scrape::Fetched Scrape(const std::string& process, base::Time now) {
    spark.asked.clear();
    scrape::PageRequest request;
    request.url = "http://" + process + ":4040/";
    request.timeout = 5s;
    scrape::Fetched result{base::Error{}};
    scrape::Collect(collector, request, now, targets, nullptr,
                    [&](scrape::Fetched fetched) { result = std::move(fetched); });
    return result;
  }
};

// Samples of `page` that have the name and the labels of `series`.
std::vector<double> Find(const std::string& page, const std::string& series) {
  const std::string line = series + " 0\n";
  exposition::PageParser wanted(line, exposition::Format::kText);
  REQUIRE(wanted.Next() == exposition::PageParser::Entry::kSample);
  model::LabelsBuilder labels, found;
  REQUIRE(wanted.DecodeLabels(labels).has_value());
  std::vector<double> values;
  exposition::PageParser parser(page, exposition::Format::kText);
  for (;;) {
    const auto entry = parser.Next();
    REQUIRE(entry != exposition::PageParser::Entry::kError);
    if (entry == exposition::PageParser::Entry::kEnd) return values;
    if (entry != exposition::PageParser::Entry::kSample) continue;
    REQUIRE(parser.DecodeLabels(found).has_value());
    bool all = true;
    for (const auto& [name, value] : labels.pairs()) all = all && found.Get(name) == value;
    if (all) values.push_back(parser.Value());
  }
}

// The page without what it says of the collecting itself.
std::string Said(const std::string& page) {
  return page.substr(0, page.find("# HELP spark_rest_success"));
}

}  // namespace

TEST_CASE("every recorded state of a Spark process says what was true") {
  const Truth truth = ReadTruth();
  const std::set<Place> recorded = Recorded();
  REQUIRE_FALSE(recorded.empty());
  for (const auto& [place, rows] : truth)
    CHECK_MESSAGE(recorded.contains(place), (place.first + " " + place.second));
  std::set<std::string> said;
  for (const auto& [place, rows] : truth) said.insert(place.first);
  for (const Place& place : recorded) {
    CHECK_MESSAGE(said.contains(place.first), place.first);
    CAPTURE(place.first);
    CAPTURE(place.second);
    Round round;
    round.spark.Show(place.first);
    // The second scrape knows what it talks to, and must say the same.
    for (const base::Time now : {1'000'000, 1'005'000}) {
      const scrape::Fetched fetched = round.Scrape(place.second, now);
      REQUIRE_MESSAGE(fetched.page.has_value(), test::ErrorText(fetched.page));
      const auto rows = truth.find(place);
      if (rows == truth.end()) continue;
      for (const Row& row : rows->second) {
        CAPTURE(row.series);
        const auto values = Find(fetched.page->body, row.series);
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

TEST_CASE("a warm scrape of a driver asks five times, one of a master once") {
  Round round;
  round.spark.Show("spark-3.5.9/s2-backlog-1w");
  REQUIRE(round.Scrape("driver1", 1'000'000).page.has_value());
  CHECK(round.spark.asked.size() == 7);
  REQUIRE(round.Scrape("driver1", 1'005'000).page.has_value());
  CHECK(round.spark.asked.size() == 5);
  round.collector = engines::MakeCollector("spark");
  REQUIRE(round.Scrape("master", 1'000'000).page.has_value());
  REQUIRE(round.Scrape("master", 1'005'000).page.has_value());
  CHECK(round.spark.asked.size() == 1);
}

TEST_CASE("the pages say what the JSON says") {
  for (const char* state : {"spark-3.5.9/s2-backlog-1w", "spark-3.5.9/s5-worker2-killed-05s"}) {
    Round json, pages;
    json.spark.Show(state);
    pages.spark.Show(state);
    pages.spark.broken = {"/metrics/json/", "-0000/executors"};
    const auto one = json.Scrape("driver1", 1'000'000);
    const auto other = pages.Scrape("driver1", 1'000'000);
    REQUIRE(one.page.has_value());
    REQUIRE(other.page.has_value());
    // They were asked one after the other, so that what moves from one to the next may differ.
    for (const char* series :
         {"spark_driver_executors", "spark_driver_executors_cores", "spark_driver_executors_slots",
          "spark_driver_executor_cores", "spark_driver_executors_memory_max_bytes",
          "spark_metrics_ExecutorAllocationManager_executors_numberAllExecutors",
          "spark_metrics_ExecutorAllocationManager_executors_numberTargetExecutors",
          "spark_metrics_ExecutorAllocationManager_executors_"
          "numberExecutorsExitedUnexpectedly_total",
          "spark_metrics_DAGScheduler_job_activeJobs", "spark_metrics_jvm_heap_max"}) {
      CAPTURE(series);
      CHECK(Find(one.page->body, series).size() == 1);
      CHECK(Find(one.page->body, series) == Find(other.page->body, series));
    }
    const auto names = [](const std::string& page) {
      std::set<std::string> found;
      for (std::size_t at = 0; (at = page.find("# TYPE ", at)) != std::string::npos; ++at)
        found.insert(page.substr(at, page.find('\n', at) - at));
      return found;
    };
    CHECK(names(one.page->body) == names(other.page->body));
  }
}

TEST_CASE("what is broken of a driver costs only itself") {
  const auto scrape = [](const std::set<std::string>& broken) {
    Round round;
    round.spark.Show("spark-3.5.9/s2-backlog-1w");
    round.spark.broken = broken;
    const auto fetched = round.Scrape("driver1", 1'000'000);
    REQUIRE(fetched.page.has_value());
    return fetched.page->body;
  };
  const std::string good = scrape({});
  const std::string needed =
      "spark_metrics_ExecutorAllocationManager_executors_numberMaxNeededExecutors";
  std::string page = scrape({"/metrics/json/", "/metrics/prometheus/"});
  CHECK(Find(page, needed).empty());
  CHECK(Find(page, "spark_driver_tasks_waiting") == std::vector<double>{56});
  CHECK(Find(page, "spark_rest_success{part=\"metrics\"}") == std::vector<double>{0});
  page = scrape({"/stages"});
  CHECK(Find(page, needed) == std::vector<double>{57});
  CHECK(Find(page, "spark_driver_tasks_waiting").empty());
  page = scrape({"-0000/executors", "/metrics/executors/"});
  CHECK(Find(page, "spark_driver_executors").empty());
  CHECK(Find(page, needed) == std::vector<double>{57});
  page = scrape({"/environment"});
  CHECK(Find(page, "spark_driver_executors_max").empty());
  CHECK(Find(page, "spark_driver_executors") == std::vector<double>{1});
  CHECK(Said(scrape({"/json/ that nobody asks"})) == Said(good));
}
