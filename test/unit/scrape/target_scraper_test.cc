// SPDX-License-Identifier: Apache-2.0
//
// One target, page after page: what is in the store afterwards, sample by sample.
#include "scrape/target_scraper.h"

#include <doctest/doctest.h>

#include <map>

#include "base/number_text.h"
#include "store/memory_store.h"

using namespace plimsoll;
using namespace plimsoll::scrape;
using namespace std::chrono_literals;

namespace {

constexpr model::Time kSlot = 1'000'000;

model::Matchers Named(std::string_view name) {
  return {model::Matcher::Equal("__name__", std::string(name))};
}

struct Fixture {
  Fixture() { config->job_name = "trino"; }

  TargetScraper& Scraper() {
    if (!scraper) {
      scraper.emplace(TargetScraper::Options{.config = config,
                                             .url = "http://h:1/metrics",
                                             .labels = target_labels,
                                             .interval = 15s,
                                             .timeout = 10s,
                                             .user_agent = "plimsoll/1"},
                      &telemetry);
    }
    return *scraper;
  }
  void Page(std::string body, model::Time slot, std::string type = "text/plain; version=0.0.4",
            int status = 200) {
    Scraper().Append(
        {scrape::Page{status, std::to_string(status) + " X", std::move(type), std::move(body)},
         20ms},
        slot, slot, store.appender(), metadata);
  }
  void NoAnswer(model::Time slot) {
    Scraper().Append({base::Error{base::Error::Kind::kTimeout, "context deadline exceeded"}, 10s},
                     slot, slot, store.appender(), metadata);
  }
  // Newest sample of each series of that name, by its labels; a stale marker reads "stale".
  std::map<std::string, std::string> Newest(std::string_view name) {
    std::map<std::string, std::string> found;
    const auto querier = store.Open();
    for (const auto& series : querier->Select(Named(name), INT64_MIN, INT64_MAX)) {
      const auto latest = querier->ReadLatest(series.ref, INT64_MIN, INT64_MAX);
      if (!latest) continue;
      found[series.labels->ToString()] =
          model::IsStaleNaN(latest->sample.value) ? "stale" : base::ApiFloat(latest->sample.value);
    }
    return found;
  }
  std::string Report(std::string_view name) {
    const auto all = Newest(name);
    return all.empty() ? "absent" : all.begin()->second;
  }
  double Counted(telemetry::MetricId id, std::string_view reason) {
    return telemetry.CounterOf(id, {"trino", reason}).Value();
  }

  std::shared_ptr<config::ScrapeConfig> config = std::make_shared<config::ScrapeConfig>();
  model::Labels target_labels{{"instance", "h:1"}, {"job", "trino"}};
  telemetry::Telemetry telemetry;
  store::MemoryStore store;
  MetadataTable metadata;
  std::optional<TargetScraper> scraper;
};

using Series = std::map<std::string, std::string>;

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a page becomes samples at the slot, with the target's labels") {
  Page("queued 3\nrunning{node=\"a\"} 1\n", kSlot);
  CHECK(Newest("queued") == Series{{R"(queued{instance="h:1", job="trino"})", "3"}});
  CHECK(Newest("running") == Series{{R"(running{instance="h:1", job="trino", node="a"})", "1"}});
  CHECK(Report("up") == "1");
  CHECK(Report("scrape_duration_seconds") == "0.02");
  CHECK(Report("scrape_samples_scraped") == "2");
  CHECK(Report("scrape_samples_post_metric_relabeling") == "2");
  CHECK(Report("scrape_series_added") == "2");
  CHECK(Scraper().status().health == Health::kUp);
}

TEST_CASE_FIXTURE(Fixture, "a series that is no longer on the page ends with a stale marker") {
  Page("a 1\nb 2\n", kSlot);
  Page("a 1\n", kSlot + 15000);
  CHECK(Report("a") == "1");
  CHECK(Report("b") == "stale");
  CHECK(Report("scrape_series_added") == "0");
}

TEST_CASE_FIXTURE(Fixture, "a scrape without an answer ends every series and says up 0") {
  Page("a 1\n", kSlot);
  NoAnswer(kSlot + 15000);
  CHECK(Report("a") == "stale");
  CHECK(Report("up") == "0");
  CHECK(Scraper().status().last_error == "context deadline exceeded");
  CHECK(Scraper().status().failing_since == kSlot + 15000);
  CHECK(Counted(telemetry::MetricId::kScrapeFailures, "timeout") == 1);
  Page("a 5\n", kSlot + 30000);
  CHECK(Report("a") == "5");
  CHECK(Report("scrape_series_added") == "0");
  CHECK_FALSE(Scraper().status().failing_since);
}

TEST_CASE_FIXTURE(Fixture, "nothing of a page that does not parse is kept") {
  Page("a 1\n", kSlot);
  Page("a 2\nnew 1\nbroken{ 3\n", kSlot + 15000);
  CHECK(Report("a") == "stale");
  CHECK(Report("new") == "absent");
  CHECK(Report("up") == "0");
  CHECK(Counted(telemetry::MetricId::kScrapeFailures, "parse") == 1);
  Page("a 3\nnew 4\n", kSlot + 30000);
  CHECK(Report("a") == "3");
  CHECK(Report("new") == "4");
}

TEST_CASE_FIXTURE(Fixture, "a status other than 200 is a failed scrape that names it") {
  Page("who are you?", kSlot, "text/plain", 401);
  CHECK(Scraper().status().last_error == "server returned HTTP status 401 X (who are you?)");
  CHECK(Report("up") == "0");
}

TEST_CASE_FIXTURE(Fixture, "a page without a usable Content-Type needs the fallback protocol") {
  Page("a 1\n", kSlot, "");
  CHECK(Report("up") == "0");
  CHECK(Scraper().status().last_error.find("fallback_scrape_protocol") != std::string::npos);
  config->fallback_scrape_protocol = config::ScrapeProtocol::kText0_0_4;
  Page("a 1\n", kSlot + 15000, "");
  CHECK(Report("a") == "1");
}

TEST_CASE_FIXTURE(Fixture, "scraped labels that clash move aside, longest names last") {
  Page("a{job=\"mine\",exported_job=\"older\"} 1\n", kSlot);
  CHECK(
      Newest("a") ==
      Series{
          {R"(a{exported_exported_job="mine", exported_job="older", instance="h:1", job="trino"})",
           "1"}});
}

TEST_CASE_FIXTURE(Fixture, "with honor_labels the page's labels win") {
  config->honor_labels = true;
  Page("a{job=\"mine\"} 1\n", kSlot);
  CHECK(Newest("a") == Series{{R"(a{instance="h:1", job="mine"})", "1"}});
}

TEST_CASE_FIXTURE(
    Fixture, "of a series that stands twice the first sample stays and the second is counted") {
  Page("a 1\na 2\n", kSlot);
  CHECK(Report("a") == "1");
  CHECK(Report("up") == "1");
  CHECK(Counted(telemetry::MetricId::kScrapeSamplesDropped, "duplicate") == 1);
}

TEST_CASE_FIXTURE(Fixture, "a series that stands twice with one value is counted all the same") {
  Page("a 1\na 1\n", kSlot);
  CHECK(Report("a") == "1");
  CHECK(Report("scrape_samples_post_metric_relabeling") == "2");
  CHECK(Counted(telemetry::MetricId::kScrapeSamplesDropped, "duplicate") == 1);
}

TEST_CASE_FIXTURE(Fixture, "the reported body size is -1 at the limit and 0 without a page") {
  config->extra_scrape_metrics = true;
  Page("a 1\n", kSlot);
  CHECK(Report("scrape_body_size_bytes") == "4");
  Scraper().Append({base::Error{base::Error::Kind::kLimit, "body size limit exceeded"}, 1ms},
                   kSlot + 15000, kSlot + 15000, store.appender(), metadata);
  CHECK(Report("scrape_body_size_bytes") == "-1");
  NoAnswer(kSlot + 30000);
  CHECK(Report("scrape_body_size_bytes") == "0");
  Page("a 1\n", kSlot + 45000, "text/plain", 500);
  CHECK(Report("scrape_body_size_bytes") == "0");
}

TEST_CASE_FIXTURE(Fixture, "a timestamp of the page's own is honoured and gets no stale marker") {
  Page("a 1 999000\n", kSlot);
  const auto querier = store.Open();
  const auto series = querier->Select(Named("a"), INT64_MIN, INT64_MAX);
  REQUIRE(series.size() == 1);
  CHECK(querier->ReadLatest(series[0].ref, INT64_MIN, INT64_MAX)->sample ==
        model::Sample{999000, 1});
  Page("b 1\n", kSlot + 15000);
  CHECK(Report("a") == "1");
}

TEST_CASE_FIXTURE(
    Fixture,
    "honor_timestamps false takes the slot, and track_timestamps_staleness marks the end") {
  config->honor_timestamps = false;
  Page("a 1 999000\n", kSlot);
  const auto querier = store.Open();
  const auto series = querier->Select(Named("a"), INT64_MIN, INT64_MAX);
  CHECK(querier->ReadLatest(series[0].ref, INT64_MIN, INT64_MAX)->sample.time == kSlot);
  config->honor_timestamps = true;
  config->track_timestamps_staleness = true;
  Page("b 1 1015000\n", kSlot + 15000);
  Page("c 1\n", kSlot + 30000);
  CHECK(Report("b") == "stale");
}

TEST_CASE_FIXTURE(Fixture,
                  "the sample limit is a limit: at it all is well, beyond it nothing is kept") {
  config->limits.samples = 2;
  Page("a 1\nb 1\n", kSlot);
  CHECK(Report("up") == "1");
  Page("a 1\nb 1\nc 1\n", kSlot + 15000);
  CHECK(Report("up") == "0");
  CHECK(Report("a") == "stale");
  CHECK(Report("scrape_samples_scraped") == "3");
  CHECK(Report("scrape_samples_post_metric_relabeling") == "3");
  CHECK(Counted(telemetry::MetricId::kScrapeFailures, "sample_limit") == 1);
}

TEST_CASE_FIXTURE(Fixture, "label limits fail the scrape and say which series") {
  config->limits.labels = 3;  // __name__, instance, job
  Page("a 1\n", kSlot);
  CHECK(Report("up") == "1");
  Page("b{x=\"1\"} 1\n", kSlot + 15000);
  CHECK(Scraper().status().last_error ==
        "label_limit exceeded (metric: \"b\", number of labels: 4, limit: 3)");
  config->limits = {.label_name_length = 8};
  Page("c{long_name=\"1\"} 1\n", kSlot + 30000);
  CHECK(Scraper().status().last_error.find("label_name_length_limit exceeded (metric: \"c\"") == 0);
  config->limits = {.label_value_length = 5};
  Page("d{x=\"123456\"} 1\n", kSlot + 45000);
  CHECK(Scraper().status().last_error.find("label_value_length_limit exceeded (metric: \"d\"") ==
        0);
}

TEST_CASE_FIXTURE(Fixture, "under the legacy scheme a UTF-8 name fails the scrape") {
  config->names = config::NameScheme::kLegacy;
  Page("{\"a.b\",c=\"1\"} 1\n", kSlot);
  CHECK(Report("up") == "0");
  CHECK(Scraper().status().last_error ==
        "invalid metric name or label names: {\"a.b\", c=\"1\", instance=\"h:1\", "
        "job=\"trino\"}");
  Page("a{\"c.d\"=\"1\"} 1\n", kSlot + 15000);
  CHECK(Report("up") == "0");
  CHECK(Counted(telemetry::MetricId::kScrapeFailures, "name_scheme") == 2);
}

TEST_CASE_FIXTURE(
    Fixture, "a dropped series is dropped once and for all, and counted before relabelling only") {
  config::RelabelRule rule;
  rule.action = config::RelabelRule::Action::kDrop;
  rule.source_labels = {"__name__"};
  rule.regex = std::make_shared<const model::Regex>(*model::Regex::Compile("jmx_.*"));
  config->metric_relabel_configs = {rule};
  Page("jmx_a 1\nb 2\n", kSlot);
  Page("jmx_a 1\nb 2\n", kSlot + 15000);
  CHECK(Report("jmx_a") == "absent");
  CHECK(Report("scrape_samples_scraped") == "2");
  CHECK(Report("scrape_samples_post_metric_relabeling") == "1");
}

TEST_CASE_FIXTURE(Fixture, "a series without a name after relabelling fails the scrape") {
  config::RelabelRule rule;
  rule.action = config::RelabelRule::Action::kLabelDrop;
  rule.regex = std::make_shared<const model::Regex>(*model::Regex::Compile("__name__"));
  config->metric_relabel_configs = {rule};
  Page("a 1\n", kSlot);
  CHECK(Scraper().status().last_error ==
        "missing metric name (__name__ label) after relabelling of a");
}

TEST_CASE_FIXTURE(Fixture, "a target that is gone takes its series and its reports along") {
  Page("a 1\n", kSlot);
  Scraper().MarkGone(kSlot + 15000, store.appender());
  CHECK(Report("a") == "stale");
  CHECK(Report("up") == "stale");
}

TEST_CASE_FIXTURE(Fixture,
                  "a full store refuses new series, keeps the old ones going, and counts") {
  store.SetLimits({.max_series = 6});  // a and the five reports
  Page("a 1\n", kSlot);
  Page("a 2\nb 1\n", kSlot + 15000);
  CHECK(Report("a") == "2");
  CHECK(Report("b") == "absent");
  CHECK(Report("up") == "1");
  CHECK(Counted(telemetry::MetricId::kScrapeSamplesDropped, "series_limit") == 1);
}

TEST_CASE_FIXTURE(Fixture, "metadata is kept for families that have a series") {
  Page("# HELP none Nothing.\n# TYPE none gauge\n# HELP a What a is.\n# TYPE a counter\na 1\n",
       kSlot);
  REQUIRE(metadata.families.size() == 1);
  CHECK(metadata.families.begin()->second.text ==
        model::Metadata{model::MetricType::kCounter, "What a is.", ""});
}

TEST_CASE_FIXTURE(Fixture, "a family is called what its TYPE line calls it") {
  Page("# TYPE b_total counter\n# HELP b_total What b is.\nb_total 1\n", kSlot);
  CHECK(metadata.families.at("b_total").text ==
        model::Metadata{model::MetricType::kCounter, "What b is.", ""});
  Page("# TYPE c_bytes counter\n# UNIT c_bytes bytes\nc_bytes_total 1\n# EOF\n", kSlot + 15000,
       "application/openmetrics-text; version=1.0.0");
  CHECK(metadata.families.at("c_bytes").text ==
        model::Metadata{model::MetricType::kCounter, "", "bytes"});
  Page("# TYPE d histogram\nd_bucket{le=\"+Inf\"} 1\nd_sum 1\nd_count 1\n", kSlot + 30000);
  CHECK(metadata.families.at("d").text.type == model::MetricType::kHistogram);
  CHECK(metadata.families.size() == 3);
}

TEST_CASE_FIXTURE(Fixture, "a target knows which of its job's families it has shown") {
  metadata.families["of_another"].number = 0;
  Page("a 1\n", kSlot);
  CHECK(*scraper->status().families == FamilySet{false, true});
  const auto seen = scraper->status().families;
  Page("b 1\n", kSlot + 15000);
  CHECK(*scraper->status().families == FamilySet{false, true, true});
  CHECK(*seen == FamilySet{false, true});
  const auto* const same = scraper->status().families.get();
  Page("a 1\nb 1\n", kSlot + 30000);
  CHECK(scraper->status().families.get() == same);
}

TEST_CASE_FIXTURE(Fixture, "the request says who asks, what is understood and how long it waits") {
  config->scrape_protocols = {config::ScrapeProtocol::kText0_0_4};
  const PageRequest request = Scraper().Request();
  CHECK(request.url == "http://h:1/metrics");
  CHECK(request.headers[0].second.find("text/plain;version=0.0.4") == 0);
  CHECK(request.headers[1] == std::pair<std::string, std::string>{"User-Agent", "plimsoll/1"});
  CHECK(request.headers[2] ==
        std::pair<std::string, std::string>{"X-Prometheus-Scrape-Timeout-Seconds", "10"});
}
