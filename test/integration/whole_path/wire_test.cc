// SPDX-License-Identifier: Apache-2.0
//
// Bytes of a page in; bytes of /metrics, of the query API and of the external metrics API out,
// compared whole.
#include <doctest/doctest.h>

#include <string>

#include "integration/whole_path/faces.h"

using namespace plimsoll;  // NOLINT: a test names many of its things
using namespace std::chrono_literals;

namespace {

const std::string kConfig =
    "global: {scrape_interval: 15s, external_labels: {cluster: west}}\n"
    "rule_files: [rules.yml]\n"
    "scrape_configs: [{job_name: engine, static_configs: [{targets: ['engine:9090']}]}]\n"
    "signals:\n"
    "- {name: engine_load, type: gauge, help: 'What waits, \"weighed\".'}\n"
    "external_metrics:\n"
    "- {name: engine-load, query: 'engine_load{pool=\"a\"}', namespaces: [analytics]}\n";
const std::string kRules =
    "groups:\n"
    "- name: g\n"
    "  rules:\n"
    "  - {record: engine_load, expr: 'sum by (pool) (avg_over_time(engine_queue[30s]))'}\n";
const std::string kPage =
    "# HELP engine_queue Things that wait.\n"
    "# TYPE engine_queue gauge\n"
    "engine_queue{pool=\"a\",kind=\"big\"} 3\n"
    "engine_queue{pool=\"a\",kind=\"small\"} 4.5\n"
    "engine_queue{pool=\"b\\\"\",kind=\"big\"} 0\n";

struct Wire : test::Faces {
  Wire() : Faces(test::ConfigOf(kConfig, kRules)) {
    path.targets.Serve("http://engine:9090/metrics", kPage);
    path.Run(30s);
  }
};

}  // namespace

TEST_CASE("a page in, the page of /metrics out") {
  const http::Response answer = Wire().MetricsPage();
  CHECK(answer.status == 200);
  CHECK(answer.content_type == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(answer.Body() ==
        R"(# HELP engine_load What waits, "weighed".
# TYPE engine_load gauge
engine_load{pool="a"} 7.5
engine_load{pool="b\""} 0
# HELP plimsoll_exported_metric_evaluated_timestamp_seconds When the query of the external metric was last evaluated.
# TYPE plimsoll_exported_metric_evaluated_timestamp_seconds gauge
plimsoll_exported_metric_evaluated_timestamp_seconds{metric="engine-load",namespaces="analytics"} 1.796083241997e+09
# HELP plimsoll_exported_metric_info What a hub is told of an external metric: its policy as labels; always 1.
# TYPE plimsoll_exported_metric_info gauge
plimsoll_exported_metric_info{max_age="1m30s",metric="engine-load",namespaces="analytics",reads="scraped",round="nearest",several="error",type="AverageValue",valid_max="9.2e+15",valid_min="0",window="0"} 1
# HELP plimsoll_exported_metric_series How many series the query of an external metric gave; a hub that has fewer believes none.
# TYPE plimsoll_exported_metric_series gauge
plimsoll_exported_metric_series{metric="engine-load",namespaces="analytics"} 1
# HELP plimsoll_exported_metric_source_timestamp_seconds When the sample behind that value was scraped.
# TYPE plimsoll_exported_metric_source_timestamp_seconds gauge
plimsoll_exported_metric_source_timestamp_seconds{label_pool="a",metric="engine-load",namespaces="analytics"} 1.796083241997e+09
# HELP plimsoll_exported_metric_value What the query of an external metric gave, before its policy; labels of the series have the prefix label_.
# TYPE plimsoll_exported_metric_value gauge
plimsoll_exported_metric_value{label_pool="a",metric="engine-load",namespaces="analytics"} 7.5
# HELP plimsoll_exported_page_timestamp_seconds When this page was written, on the clock of the other times.
# TYPE plimsoll_exported_page_timestamp_seconds gauge
plimsoll_exported_page_timestamp_seconds 1.796083241997e+09
# HELP plimsoll_external_metric_age_seconds Age of the scraped sample behind the value that would be served now.
# TYPE plimsoll_external_metric_age_seconds gauge
plimsoll_external_metric_age_seconds{metric="engine-load",namespace="analytics"} 0
# HELP plimsoll_external_metric_state 1 for the state that the metric is in: fresh, held, fallback or error.
# TYPE plimsoll_external_metric_state gauge
plimsoll_external_metric_state{metric="engine-load",namespace="analytics",state="fresh"} 1
plimsoll_external_metric_state{metric="engine-load",namespace="analytics",state="held"} 0
plimsoll_external_metric_state{metric="engine-load",namespace="analytics",state="fallback"} 0
plimsoll_external_metric_state{metric="engine-load",namespace="analytics",state="error"} 0
# HELP plimsoll_external_metric_value What an HPA would be served now; absent when it would be an error.
# TYPE plimsoll_external_metric_value gauge
plimsoll_external_metric_value{metric="engine-load",namespace="analytics"} 7.5
)");
}

TEST_CASE("a page in, an answer of the query API out") {
  const Wire wire;
  // The third slot of this job and cluster.
  CHECK(wire.Query("engine_load").body ==
        R"({"status":"success","data":{"resultType":"vector","result":[)"
        R"({"metric":{"__name__":"engine_load","pool":"a"},"value":[1796083241.997,"7.5"]},)"
        R"({"metric":{"__name__":"engine_load","pool":"b\""},"value":[1796083241.997,"0"]}]}})");
  CHECK(wire.Query("engine_queue{kind=\"big\"} > 0").body ==
        R"({"status":"success","data":{"resultType":"vector","result":[)"
        R"({"metric":{"__name__":"engine_queue","instance":"engine:9090","job":"engine",)"
        R"("kind":"big","pool":"a"},"value":[1796083241.997,"3"]}]}})");
  CHECK(wire.Query("up").body ==
        R"({"status":"success","data":{"resultType":"vector","result":[)"
        R"({"metric":{"__name__":"up","instance":"engine:9090","job":"engine"},)"
        R"("value":[1796083241.997,"1"]}]}})");
}

TEST_CASE("a page in, the value that an HPA reads out") {
  const Wire wire;
  const http::Response answer = wire.External("engine-load", "analytics");
  CHECK(answer.status == 200);
  CHECK(answer.content_type == "application/json");
  CHECK(answer.body ==
        R"({"kind":"ExternalMetricValueList","apiVersion":"external.metrics.k8s.io/v1beta1",)"
        R"("metadata":{},"items":[{"metricName":"engine-load","metricLabels":{"pool":"a"},)"
        R"("timestamp":"2026-12-01T00:00:41Z","window":0,"value":"7500m"}]})"
        "\n");
}

TEST_CASE("no page in, the reason out") {
  Wire wire;
  wire.path.targets.ServeStatus("http://engine:9090/metrics", 404, "404 Not Found");
  wire.path.Run(105s);
  const http::Response answer = wire.External("engine-load", "analytics");
  CHECK(answer.status == 503);
  CHECK(answer.body ==
        R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":)"
        R"("external metric engine-load in namespace analytics has no value (empty): its query )"
        R"(gives no series; the last good value was 7.5, of 2026-12-01T00:00:41.997Z; engine )"
        R"(http://engine:9090/metrics has failed since )"
        R"(2026-12-01T00:00:56.997Z, last error: server returned HTTP status )"
        R"(404 Not Found","reason":"ServiceUnavailable","details":{"name":"engine-load",)"
        R"("group":"external.metrics.k8s.io","causes":[{"reason":"empty"}]},"code":503})");
  CHECK(wire.Query("engine_load").body ==
        R"({"status":"success","data":{"resultType":"vector","result":[]}})");
}
