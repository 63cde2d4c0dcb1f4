// SPDX-License-Identifier: Apache-2.0
//
// The one list of plimsoll's own metrics: identifier, kind, name, help, label names.
//
// Names that people alert on are part of the contract (docs/metrics.md) and never change. Every
// bound of the process has a counter here, by reason. To add a metric, add a row; nothing else
// lists them.
#pragma once

#include <string_view>

namespace plimsoll::telemetry {

enum class Kind { kCounter, kGauge, kHistogram };

// X(identifier, kind, name, help, comma-separated label names)
#define PLIMSOLL_METRICS(X)                                                                        \
  X(BuildInfo, kGauge, "plimsoll_build_info", "Version and compiler of this binary; always 1.",    \
    "version,compiler")                                                                            \
  X(ConfigReloadSuccessful, kGauge, "plimsoll_config_last_reload_successful",                      \
    "Whether the last reload of the configuration succeeded.", "")                                 \
  X(ConfigReloadTime, kGauge, "plimsoll_config_last_reload_success_timestamp_seconds",             \
    "When the configuration in use was loaded.", "")                                               \
  X(TickDuration, kHistogram, "plimsoll_tick_duration_seconds",                                    \
    "Time from the slot of a tick to its published snapshot.", "")                                 \
  X(TicksSkipped, kCounter, "plimsoll_ticks_skipped_total",                                        \
    "Slots that passed while an earlier tick was still running.", "")                              \
  X(LateTargets, kCounter, "plimsoll_tick_late_targets_total",                                     \
    "Scrapes that ended after the deadline of their tick and got a run of their own.", "")         \
  X(DiscoveryRefused, kCounter, "plimsoll_discovery_refused_total",                                \
    "Target files and targets that could not be used, by reason.", "job,reason")                   \
  X(DiscoveryWatchesFailing, kGauge, "plimsoll_discovery_watches_failing",                         \
    "Watches of Kubernetes objects that fail now; the targets known so far stay.", "job")          \
  X(DiscoveryWatchFailures, kCounter, "plimsoll_discovery_watch_failures_total",                   \
    "Failures to list or watch Kubernetes objects.", "job")                                        \
  X(ScrapeFailures, kCounter, "plimsoll_scrape_failures_total",                                    \
    "Scrapes from which nothing was kept, by reason.", "job,reason")                               \
  X(ScrapeSamplesDropped, kCounter, "plimsoll_scrape_samples_dropped_total",                       \
    "Samples of successful scrapes that were not kept, by reason.", "job,reason")                  \
  X(ScrapeBytes, kCounter, "plimsoll_scrape_bytes_total",                                          \
    "Uncompressed bytes of pages that were scraped.", "job")                                       \
  X(CollectorRequests, kCounter, "plimsoll_collector_requests_total",                              \
    "Requests of collectors to the APIs of engines, by outcome: ok, status (not 200) or why "      \
    "there was no answer.",                                                                        \
    "job,outcome")                                                                                 \
  X(CollectorRefused, kCounter, "plimsoll_collector_refused_total",                                \
    "What collectors did not ask for, could not read or did not publish, by reason.",              \
    "job,reason")                                                                                  \
  X(CollectorBytes, kCounter, "plimsoll_collector_bytes_total",                                    \
    "Uncompressed bytes of answers to collectors.", "job")                                         \
  X(CollectorDuration, kHistogram, "plimsoll_collector_duration_seconds",                          \
    "Time from a collector's first question to its page.", "job")                                  \
  X(StoreSeries, kGauge, "plimsoll_store_series", "Series in the window.", "")                     \
  X(StoreBytes, kGauge, "plimsoll_store_bytes",                                                    \
    "Memory that the window's samples and series take.", "")                                       \
  X(StorePinnedBytes, kGauge, "plimsoll_store_pinned_bytes",                                       \
    "Expired bytes that are kept because a query still reads them.", "")                           \
  X(StoreBrokenQueriers, kCounter, "plimsoll_store_broken_queriers_total",                         \
    "Queries whose samples were taken away because they were open for too long.", "")              \
  X(StoreRefused, kCounter, "plimsoll_store_refused_total",                                        \
    "Samples and series that the window refused, by reason.", "reason")                            \
  X(WindowFileBytes, kGauge, "plimsoll_window_file_bytes",                                         \
    "Size of the file that keeps the window over a restart.", "")                                  \
  X(WindowFileLastSave, kGauge, "plimsoll_window_file_last_save_timestamp_seconds",                \
    "When the window was last written to its file.", "")                                           \
  X(WindowFileFailures, kCounter, "plimsoll_window_file_failures_total",                           \
    "Times that the window could not be written to its file, by reason.", "reason")                \
  X(QueryDuration, kHistogram, "plimsoll_query_duration_seconds",                                  \
    "Time that PromQL queries of the HTTP API took.", "")                                          \
  X(QueriesRefused, kCounter, "plimsoll_queries_refused_total",                                    \
    "Queries of the HTTP API that were refused or stopped, by reason.", "reason")                  \
  X(RuleEvaluations, kCounter, "plimsoll_rule_evaluations_total", "Rules evaluated.",              \
    "rule_group")                                                                                  \
  X(RuleFailures, kCounter, "plimsoll_rule_evaluation_failures_total",                             \
    "Rules whose evaluation failed.", "rule_group")                                                \
  X(RuleDurations, kHistogram, "plimsoll_rule_evaluation_duration_seconds",                        \
    "How long a rule took.", "")                                                                   \
  X(RuleGroupIterations, kCounter, "plimsoll_rule_group_iterations_total",                         \
    "Evaluations of the group, whether run or missed.", "rule_group")                              \
  X(RuleGroupMissed, kCounter, "plimsoll_rule_group_iterations_missed_total",                      \
    "Evaluations of a group with an interval that were skipped because an earlier one "            \
    "was slow.",                                                                                   \
    "rule_group")                                                                                  \
  X(RuleGroupDurations, kHistogram, "plimsoll_rule_group_duration_seconds",                        \
    "How long the evaluation of a group took.", "")                                                \
  X(RuleGroupDuration, kGauge, "plimsoll_rule_group_last_duration_seconds",                        \
    "How long the last evaluation of the group took.", "rule_group")                               \
  X(RuleGroupLastRulesTime, kGauge, "plimsoll_rule_group_last_rule_duration_sum_seconds",          \
    "How long the rules of the group took together in its last evaluation.", "rule_group")         \
  X(RuleGroupLastTime, kGauge, "plimsoll_rule_group_last_evaluation_timestamp_seconds",            \
    "When the last evaluation of the group began.", "rule_group")                                  \
  X(RuleGroupLastSamples, kGauge, "plimsoll_rule_group_last_evaluation_samples",                   \
    "Samples that the last evaluation of the group stored.", "rule_group")                         \
  X(RuleGroupInterval, kGauge, "plimsoll_rule_group_interval_seconds",                             \
    "Interval of the group; absent when it follows the tick.", "rule_group")                       \
  X(RuleGroupRules, kGauge, "plimsoll_rule_group_rules", "Rules of the group.", "rule_group")      \
  X(ExternalMetricValue, kGauge, "plimsoll_external_metric_value",                                 \
    "What an HPA would be served now; absent when it would be an error.",                          \
    "namespace,metric,engine,owner")                                                               \
  X(ExternalMetricAge, kGauge, "plimsoll_external_metric_age_seconds",                             \
    "Age of the scraped sample behind the value that would be served now.",                        \
    "namespace,metric,engine,owner")                                                               \
  X(ExternalMetricState, kGauge, "plimsoll_external_metric_state",                                 \
    "1 for the state that the metric is in: fresh, held, fallback or error.",                      \
    "namespace,metric,engine,owner,state")                                                         \
  X(ExternalMetricErrors, kCounter, "plimsoll_external_metric_errors_total",                       \
    "Reads of an external metric that were answered by an error, by reason.", "reason")            \
  X(ExportedInfo, kGauge, "plimsoll_exported_metric_info",                                         \
    "What a hub is told of an external metric: its policy as labels; always 1.",                   \
    "metric,namespaces")                                                                           \
  X(ExportedValue, kGauge, "plimsoll_exported_metric_value",                                       \
    "What the query of an external metric gave, before its policy; labels of the series have the " \
    "prefix label_.",                                                                              \
    "metric,namespaces")                                                                           \
  X(ExportedSource, kGauge, "plimsoll_exported_metric_source_timestamp_seconds",                   \
    "When the sample behind that value was scraped.", "metric,namespaces")                         \
  X(ExportedLastGood, kGauge, "plimsoll_exported_metric_last_good_value",                          \
    "The last value that was valid, where the newest is not.", "metric,namespaces")                \
  X(ExportedLastGoodSource, kGauge, "plimsoll_exported_metric_last_good_timestamp_seconds",        \
    "When the sample behind the last valid value was scraped.", "metric,namespaces")               \
  X(ExportedEvaluated, kGauge, "plimsoll_exported_metric_evaluated_timestamp_seconds",             \
    "When the query of the external metric was last evaluated.", "metric,namespaces")              \
  X(ExportedSeries, kGauge, "plimsoll_exported_metric_series",                                     \
    "How many series the query of an external metric gave; a hub that has fewer believes none.",   \
    "metric,namespaces")                                                                           \
  X(ExportedProblem, kGauge, "plimsoll_exported_metric_problem",                                   \
    "Why the query of an external metric has no series; always 1.",                                \
    "metric,namespaces,reason,error")                                                              \
  X(ExportedPageTime, kGauge, "plimsoll_exported_page_timestamp_seconds",                          \
    "When this page was written, on the clock of the other times.", "")                            \
  X(HubSidecars, kGauge, "plimsoll_hub_sidecars",                                                  \
    "Sidecars that are known: heard (their page is in use), spare (another pod of the same owner " \
    "is), silent, or waiting (never heard of).",                                                   \
    "state")                                                                                       \
  X(HubMetrics, kGauge, "plimsoll_hub_metrics",                                                    \
    "External metrics that are served for sidecars, those of silent ones included.", "")           \
  X(HubRefused, kCounter, "plimsoll_hub_refused_total",                                            \
    "What sidecars say and a hub does not take, by reason, once for each tick.", "reason")         \
  X(ForwardedReads, kCounter, "plimsoll_forwarded_reads_total",                                    \
    "Reads that were forwarded to another adapter, by how they ended: its status code, timeout, "  \
    "failed, open (it fails, and was not asked), busy or loop.",                                   \
    "adapter,outcome")                                                                             \
  X(ForwardDuration, kHistogram, "plimsoll_forward_duration_seconds",                              \
    "How long other adapters took to answer.", "adapter")                                          \
  X(SignalsRefused, kCounter, "plimsoll_signals_refused_total",                                    \
    "Series of signals and external metrics that did not fit their limits, by reason.", "reason")  \
  X(HttpRequests, kCounter, "plimsoll_http_requests_total",                                        \
    "Requests answered, by listener and status code.", "listener,code")                            \
  X(HttpRequestDuration, kHistogram, "plimsoll_http_request_duration_seconds",                     \
    "Time from a request's last byte to its answer, by listener.", "listener")                     \
  X(HttpRefused, kCounter, "plimsoll_http_connections_refused_total",                              \
    "Connections and requests that were refused or cut off, by listener and reason.",              \
    "listener,reason")                                                                             \
  X(HttpClientErrors, kCounter, "plimsoll_http_client_errors_total",                               \
    "Fetches of targets and APIs that failed, by phase and reason.", "phase,reason")               \
  X(KubeRequests, kCounter, "plimsoll_kube_requests_total",                                        \
    "Calls to the Kubernetes API server, by call and status code; none: no answer.", "call,code")  \
  X(KubeReviews, kCounter, "plimsoll_kube_reviews_total",                                          \
    "Questions about tokens and access, by how they were answered: remembered, joined to one "     \
    "that was under way, or asked.",                                                               \
    "kind,how")                                                                                    \
  X(KubeRefused, kCounter, "plimsoll_kube_refused_total",                                          \
    "What did not fit the limits on questions to and answers of the Kubernetes API server, by "    \
    "reason.",                                                                                     \
    "reason")                                                                                      \
  X(AuthenticationLoaded, kGauge, "plimsoll_authentication_config_loaded",                         \
    "Whether the cluster's authentication configuration was read; absent when not asked for.", "") \
  X(AuthenticationErrors, kCounter, "plimsoll_authentication_config_errors_total",                 \
    "Failures to read, watch or use the cluster's authentication configuration.", "")              \
  X(CertificateExpiry, kGauge, "plimsoll_certificate_expiry_timestamp_seconds",                    \
    "When a certificate ends: serving, of the API listener; ca, the authority that we keep; web, " \
    "of the ops listener.",                                                                        \
    "certificate")                                                                                 \
  X(CertificateSteps, kCounter, "plimsoll_certificate_steps_total",                                \
    "Writes of the managed certificate: authority, pair, drop and restore of the Secret, publish " \
    "of the APIService.",                                                                          \
    "step")                                                                                        \
  X(CertificateFailures, kCounter, "plimsoll_certificate_failures_total",                          \
    "What kept the managed certificate from its next step, by reason.", "reason")                  \
  X(ApiServiceOwned, kGauge, "plimsoll_apiservice_owned",                                          \
    "Whether the APIService of external metrics points to our Service; absent without managed "    \
    "certificates.",                                                                               \
    "")                                                                                            \
  X(ApiServiceCaMatches, kGauge, "plimsoll_apiservice_ca_matches",                                 \
    "Whether the caBundle of our APIService is the one that the managed Secret holds.", "")        \
  X(WebConfigLoaded, kGauge, "plimsoll_web_config_last_reload_successful",                         \
    "Whether the web configuration file that is in use is the one on disk; absent without one.",   \
    "")                                                                                            \
  X(WebRefused, kCounter, "plimsoll_web_refused_total",                                            \
    "Requests to the ops listener that its web configuration refused, by reason.", "reason")

enum class MetricId {
#define PLIMSOLL_METRIC_ID(id, kind, name, help, labels) k##id,
  PLIMSOLL_METRICS(PLIMSOLL_METRIC_ID)
#undef PLIMSOLL_METRIC_ID
};

struct MetricRow {
  MetricId id;
  Kind kind;
  std::string_view name;
  std::string_view help;
  std::string_view labels;  // comma-separated
};

inline constexpr MetricRow kCatalogue[] = {
#define PLIMSOLL_METRIC_ROW(id, kind, name, help, labels) \
  {MetricId::k##id, Kind::kind, name, help, labels},
    PLIMSOLL_METRICS(PLIMSOLL_METRIC_ROW)
#undef PLIMSOLL_METRIC_ROW
};

inline constexpr const MetricRow& Row(MetricId id) { return kCatalogue[static_cast<int>(id)]; }

}  // namespace plimsoll::telemetry
