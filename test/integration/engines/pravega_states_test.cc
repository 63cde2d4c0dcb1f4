// SPDX-License-Identifier: Apache-2.0
//
// What a recorded Pravega controller answered, through the collector, against what was true when it
// said it: test/fixtures/pravega-truth.tsv. A state without a row, and a row whose state is
// missing, are errors.
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
#include "engines/detail/pravega_answers.h"
#include "scrape/collect.h"
#include "support/error_text.h"
#include "support/fake_target.h"
#include "support/page_values.h"
#include "support/recorded_pravega.h"

using namespace plimsoll;  // NOLINT: a test names many of its things
using namespace std::chrono_literals;
using test::ValuesOf;
namespace fs = std::filesystem;

namespace {

const fs::path kFixtures = PLIMSOLL_SOURCE_ROOT "/test/fixtures";
const std::string kRelease = "pravega-0.13.0";
constexpr base::Time kRecorded = 1'795'267'078'000;

struct Row {
  std::string series, expected;
};
using Truth = std::map<std::string, std::vector<Row>>;  // by folder

Truth ReadTruth() {
  std::ifstream table(kFixtures / "pravega-truth.tsv");
  REQUIRE(table.good());
  Truth truth;
  for (std::string line; std::getline(table, line);) {
    if (line.starts_with('#') || line.starts_with("version\t")) continue;
    std::vector<std::string> fields;
    std::istringstream columns(line);
    for (std::string field; std::getline(columns, field, '\t');) fields.push_back(field);
    CAPTURE(line);
    REQUIRE(fields.size() == 5);
    truth["pravega-" + fields[0] + "/" + fields[1]].push_back({fields[2], fields[3]});
  }
  return truth;
}

struct Round {
  test::RecordedPravega pravega;
  test::FakeTargets targets;
  std::shared_ptr<engines::Collector> collector = engines::MakeCollector("pravega");
  std::string query = "";

  Round() {
    targets.AnswerBy(
        [this](const scrape::PageRequest& request) { return pravega.Answer(request); });
  }
  scrape::Fetched Scrape(base::Time now) {
    pravega.asked.clear();
    scrape::PageRequest request;
    request.url = "http://controller:9091/" + query;
    request.timeout = 5s;
    scrape::Fetched result{base::Error{}};
    scrape::Collect(collector, request, now, targets, nullptr,
                    [&](scrape::Fetched fetched) { result = std::move(fetched); });
    return result;
  }
};

}  // namespace

TEST_CASE("every recorded state of a Pravega controller says what was true") {
  const Truth truth = ReadTruth();
  std::set<std::string> states;
  for (const auto& entry : fs::directory_iterator(kFixtures / kRelease)) {
    if (entry.is_directory()) states.insert(kRelease + "/" + entry.path().filename().string());
  }
  for (const auto& [state, rows] : truth) CHECK_MESSAGE(states.contains(state), state);
  for (const std::string& state : states) {
    CAPTURE(state);
    REQUIRE(truth.contains(state));
    Round round;
    round.pravega.Show(state);
    // The second scrape asks for scaling events alone, and must say the same.
    for (const base::Time now : {kRecorded + 600'000, kRecorded + 610'000}) {
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

TEST_CASE("a scrape asks once for each stream, and for lists and gauges once a minute") {
  Round round;
  round.pravega.Show(kRelease + "/p6-rescaled");  // three scopes of one stream
  REQUIRE(round.Scrape(kRecorded).page.has_value());
  CHECK(round.pravega.asked.size() == 8);
  REQUIRE(round.Scrape(kRecorded + 10'000).page.has_value());
  CHECK(round.pravega.asked.size() == 3);
  round.query = "?stream=test%2Fstream";
  REQUIRE(round.Scrape(kRecorded + 20'000).page.has_value());
  CHECK(round.pravega.asked.size() == 2);
  REQUIRE(round.Scrape(kRecorded + 30'000).page.has_value());
  CHECK(round.pravega.asked.size() == 1);
}

TEST_CASE("a controller whose clock is ahead tells of its newest event all the same") {
  Round round;
  round.pravega.Show(kRelease + "/p6-rescaled");
  round.query = "?stream=test%2Fstream";
  // The stream was created at 1795267078940 and last scaled at 1795267346935, by the controller.
  for (const base::Time behind : {0, 600'000, 3'300'000}) {
    const scrape::Fetched fetched = round.Scrape(1'795'267'350'000 - behind);
    REQUIRE(fetched.page.has_value());
    CHECK(ValuesOf(fetched.page->body, "pravega_controller_stream_segments") ==
          std::vector<double>{4});
  }
}

TEST_CASE("the answer to a time behind the last event is that event alone") {
  std::ifstream in(kFixtures / kRelease / "p2-scaled/scaling-events-empty-window.json");
  const std::string recorded{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const auto scaling = engines::detail::ReadScaling(recorded, {});
  REQUIRE_MESSAGE(scaling.has_value(), test::ErrorText(scaling));
  CHECK(scaling->segments == 5);
  CHECK(scaling->time_ms == 1'795'267'083'830);
}

TEST_CASE("what is broken of a recorded controller costs only itself") {
  const std::string part = "pravega_rest_success{part=";
  const std::string segments = "pravega_controller_stream_segments";
  const std::string stream = R"({scope="test",stream="stream"})";
  const auto scrape = [&](const std::string& broken) {
    Round round;
    round.pravega.Show(kRelease + "/p6-rescaled");
    round.pravega.broken = {broken};
    const auto fetched = round.Scrape(kRecorded);
    REQUIRE(fetched.page.has_value());
    return *fetched.page;
  };
  scrape::Page page = scrape("/streams/comer/");
  CHECK(ValuesOf(page.body, segments + stream) == std::vector<double>{4});
  CHECK(ValuesOf(page.body, segments).size() == 2);
  CHECK(ValuesOf(page.body, part + "\"scaling_events\"}") == std::vector<double>{0});

  page = scrape("/scopes/test/");
  CHECK(ValuesOf(page.body, segments + stream).empty());
  CHECK(ValuesOf(page.body, segments).size() == 2);
  CHECK(ValuesOf(page.body, part + "\"streams\"}") == std::vector<double>{0});
  CHECK(ValuesOf(page.body, part + "\"scaling_events\"}") == std::vector<double>{1});

  page = scrape("/prometheus");
  CHECK(ValuesOf(page.body, segments).size() == 3);
  CHECK(ValuesOf(page.body, "pravega_controller_segments_count").empty());

  page = scrape("/v1/");
  CHECK(page.status == 500);
}
