// SPDX-License-Identifier: Apache-2.0
//
// The whole configuration as one immutable value: prometheus.yml's global, rule_files and
// scrape_configs, and our params, signals, external_metrics and limits (docs/configuration.md).
//
// What is here has been validated: durations are durations, regular expressions compile, names are
// unique. Field names are the keys of the file. Defaults are Prometheus's where Prometheus has the
// key.
//
// Threads: immutable after Load; shared by shared_ptr<const Config>.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/family.h"
#include "model/labels.h"
#include "model/regex.h"

namespace plimsoll::config {

using std::chrono::milliseconds;

// A secret given inline or by a file that is read again at each use.
struct Secret {
  std::string value = {};
  std::string file = {};  // absolute, or relative to the configuration's folder (already resolved)
  bool empty() const { return value.empty() && file.empty(); }
};

struct TlsConfig {
  std::string ca, ca_file, cert, cert_file, key_file, server_name;
  Secret key;
  bool insecure_skip_verify = false;
  std::string min_version, max_version;  // "TLS12", ... or ""
};

struct HttpHeader {
  std::string name;
  std::vector<std::string> values;
  std::vector<std::string> secrets;
  std::vector<std::string> files;
};

struct HttpClientConfig {
  struct BasicAuth {
    std::string username, username_file;
    Secret password;
  };
  struct Authorization {
    std::string type = "Bearer";
    Secret credentials;
  };
  std::optional<BasicAuth> basic_auth;
  std::optional<Authorization> authorization;  // bearer_token and bearer_token_file end here too
  TlsConfig tls;
  std::vector<HttpHeader> http_headers;
  bool follow_redirects = true;
};

// Which metric and label names are good: any UTF-8, or [a-zA-Z_][a-zA-Z0-9_]* (with a colon in
// metric names).
enum class NameScheme { kUtf8, kLegacy };
// What the Accept header asks of a target whose names are not legacy ones.
enum class NameEscaping { kAllowUtf8, kUnderscores, kDots, kValues };

struct RelabelRule {
  enum class Action {
    kReplace,
    kKeep,
    kDrop,
    kKeepEqual,
    kDropEqual,
    kHashMod,
    kLabelMap,
    kLabelDrop,
    kLabelKeep,
    kLowercase,
    kUppercase,
  };
  Action action = Action::kReplace;
  std::vector<std::string> source_labels;
  std::string separator = ";";
  std::shared_ptr<const model::Regex> regex;  // never null
  std::uint64_t modulus = 0;
  std::string target_label;
  std::string replacement = "$1";
  NameScheme names = NameScheme::kUtf8;  // what a resulting label name must satisfy
  bool default_regex = true;             // no regex was written: (.*)
};

enum class ScrapeProtocol {
  kOpenMetrics1_0_0,
  kOpenMetrics0_0_1,
  kText1_0_0,
  kText0_0_4,
  kPrometheusProto
};

struct ScrapeLimits {           // zero: no limit
  std::uint64_t body_size = 0;  // uncompressed bytes
  std::uint64_t samples = 0;
  std::uint64_t labels = 0;
  std::uint64_t label_name_length = 0;
  std::uint64_t label_value_length = 0;
  std::uint64_t targets = 0;
  std::uint64_t keep_dropped_targets = 0;
};

struct StaticGroup {
  std::vector<std::string> targets;
  model::Labels labels;
};
struct FileDiscovery {
  std::vector<std::string> files;  // globs in the last path part
  milliseconds refresh_interval = std::chrono::minutes(5);
};

// kubernetes_sd_configs: objects of a cluster that are targets.
struct KubernetesDiscovery {
  enum class Role { kPod, kEndpointSlice };
  struct Selector {
    std::string role;  // "pod", "service", "endpointslice": of which objects
    std::string label;
    std::string field;
  };
  Role role = Role::kPod;
  std::string api_server;       // "": of kubeconfig_file, else of the pod's service account
  std::string kubeconfig_file;  // already resolved
  bool own_namespace = false;
  std::vector<std::string> namespaces;  // {"*"}: all; never empty unless own_namespace
  std::vector<Selector> selectors;      // one for each role at most
  HttpClientConfig http;                // goes with api_server
};

struct ScrapeConfig {
  std::string job_name;
  std::string collector = "exposition";  // ours; other names belong to exporter/engines
  milliseconds scrape_interval = std::chrono::minutes(1);
  milliseconds scrape_timeout = std::chrono::seconds(10);
  std::string metrics_path = "/metrics";
  std::string scheme = "http";
  std::vector<std::pair<std::string, std::vector<std::string>>> params;  // sorted by name
  std::vector<ScrapeProtocol> scrape_protocols = {
      ScrapeProtocol::kOpenMetrics1_0_0, ScrapeProtocol::kOpenMetrics0_0_1,
      ScrapeProtocol::kText1_0_0, ScrapeProtocol::kText0_0_4};
  std::optional<ScrapeProtocol> fallback_scrape_protocol;
  bool honor_labels = false;
  bool honor_timestamps = true;
  bool track_timestamps_staleness = false;
  bool enable_compression = true;
  HttpClientConfig http;
  std::vector<RelabelRule> relabel_configs;
  std::vector<RelabelRule> metric_relabel_configs;
  ScrapeLimits limits;
  std::vector<StaticGroup> static_configs;
  std::vector<FileDiscovery> file_sd_configs;
  std::vector<KubernetesDiscovery> kubernetes_sd_configs;
  bool extra_scrape_metrics = false;
  // A job of a hub: its targets are told apart by their namespaces, whatever relabelling leaves of
  // their labels, and pods that have ended are none.
  bool of_sidecars = false;
  NameScheme names = NameScheme::kUtf8;              // metric_name_validation_scheme
  NameEscaping escaping = NameEscaping::kAllowUtf8;  // metric_name_escaping_scheme
  base::Place where = {};
};

struct Global {
  milliseconds scrape_interval = std::chrono::minutes(1);
  milliseconds scrape_timeout = std::chrono::seconds(10);
  std::optional<milliseconds> evaluation_interval;  // unset: rule groups follow the tick
  milliseconds rule_query_offset{0};
  model::Labels external_labels;
  ScrapeLimits limits;
};

// A series that leaves on /metrics.
struct Signal {
  std::string name;
  std::string help;
  std::string unit;
  model::MetricType type = model::MetricType::kGauge;
  base::Place where;
};

// What an HPA may ask for (docs/architecture.md 5.1).
struct ExternalMetric {
  enum class Type { kAverageValue, kValue };
  enum class Several { kError, kSum, kMax };
  enum class Round { kNearest, kUp };
  struct Fallback {
    double value = 0;
    bool exactly = false;  // false: serve max(value, last good)
  };
  std::string name;  // lower case
  Type type = Type::kAverageValue;
  std::string query;                    // parses; an instant vector (or scalar)
  std::vector<std::string> namespaces;  // empty: our own; {"*"}: all
  milliseconds max_age = std::chrono::seconds(90);
  milliseconds hold{0};              // when_stale.hold; zero: an error at once
  std::optional<Fallback> then;      // when_stale.then; needs a last good value
  std::optional<double> when_empty;  // unset: an error
  Several several = Several::kError;
  double valid_min = 0;
  double valid_max = 9.2e15;
  std::optional<double> clamp_min, clamp_max;
  Round round = Round::kNearest;
  base::Place where;
};

// What makes a plimsoll a hub: whose pages are those of sidecars, and who is asked about metrics
// that none of them exports (docs/hub.md).
struct Hub {
  // Another adapter of external.metrics.k8s.io.
  struct Adapter {
    std::string name;
    std::string url;  // without a path
    // A read whose selector names one of these goes here even when the metric is known.
    std::vector<std::string> selector_labels;
    milliseconds timeout = std::chrono::milliseconds(900);  // below a second
    HttpClientConfig http;
    base::Place where;
  };
  std::vector<std::string> jobs;           // scrape configurations whose targets are sidecars
  std::vector<std::string> any_namespace;  // those of them whose sidecars may name namespaces
  milliseconds forget_after = std::chrono::hours(1);  // what a vanished sidecar exported
  // Bounds; what is beyond them is left out and counted.
  std::uint64_t metrics_per_sidecar = 200;
  std::uint64_t series_per_sidecar = 1000;
  std::uint64_t max_metrics = 10000;
  std::vector<Adapter> forward;  // asked in this order: the first that may know
};

// Bounds of the process; every one is a default that a flag or the file can change, and has a
// counter.
struct Limits {
  std::uint64_t max_series = 200000;
  std::uint64_t max_bytes = 256ULL << 20;
};

struct RuleFile {
  std::string name;  // path as shown, or "pack:trino/trino.rules.yml"
  std::string text;
};

struct Config {
  std::string file;  // "" when it came from a preset
  Global global;
  std::vector<std::string> rule_files;           // the globs as written
  std::vector<std::string> scrape_config_files;  // likewise; their content is in scrape_configs
  std::vector<RuleFile> rules;  // their contents, in order: read once, so that a reload is atomic
  std::vector<ScrapeConfig> scrape_configs;
  std::vector<std::pair<std::string, double>> params;
  std::vector<Signal> signals;
  std::vector<ExternalMetric> external_metrics;
  Hub hub;
  milliseconds tick_deadline{0};  // tick.deadline; zero: min(scrape timeout, interval / 4)
  milliseconds max_window = std::chrono::hours(24);  // storage.max_window
  Limits limits;
  std::vector<base::Error>
      warnings;  // what was accepted and has no effect, or looks like a mistake
};

// Why no external metric can have this name (a path segment that client-go lower-cases); "" when
// one can.
std::string ExternalMetricNameProblem(std::string_view name);
bool IsNamespaceName(std::string_view name);

}  // namespace plimsoll::config
