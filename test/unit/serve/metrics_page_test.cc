// SPDX-License-Identifier: Apache-2.0
//
// The page that Prometheus scrapes, and the page for people.
#include "serve/metrics_page.h"

#include <doctest/doctest.h>

#include "serve/landing_page.h"
#include "support/fake_clock.h"

namespace plimsoll::serve {
namespace {

using namespace std::chrono_literals;
constexpr base::Time kStart = 1'767'225'600'000;  // 2026-01-01T00:00:00Z

struct Page {
  test::FakeClock clock{kStart};
  base::Published<signals::Snapshot> snapshot;
  telemetry::Telemetry telemetry;
  MetricsPage page{snapshot, clock, telemetry};
  http::Request request{.path = "/metrics", .raw_path = "/metrics"};

  Page() {
    const signals::Moment now = signals::Moment::Of(clock);
    auto next = std::make_shared<signals::Snapshot>();
    signals::SignalFamily signal;
    signal.signal = std::make_shared<config::Signal>(
        config::Signal{.name = "trino_memory_free_ratio", .help = "Free memory.", .unit = "ratio"});
    signal.points = {
        {model::Labels{{"__name__", "trino_memory_free_ratio"}, {"cluster", "a"}}, 0.25, now}};
    next->signals = {signal};
    signals::Metric metric;
    metric.policy = std::make_shared<config::ExternalMetric>(
        config::ExternalMetric{.name = "trino-queued", .query = "trino_queued > 0"});
    metric.namespaces = {"default"};
    metric.evaluated = now;
    metric.entries.push_back(
        {.labels = {}, .present = true, .value = 3, .source = now, .seen = now, .last_good = {}});
    next->metrics = {metric};
    next->BuildIndex();
    snapshot.Publish(next);
    telemetry.GaugeOf(telemetry::MetricId::kStoreSeries).Set(12);
  }
};

constexpr const char* kExternal =
    "# HELP plimsoll_exported_metric_evaluated_timestamp_seconds When the query of the external "
    "metric was last evaluated.\n"
    "# TYPE plimsoll_exported_metric_evaluated_timestamp_seconds gauge\n"
    "plimsoll_exported_metric_evaluated_timestamp_seconds{metric=\"trino-queued\"} 1.7672256e+09\n"
    "# HELP plimsoll_exported_metric_info What a hub is told of an external metric: its policy as "
    "labels; always 1.\n"
    "# TYPE plimsoll_exported_metric_info gauge\n"
    "plimsoll_exported_metric_info{max_age=\"1m30s\",metric=\"trino-queued\",reads=\"scraped\","
    "round=\"nearest\",several=\"error\",type=\"AverageValue\",valid_max=\"9.2e+15\",valid_min="
    "\"0\",window=\"0\"} 1\n"
    "# HELP plimsoll_exported_metric_series How many series the query of an external metric gave; "
    "a hub that has fewer believes none.\n"
    "# TYPE plimsoll_exported_metric_series gauge\n"
    "plimsoll_exported_metric_series{metric=\"trino-queued\"} 1\n"
    "# HELP plimsoll_exported_metric_source_timestamp_seconds When the sample behind that value "
    "was scraped.\n"
    "# TYPE plimsoll_exported_metric_source_timestamp_seconds gauge\n"
    "plimsoll_exported_metric_source_timestamp_seconds{metric=\"trino-queued\"} 1.7672256e+09\n"
    "# HELP plimsoll_exported_metric_value What the query of an external metric gave, before its "
    "policy; labels of the series have the prefix label_.\n"
    "# TYPE plimsoll_exported_metric_value gauge\n"
    "plimsoll_exported_metric_value{metric=\"trino-queued\"} 3\n"
    "# HELP plimsoll_exported_page_timestamp_seconds When this page was written, on the clock of "
    "the other times.\n"
    "# TYPE plimsoll_exported_page_timestamp_seconds gauge\n"
    "plimsoll_exported_page_timestamp_seconds 1.7672256e+09\n"
    "# HELP plimsoll_external_metric_age_seconds Age of the scraped sample behind the value that "
    "would be served "
    "now.\n"
    "# TYPE plimsoll_external_metric_age_seconds gauge\n"
    "plimsoll_external_metric_age_seconds{metric=\"trino-queued\",namespace=\"default\"} 0\n"
    "# HELP plimsoll_external_metric_state 1 for the state that the metric is in: fresh, held, "
    "fallback or error.\n"
    "# TYPE plimsoll_external_metric_state gauge\n"
    "plimsoll_external_metric_state{metric=\"trino-queued\",namespace=\"default\",state=\"fresh\"} "
    "1\n"
    "plimsoll_external_metric_state{metric=\"trino-queued\",namespace=\"default\",state=\"held\"} "
    "0\n"
    "plimsoll_external_metric_state{metric=\"trino-queued\",namespace=\"default\",state="
    "\"fallback\"} 0\n"
    "plimsoll_external_metric_state{metric=\"trino-queued\",namespace=\"default\",state=\"error\"} "
    "0\n"
    "# HELP plimsoll_external_metric_value What an HPA would be served now; absent when it would "
    "be an error.\n"
    "# TYPE plimsoll_external_metric_value gauge\n"
    "plimsoll_external_metric_value{metric=\"trino-queued\",namespace=\"default\"} 3\n"
    "# HELP plimsoll_store_series Series in the window.\n"
    "# TYPE plimsoll_store_series gauge\n"
    "plimsoll_store_series 12\n";

TEST_CASE("the page has signals, external metrics and telemetry, sorted and without timestamps") {
  Page page;
  const auto response = page.page.Handle(page.request);
  CHECK(response.status == 200);
  CHECK(response.content_type.substr(0, 25) == "text/plain; version=0.0.4");
  CHECK(response.body == std::string(kExternal) +
                             "# HELP trino_memory_free_ratio Free memory.\n"
                             "# TYPE trino_memory_free_ratio gauge\n"
                             "trino_memory_free_ratio{cluster=\"a\"} 0.25\n");
}

TEST_CASE("OpenMetrics has the unit and the end") {
  Page page;
  page.request.headers = {{"Accept", "application/openmetrics-text; version=1.0.0"}};
  const auto response = page.page.Handle(page.request);
  CHECK(response.content_type.substr(0, 28) == "application/openmetrics-text");
  CHECK(response.body.find("# UNIT trino_memory_free_ratio ratio\n") != std::string::npos);
  CHECK(response.body.substr(response.body.size() - 6) == "# EOF\n");
}

TEST_CASE("a signal is absent once the tick is stuck for longer than the lookback") {
  Page page;
  page.clock.Advance(5min);
  CHECK(page.page.Handle(page.request).body.find("trino_memory_free_ratio{") != std::string::npos);
  page.clock.Advance(1ms);
  CHECK(page.page.Handle(page.request).body.find("trino_memory_free_ratio") == std::string::npos);
}

TEST_CASE("before the first snapshot the page is telemetry alone") {
  Page page;
  page.snapshot.Publish(nullptr);
  CHECK(page.page.Handle(page.request).body ==
        "# HELP plimsoll_store_series Series in the window.\n# TYPE plimsoll_store_series gauge\n"
        "plimsoll_store_series 12\n");
}

TEST_CASE("the page for people shows values and escapes what it shows") {
  Page page;
  const LandingPage landing(page.snapshot, page.clock, "1.0<beta>");
  const auto response = landing.Handle(page.request);
  CHECK(response.content_type == "text/html; charset=utf-8");
  CHECK(response.body.find("<p>Version 1.0&lt;beta&gt;.</p>") != std::string::npos);
  CHECK(response.body.find("<tr><td>default</td><td>trino-queued</td><td "
                           "class=\"fresh\">fresh</td><td>3</td><td>0s</td>"
                           "<td><code>trino_queued &gt; 0</code></td></tr>") != std::string::npos);
  page.clock.Advance(2min);
  CHECK(landing.Handle(page.request).body.find("no value (stale)") != std::string::npos);
}

}  // namespace
}  // namespace plimsoll::serve
