// SPDX-License-Identifier: Apache-2.0
#include "config/print.h"

#include <doctest/doctest.h>

#include "unit/config/loading.h"

using namespace plimsoll;
using namespace plimsoll::config;
using plimsoll::test::LoadGood;

TEST_CASE("the effective configuration shows defaults and hides secrets") {
  const auto config = LoadGood(
      "global: {external_labels: {a: 'x$$y'}}\n"
      "scrape_configs:\n"
      "- job_name: 'a: b'\n"
      "  params: {q: ['1', two]}\n"
      "  basic_auth: {username: u, password: hunter2}\n"
      "  tls_config: {cert: c, key: very-secret}\n"
      "  http_headers: {x-a: {values: [v], secrets: [s3cret]}}\n"
      "  relabel_configs: [{action: drop, source_labels: [a], regex: 'x|y', separator: ''}]\n"
      "  static_configs: [{targets: ['h:1'], labels: {team: 'on'}}]\n"
      "external_metrics: [{name: m, query: 'a > 1', when_stale: {hold: 2m, then: {exactly: "
      "8}}}]\n");
  CHECK(Print(*config) ==
        R"(global:
  scrape_interval: 1m
  scrape_timeout: 10s
  external_labels:
    a: "x$$y"
scrape_configs:
  - job_name: "a: b"
    scrape_interval: 1m
    scrape_timeout: 10s
    metrics_path: /metrics
    scheme: http
    params:
      q: ["1", two]
    scrape_protocols: [OpenMetricsText1.0.0, OpenMetricsText0.0.1, PrometheusText1.0.0, PrometheusText0.0.4]
    basic_auth:
      username: u
      password: "<secret>"
    tls_config:
      cert: c
      key: "<secret>"
      insecure_skip_verify: false
    http_headers:
      X-A:
        values: [v]
        secrets: ["<secret>"]
    relabel_configs:
      - action: drop
        source_labels: [a]
        separator: ""
        regex: "x|y"
    static_configs:
      - targets: ["h:1"]
        labels:
          team: "on"
external_metrics:
  - name: m
    type: AverageValue
    query: "a > 1"
    max_age: 1m30s
    when_stale:
      hold: 2m
      then: {exactly: 8}
    when_empty: error
    several: error
    valid: {min: 0, max: 9.2e+15}
    round: nearest
storage:
  max_window: 1d
limits:
  max_series: 200000
  max_bytes: 268435456B
)");
}

TEST_CASE("what is printed loads again and prints the same") {
  for (const char* text : {
           "",
           "global: {scrape_interval: 5s, evaluation_interval: 5s, rule_query_offset: 1s, "
           "sample_limit: 3}",
           "scrape_configs: [{job_name: a, static_configs: [{}], http_headers: {b: {}}, params: "
           "{c: []}}]",
           "scrape_configs: [{job_name: \"\\x7f\\n\\t\\u00e4 \\\\ \\\"\", basic_auth: {}, "
           "authorization: ~}]",
           "scrape_configs: [{job_name: 'null', metrics_path: '', honor_labels: true, "
           "honor_timestamps: false}]",
           "scrape_configs: [{job_name: .5, metric_name_validation_scheme: legacy, "
           "file_sd_configs: [{files: [a.yml]}]}]",
           "params: {'a b': 1e300, c: -0.1}\nsignals: [{name: a, help: 'x: y', unit: s, type: "
           "unknown}]",
           "external_metrics: [{name: a, query: \"{x='\\\\n'}\", type: Value, clamp: {min: 1, max: "
           "2}, when_empty: 1}]",
           "scrape_configs: [{job_name: s, kubernetes_sd_configs: [{role: pod, namespaces: "
           "{own_namespace: true, names: [a]}, selectors: [{role: pod, label: 'a=b'}]}, {role: "
           "endpointslice, api_server: 'https://h:1', namespaces: {names: ['*']}, tls_config: "
           "{server_name: x}}]}]\nhub: {jobs: [s], any_namespace: [s], forward: [{name: keda, url: "
           "'https://keda:443', selector_labels: [a/b], tls_config: {server_name: k}}]}",
           "tick: {deadline: 1500ms}\nlimits: {max_bytes: 1500B}",
       }) {
    const std::string once = Print(*LoadGood(text));
    CHECK(Print(*LoadGood(once)) == once);
  }
}
