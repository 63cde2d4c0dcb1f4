// SPDX-License-Identifier: Apache-2.0
//
// global and scrape_configs: prometheus.yml's keys, defaults, inheritance and error texts. Longer
// than most because it has one line or a few for each key.
#include <algorithm>

#include "base/format.h"
#include "base/number_text.h"
#include "config/detail/reading.h"

namespace plimsoll::config::detail {

using document::MapReader;
using document::YamlNode;

namespace {

constexpr std::string_view kAllProtocols =
    "[OpenMetricsText0.0.1 OpenMetricsText1.0.0 OpenMetricsText2.0.0 PrometheusProto "
    "PrometheusText0.0.4 "
    "PrometheusText1.0.0]";
constexpr std::string_view kOpenMetrics2 = "OpenMetricsText2.0.0";

std::string Lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

// $name, ${name}, $$ and the one-character names, as Go's os.Expand.
std::string Expand(std::string_view text, const std::string& label, base::Place where,
                   Reading& reading) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  const auto is_special = [](char c) {
    return std::string_view("*#$@!?-0123456789").find(c) != std::string_view::npos;
  };
  std::string out;
  std::size_t i = 0;
  while (i < text.size()) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i++];
      continue;
    }
    std::string name;
    std::size_t next = i + 1;
    if (text[next] == '{') {
      const std::size_t close = text.find('}', next);
      // Go eats the two characters of a brace that never closes or holds nothing.
      if (close == std::string_view::npos) {
        i += 2;
        continue;
      }
      name = text.substr(next + 1, close - next - 1);
      next = close + 1;
      if (name.empty()) {
        i = next;
        continue;
      }
    } else if (is_special(text[next])) {
      name = text[next++];
    } else {
      while (next < text.size() && is_word(text[next])) name += text[next++];
      if (name.empty()) {
        out += text[i++];
        continue;
      }
    }
    i = next;
    if (name == "$") {
      out += '$';
      continue;
    }
    const std::string value = reading.options.environment ? reading.options.environment(name) : "";
    if (value.empty()) {
      reading.Warn(
          fmt::format("external label {}: environment variable {} is not set", label, name), where);
    }
    out += value;
  }
  return out;
}

void ReadNames(MapReader& map, std::string_view, NameScheme& out, Reading& reading) {
  std::string text;
  if (!map.Read("metric_name_validation_scheme", text) || text.empty()) return;
  if (const auto names = MeaningOf(kNameSchemes, text)) {
    out = *names;
  } else {
    reading.errors.Add(
        "unrecognized ValidationScheme: " + base::GoQuote(text) + ", expected utf8 or legacy",
        map.where("metric_name_validation_scheme"));
  }
}

std::vector<StaticGroup> ReadStaticConfigs(const YamlNode* list, bool check_addresses,
                                           Reading& reading) {
  std::vector<StaticGroup> groups;
  if (list == nullptr) return groups;
  for (const YamlNode* item : list->items) {
    if (item->kind == YamlNode::Kind::kNull) {
      reading.errors.Add("empty or null section in static_configs", item->where());
      continue;
    }
    StaticGroup group;
    MapReader map(*item, "static_configs", reading.errors);
    const YamlNode* targets = map.List("targets");
    map.Read("targets", group.targets);
    if (const YamlNode* labels = map.Map("labels")) {
      group.labels = model::Labels::FromPairs(
          ReadLabels(*labels, "labels of static_configs", NameScheme::kUtf8, reading));
    }
    map.Finish();
    for (std::size_t i = 0; check_addresses && i < group.targets.size(); ++i) {
      if (group.targets[i].find('/') == std::string::npos) continue;
      reading.errors.Add(base::GoQuote(group.targets[i]) + " is not a valid hostname",
                         targets->items[i]->where());
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

// ^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$
bool IsDiscoveryPath(std::string_view path) {
  const auto dot = path.rfind('.');
  if (dot == std::string_view::npos) return false;
  constexpr std::array<std::string_view, 6> kEndings = {"json", "yml", "yaml",
                                                        "JSON", "YML", "YAML"};
  if (std::find(kEndings.begin(), kEndings.end(), path.substr(dot + 1)) == kEndings.end())
    return false;
  const auto star = path.find('*');
  return star == std::string_view::npos || path.find('/', star) == std::string_view::npos;
}

std::vector<FileDiscovery> ReadFileConfigs(const YamlNode* list, Reading& reading) {
  std::vector<FileDiscovery> discoveries;
  if (list == nullptr) return discoveries;
  for (const YamlNode* item : list->items) {
    if (item->kind == YamlNode::Kind::kNull) {
      reading.errors.Add("empty or null section in file_sd_configs", item->where());
      continue;
    }
    FileDiscovery discovery;
    MapReader map(*item, "file_sd_configs", reading.errors);
    const bool read = map.Read("files", discovery.files);
    if (map.Read("refresh_interval", discovery.refresh_interval) &&
        discovery.refresh_interval.count() == 0) {
      map.Fail("refresh_interval", "expected a duration above zero, found 0");
    }
    map.Finish();
    if (discovery.files.empty() && (read || map.Get("files") == nullptr)) {
      reading.errors.Add("file service discovery config must contain at least one path name",
                         item->where());
    }
    for (std::string& path : discovery.files) {
      if (!IsDiscoveryPath(path)) {
        reading.errors.Add(
            fmt::format("path name {} is not valid for file discovery", base::GoQuote(path)),
            map.where("files"));
      }
      path = reading.Resolve(path);
    }
    discoveries.push_back(std::move(discovery));
  }
  return discoveries;
}

void RefuseOtherDiscovery(MapReader& map) {
  for (const char* name :
       {"azure",     "consul",      "digitalocean", "dns",      "docker",   "dockerswarm",
        "ec2",       "eureka",      "gce",          "hetzner",  "http",     "ionos",
        "kuma",      "lightsail",   "linode",       "marathon", "nerve",    "nomad",
        "oci",       "openstack",   "outscale",     "ovhcloud", "puppetdb", "scaleway",
        "serverset", "stackit",     "triton",       "uyuni",    "vultr",    "aws",
        "ecs",       "elasticache", "msk",          "rds"}) {
    const std::string key = std::string(name) + "_sd_configs";
    map.Refuse(key, fmt::format("'{}' is not supported by plimsoll: use static_configs, "
                                "file_sd_configs or kubernetes_sd_configs",
                                key));
  }
}

std::vector<std::pair<std::string, std::vector<std::string>>> ReadUrlParams(const YamlNode* node,
                                                                            Reading& reading) {
  std::vector<std::pair<std::string, std::vector<std::string>>> params;
  if (node == nullptr) return params;
  MapReader map(*node, "params", reading.errors);
  for (const auto& [key, value] : node->entries) {
    params.emplace_back(key->text, std::vector<std::string>());
    map.Read(key->text, params.back().second);
  }
  std::sort(params.begin(), params.end());
  return params;
}

// Which streams the Pravega collector reads; it judges their names itself.
void CheckStreams(MapReader& map, const ScrapeConfig& scrape) {
  for (const auto& [name, values] : scrape.params) {
    for (const std::string& value : values) {
      const auto slash = value.find('/');
      const bool good =
          value == "*" || (slash != std::string::npos && slash > 0 && slash + 1 < value.size() &&
                           value.find('/', slash + 1) == std::string::npos);
      if (name == "stream" && !good) {
        map.Fail("params",
                 "stream: expected SCOPE/STREAM, SCOPE/* or *, found " + base::GoQuote(value));
      }
    }
  }
}

void ReadTiming(MapReader& map, const Global& global, ScrapeConfig& scrape, Reading& reading) {
  milliseconds interval{0}, timeout{0};
  map.Read("scrape_interval", interval);
  map.Read("scrape_timeout", timeout);
  scrape.scrape_interval = interval.count() == 0 ? global.scrape_interval : interval;
  if (timeout > scrape.scrape_interval) {
    reading.errors.Add(
        "scrape timeout greater than scrape interval for scrape config with job name " +
            base::GoQuote(scrape.job_name),
        map.where("scrape_timeout"));
  }
  scrape.scrape_timeout =
      timeout.count() == 0 ? std::min(global.scrape_timeout, scrape.scrape_interval) : timeout;
}

void ReadFormats(MapReader& map, const Inherited& inherited, ScrapeConfig& scrape,
                 Reading& reading) {
  const std::string suffix = " for scrape config with job name " + base::GoQuote(scrape.job_name);
  if (auto protocols = ReadScrapeProtocols(map, suffix, reading)) {
    scrape.scrape_protocols = *std::move(protocols);
  } else if (inherited.scrape_protocols) {
    scrape.scrape_protocols = *inherited.scrape_protocols;
  }
  std::string fallback;
  if (map.Read("fallback_scrape_protocol", fallback) && !fallback.empty()) {
    const auto protocol = MeaningOf(kProtocols, fallback);
    if (protocol && *protocol != ScrapeProtocol::kPrometheusProto) {
      scrape.fallback_scrape_protocol = protocol;
    } else if (protocol || fallback == kOpenMetrics2) {
      map.Fail("fallback_scrape_protocol",
               fallback + " is not supported by plimsoll: it reads the text formats");
    } else {
      reading.errors.Add(
          fmt::format(
              "invalid fallback_scrape_protocol{}: unknown scrape protocol {}, supported: {}",
              suffix, fallback, kAllProtocols),
          map.where("fallback_scrape_protocol"));
    }
  }
  std::optional<NameEscaping> escaping;
  const bool own_names = map.Get("metric_name_validation_scheme") != nullptr;
  scrape.names = inherited.names;
  ReadNames(map, "scrape", scrape.names, reading);
  ReadNameEscaping(map, "scrape config", escaping);
  if (!escaping && !own_names) escaping = inherited.escaping;
  scrape.escaping = escaping.value_or(
      scrape.names == NameScheme::kLegacy ? NameEscaping::kUnderscores : NameEscaping::kAllowUtf8);
  if (scrape.escaping == NameEscaping::kAllowUtf8 && scrape.names == NameScheme::kLegacy) {
    reading.errors.Add("utf8 metric names requested but validation scheme is not set to UTF8",
                       scrape.where);
  }
}

}  // namespace

bool ReadTextOrEmpty(MapReader& map, std::string_view key, std::string& out) {
  if (map.Read(key, out)) return true;
  if (!map.Has(key) || map.Get(key) != nullptr) return false;
  out.clear();
  return true;
}

bool IsValidLabelName(std::string_view name, NameScheme names) {
  if (names == NameScheme::kLegacy) return model::IsLegacyLabelName(name);
  return !name.empty() && base::IsValidUtf8(name);
}

std::vector<std::pair<std::string, std::string>> ReadLabels(const YamlNode& node,
                                                            std::string_view what, NameScheme names,
                                                            Reading& reading) {
  std::vector<std::pair<std::string, std::string>> labels;
  MapReader map(node, what, reading.errors);
  for (const auto& [key, value] : node.entries) {
    std::string text;
    map.Read(key->text, text);
    if (IsValidLabelName(key->text, names)) {
      labels.emplace_back(key->text, std::move(text));
    } else {
      reading.errors.Add(base::GoQuote(key->text) + " is not a valid label name", key->where());
    }
  }
  return labels;
}

void ReadLimits(MapReader& map, ScrapeLimits& limits) {
  // Zero means "not set here", as in Prometheus, so a job cannot lift a global limit with it.
  const auto read = [&](std::string_view key, std::uint64_t& out) {
    std::uint64_t value = 0;
    if (map.Read(key, value) && value != 0) out = value;
  };
  std::uint64_t size = 0;
  if (map.ReadSize("body_size_limit", size) && size != 0) limits.body_size = size;
  read("sample_limit", limits.samples);
  read("label_limit", limits.labels);
  read("label_name_length_limit", limits.label_name_length);
  read("label_value_length_limit", limits.label_value_length);
  read("target_limit", limits.targets);
  read("keep_dropped_targets", limits.keep_dropped_targets);
}

void RefuseNativeHistogramKeys(MapReader& map, Reading& reading) {
  for (const char* key : {"scrape_native_histograms", "convert_classic_histograms_to_nhcb",
                          "always_scrape_classic_histograms"}) {
    bool value = false;
    if (map.Read(key, value) && value) {
      reading.Warn(fmt::format("'{}' has no effect: plimsoll keeps classic histograms only", key),
                   map.where(key));
    }
  }
}

bool ReadNameEscaping(MapReader& map, std::string_view scope, std::optional<NameEscaping>& out) {
  std::string text;
  if (!map.Read("metric_name_escaping_scheme", text) || text.empty()) return false;
  out = MeaningOf(kNameEscapings, text);
  if (!out) {
    map.errors().Add(
        fmt::format("unknown {} name escaping method specified, must be one of 'allow-utf-8', "
                    "'underscores', 'dots', or 'values', got {}",
                    scope, base::GoQuote(text)),
        map.where("metric_name_escaping_scheme"));
  }
  return out.has_value();
}

std::optional<std::vector<ScrapeProtocol>> ReadScrapeProtocols(MapReader& map,
                                                               const std::string& suffix,
                                                               Reading& reading) {
  std::vector<std::string> words;
  if (!map.Read("scrape_protocols", words)) return std::nullopt;
  const base::Place where = map.where("scrape_protocols");
  if (words.empty()) {
    reading.errors.Add("scrape_protocols cannot be empty" + suffix, where);
    return std::nullopt;
  }
  std::vector<ScrapeProtocol> protocols;
  std::vector<std::string> seen;
  for (const std::string& word : words) {
    if (std::find(seen.begin(), seen.end(), Lower(word)) != seen.end()) {
      reading.errors.Add(fmt::format("duplicated protocol in scrape_protocols, got [{}]{}",
                                     fmt::join(words, " "), suffix),
                         where);
      return std::nullopt;
    }
    seen.push_back(Lower(word));
    const auto protocol = MeaningOf(kProtocols, word);
    if (protocol && *protocol != ScrapeProtocol::kPrometheusProto) {
      protocols.push_back(*protocol);
    } else if (protocol || word == kOpenMetrics2) {
      reading.Warn(
          fmt::format(
              "scrape_protocols: {} is not offered to targets: plimsoll reads the text formats",
              word),
          where);
    } else {
      reading.errors.Add(
          fmt::format("scrape_protocols: unknown scrape protocol {}, supported: {}{}", word,
                      kAllProtocols, suffix),
          where);
      return std::nullopt;
    }
  }
  if (protocols.empty()) {
    reading.errors.Add(
        "scrape_protocols: plimsoll reads the text formats only, and none of them is listed" +
            suffix,
        where);
    return std::nullopt;
  }
  return protocols;
}

Inherited ReadGlobal(const YamlNode* node, Reading& reading) {
  Inherited inherited;
  if (node == nullptr) return inherited;
  Global& global = inherited.global;
  MapReader map(*node, "global", reading.errors);
  ReadNames(map, "global", inherited.names, reading);
  ReadNameEscaping(map, "global", inherited.escaping);
  milliseconds interval{0}, timeout{0}, evaluation{0};
  map.Read("scrape_interval", interval);
  map.Read("scrape_timeout", timeout);
  if (interval.count() != 0) global.scrape_interval = interval;
  if (timeout > global.scrape_interval) {
    reading.errors.Add("global scrape timeout greater than scrape interval",
                       map.where("scrape_timeout"));
  }
  global.scrape_timeout =
      timeout.count() == 0 ? std::min(global.scrape_timeout, global.scrape_interval) : timeout;
  if (map.Read("evaluation_interval", evaluation) && evaluation.count() != 0)
    global.evaluation_interval = evaluation;
  map.Read("rule_query_offset", global.rule_query_offset);
  inherited.scrape_protocols = ReadScrapeProtocols(map, " for global config", reading);
  if (const YamlNode* labels = map.Map("external_labels")) {
    auto pairs = ReadLabels(*labels, "external_labels", inherited.names, reading);
    for (auto& [name, value] : pairs) {
      const YamlNode* at = labels->Find(name);
      value = Expand(value, name, at == nullptr ? base::Place{} : at->where(), reading);
      if (!base::IsValidUtf8(value)) {
        reading.errors.Add(base::GoQuote(value) + " is not a valid label value", labels->where());
      }
    }
    global.external_labels = model::Labels::FromPairs(std::move(pairs));
  }
  ReadLimits(map, global.limits);
  RefuseNativeHistogramKeys(map, reading);
  map.Read("extra_scrape_metrics", inherited.extra_scrape_metrics);
  for (const char* key : {"query_log_file", "scrape_failure_log_file"}) {
    map.Refuse(
        key, fmt::format("'{}' is not supported by plimsoll: it writes no files of its own", key));
  }
  map.Finish();
  return inherited;
}

ScrapeConfig ReadScrapeConfig(const YamlNode& node, const Inherited& inherited, Reading& reading) {
  ScrapeConfig scrape;
  scrape.where = node.where();
  scrape.limits = inherited.global.limits;
  MapReader map(node, "scrape_configs", reading.errors);
  map.Read("job_name", scrape.job_name);
  if (scrape.job_name.empty()) reading.errors.Add("job_name is empty", map.where("job_name"));
  if (map.Read("collector", scrape.collector)) {
    const auto& known = reading.options.collectors;
    if (std::find(known.begin(), known.end(), scrape.collector) == known.end()) {
      map.Fail("collector", fmt::format("expected one of {}, found {}", fmt::join(known, ", "),
                                        base::GoQuote(scrape.collector)));
    }
  }
  ReadTiming(map, inherited.global, scrape, reading);
  // A collector's paths begin there: an API that lies below another path than / says so.
  if (scrape.collector != "exposition") scrape.metrics_path = "/";
  map.Read("metrics_path", scrape.metrics_path);
  if (map.Read("scheme", scrape.scheme) && scrape.scheme != "http" && scrape.scheme != "https") {
    map.Fail("scheme", "expected http or https, found " + base::GoQuote(scrape.scheme));
  }
  scrape.params = ReadUrlParams(map.Map("params"), reading);
  if (scrape.collector == "pravega") CheckStreams(map, scrape);
  ReadFormats(map, inherited, scrape, reading);
  map.Read("honor_labels", scrape.honor_labels);
  map.Read("honor_timestamps", scrape.honor_timestamps);
  map.Read("track_timestamps_staleness", scrape.track_timestamps_staleness);
  map.Read("enable_compression", scrape.enable_compression);
  scrape.extra_scrape_metrics = inherited.extra_scrape_metrics;
  map.Read("extra_scrape_metrics", scrape.extra_scrape_metrics);
  scrape.http = ReadHttpClient(map, reading);
  scrape.relabel_configs =
      ReadRelabelRules(map.List("relabel_configs"), "target", scrape.names, reading);
  scrape.metric_relabel_configs =
      ReadRelabelRules(map.List("metric_relabel_configs"), "metric", scrape.names, reading);
  ReadLimits(map, scrape.limits);
  RefuseNativeHistogramKeys(map, reading);
  std::uint64_t buckets = 0;
  double factor = 0;
  for (const bool written : {map.Read("native_histogram_bucket_limit", buckets),
                             map.Read("native_histogram_min_bucket_factor", factor)}) {
    if (written)
      reading.Warn("limits of native histograms have no effect: plimsoll keeps none", scrape.where);
  }
  // Prometheus checks the addresses only where relabelling cannot change them.
  scrape.static_configs =
      ReadStaticConfigs(map.List("static_configs"), scrape.relabel_configs.empty(), reading);
  scrape.file_sd_configs = ReadFileConfigs(map.List("file_sd_configs"), reading);
  scrape.kubernetes_sd_configs = ReadKubernetesConfigs(map.List("kubernetes_sd_configs"), reading);
  RefuseOtherDiscovery(map);
  map.Refuse(
      "scrape_failure_log_file",
      "'scrape_failure_log_file' is not supported by plimsoll: it writes no files of its own");
  map.Finish();
  return scrape;
}

}  // namespace plimsoll::config::detail
