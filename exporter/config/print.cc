// SPDX-License-Identifier: Apache-2.0
//
// Config to text, section by section, in the order in which people write them. Longer than most
// sources because it has one line for each key of the file.
#include "config/print.h"

#include "base/format.h"
#include "base/number_text.h"
#include "config/detail/reading.h"

namespace plimsoll::config {

namespace {

using namespace detail;  // NOLINT: the words of enums

constexpr std::string_view kSecret = "<secret>";

// Plain where that reads back as the same text, else in double quotes.
std::string Quote(std::string_view text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '/' || c == '.' ||
           c == '-' || (c >= '0' && c <= '9');
  };
  bool is_plain =
      !text.empty() && ((text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z') ||
                        text[0] == '_' || text[0] == '/');
  for (const char c : text) is_plain = is_plain && plain(c);
  document::YamlNode as_plain;
  as_plain.kind = document::YamlNode::Kind::kScalar;
  as_plain.text = text;
  const auto is_null = [](std::string_view word) {
    return word == "null" || word == "Null" || word == "NULL";
  };
  if (is_plain && !is_null(text) && !document::YamlBool(as_plain) &&
      !document::YamlDouble(as_plain)) {
    return std::string(text);
  }
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (c == '\t') {
      quoted += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      quoted += fmt::format("\\x{:02x}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string Number(double value) { return base::SprintFloat(value); }
std::string Bool(bool value) { return value ? "true" : "false"; }
std::string Time(milliseconds value) { return base::FormatDuration(value); }
std::string Size(std::uint64_t value) { return std::to_string(value) + "B"; }

std::string Flow(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + Quote(text);
  return "[" + list + "]";
}

// Lines at an indentation; a list item puts its dash before its first line.
class Lines {
 public:
  explicit Lines(std::string& out) : out_(out) {}
  void Put(std::string_view key, std::string_view value) {
    Start();
    out_ += key;
    out_ += ": ";
    out_ += value;
    out_ += '\n';
  }
  void Text(std::string_view key, std::string_view value) { Put(key, Quote(value)); }
  void TextIf(std::string_view key, std::string_view value) {
    if (!value.empty()) Text(key, value);
  }
  void SecretIf(std::string_view key, std::string_view value) {
    if (!value.empty()) Text(key, kSecret);
  }
  template <typename F>
  void Map(std::string_view key, F&& body) {
    Start();
    out_ += key;
    out_ += ":";
    Nested(body);
  }
  // One item for each of `values`, written by body(value); nothing when there are none.
  template <typename Values, typename F>
  void List(std::string_view key, const Values& values, F&& body) {
    if (values.empty()) return;
    Start();
    out_ += key;
    out_ += ":\n";
    ++depth_;
    for (const auto& value : values) {
      dash_ = true;
      ++depth_;
      body(value);
      --depth_;
      if (dash_) Empty();
    }
    --depth_;
  }

 private:
  template <typename F>
  void Nested(F&& body) {
    const std::size_t before = out_.size();
    out_ += '\n';
    ++depth_;
    body();
    --depth_;
    if (out_.size() == before + 1) out_.insert(before, " {}");
  }
  void Empty() {  // an item without a key
    out_.append(2 * (depth_ - 1), ' ');
    out_ += "- {}\n";
    dash_ = false;
  }
  void Start() {
    if (dash_) {
      out_.append(2 * (depth_ - 1), ' ');
      out_ += "- ";
      dash_ = false;
    } else {
      out_.append(2 * depth_, ' ');
    }
  }
  std::string& out_;
  std::size_t depth_ = 0;
  bool dash_ = false;
};

void PrintLimits(Lines& out, const ScrapeLimits& limits) {
  if (limits.body_size != 0) out.Put("body_size_limit", Size(limits.body_size));
  const auto put = [&](std::string_view key, std::uint64_t value) {
    if (value != 0) out.Put(key, std::to_string(value));
  };
  put("sample_limit", limits.samples);
  put("label_limit", limits.labels);
  put("label_name_length_limit", limits.label_name_length);
  put("label_value_length_limit", limits.label_value_length);
  put("target_limit", limits.targets);
  put("keep_dropped_targets", limits.keep_dropped_targets);
}

void PrintGlobal(Lines& out, const Global& global) {
  out.Map("global", [&] {
    out.Put("scrape_interval", Time(global.scrape_interval));
    out.Put("scrape_timeout", Time(global.scrape_timeout));
    if (global.evaluation_interval)
      out.Put("evaluation_interval", Time(*global.evaluation_interval));
    if (global.rule_query_offset.count() != 0)
      out.Put("rule_query_offset", Time(global.rule_query_offset));
    if (!global.external_labels.empty()) {
      out.Map("external_labels", [&] {
        for (const model::Label& label : global.external_labels) {
          std::string value;  // a dollar sign would be expanded again
          for (const char c : label.value) value += c == '$' ? "$$" : std::string(1, c);
          out.Text(Quote(label.name), value);
        }
      });
    }
    PrintLimits(out, global.limits);
  });
}

void PrintHttp(Lines& out, const HttpClientConfig& http) {
  if (http.basic_auth) {
    out.Map("basic_auth", [&] {
      out.TextIf("username", http.basic_auth->username);
      out.TextIf("username_file", http.basic_auth->username_file);
      out.SecretIf("password", http.basic_auth->password.value);
      out.TextIf("password_file", http.basic_auth->password.file);
    });
  }
  if (http.authorization) {
    out.Map("authorization", [&] {
      out.Text("type", http.authorization->type);
      out.SecretIf("credentials", http.authorization->credentials.value);
      out.TextIf("credentials_file", http.authorization->credentials.file);
    });
  }
  const TlsConfig& tls = http.tls;
  if (!tls.ca.empty() || !tls.ca_file.empty() || !tls.cert.empty() || !tls.cert_file.empty() ||
      !tls.key.empty() || !tls.server_name.empty() || tls.insecure_skip_verify ||
      !tls.min_version.empty() || !tls.max_version.empty()) {
    out.Map("tls_config", [&] {
      out.TextIf("ca", tls.ca);
      out.TextIf("ca_file", tls.ca_file);
      out.TextIf("cert", tls.cert);
      out.TextIf("cert_file", tls.cert_file);
      out.SecretIf("key", tls.key.value);
      out.TextIf("key_file", tls.key.file);
      out.TextIf("server_name", tls.server_name);
      out.Put("insecure_skip_verify", Bool(tls.insecure_skip_verify));
      out.TextIf("min_version", tls.min_version);
      out.TextIf("max_version", tls.max_version);
    });
  }
  if (!http.http_headers.empty()) {
    out.Map("http_headers", [&] {
      for (const HttpHeader& header : http.http_headers) {
        out.Map(Quote(header.name), [&] {
          if (!header.values.empty()) out.Put("values", Flow(header.values));
          if (!header.secrets.empty()) {
            out.Put("secrets",
                    Flow(std::vector<std::string>(header.secrets.size(), std::string(kSecret))));
          }
          if (!header.files.empty()) out.Put("files", Flow(header.files));
        });
      }
    });
  }
  if (!http.follow_redirects) out.Put("follow_redirects", "false");
}

void PrintRelabel(Lines& out, std::string_view key, const std::vector<RelabelRule>& rules) {
  out.List(key, rules, [&](const RelabelRule& rule) {
    out.Put("action", WordOf(kActions, rule.action));
    if (!rule.source_labels.empty()) out.Put("source_labels", Flow(rule.source_labels));
    if (rule.separator != ";") out.Text("separator", rule.separator);
    if (!rule.default_regex && rule.regex != nullptr) out.Text("regex", rule.regex->pattern());
    if (rule.modulus != 0) out.Put("modulus", std::to_string(rule.modulus));
    out.TextIf("target_label", rule.target_label);
    if (rule.replacement != "$1") out.Text("replacement", rule.replacement);
  });
}

void PrintDiscovery(Lines& out, const ScrapeConfig& scrape) {
  out.List("static_configs", scrape.static_configs, [&](const StaticGroup& group) {
    out.Put("targets", Flow(group.targets));
    if (group.labels.empty()) return;
    out.Map("labels", [&] {
      for (const model::Label& label : group.labels) out.Text(Quote(label.name), label.value);
    });
  });
  out.List("file_sd_configs", scrape.file_sd_configs, [&](const FileDiscovery& discovery) {
    out.Put("files", Flow(discovery.files));
    out.Put("refresh_interval", Time(discovery.refresh_interval));
  });
  out.List("kubernetes_sd_configs", scrape.kubernetes_sd_configs,
           [&](const KubernetesDiscovery& discovery) {
             out.Put("role", WordOf(kKubernetesRoles, discovery.role));
             out.TextIf("api_server", discovery.api_server);
             out.TextIf("kubeconfig_file", discovery.kubeconfig_file);
             out.Map("namespaces", [&] {
               if (discovery.own_namespace) out.Put("own_namespace", "true");
               if (!discovery.namespaces.empty()) out.Put("names", Flow(discovery.namespaces));
             });
             out.List("selectors", discovery.selectors,
                      [&](const KubernetesDiscovery::Selector& selector) {
                        out.Text("role", selector.role);
                        out.TextIf("label", selector.label);
                        out.TextIf("field", selector.field);
                      });
             PrintHttp(out, discovery.http);
           });
}

void PrintScrape(Lines& out, const ScrapeConfig& scrape) {
  out.Text("job_name", scrape.job_name);
  if (scrape.collector != "exposition") out.Text("collector", scrape.collector);
  out.Put("scrape_interval", Time(scrape.scrape_interval));
  out.Put("scrape_timeout", Time(scrape.scrape_timeout));
  out.Text("metrics_path", scrape.metrics_path);
  out.Text("scheme", scrape.scheme);
  if (!scrape.params.empty()) {
    out.Map("params", [&] {
      for (const auto& [name, values] : scrape.params) out.Put(Quote(name), Flow(values));
    });
  }
  std::vector<std::string> protocols;
  for (const ScrapeProtocol protocol : scrape.scrape_protocols)
    protocols.emplace_back(WordOf(kProtocols, protocol));
  out.Put("scrape_protocols", Flow(protocols));
  if (scrape.fallback_scrape_protocol) {
    out.Put("fallback_scrape_protocol", WordOf(kProtocols, *scrape.fallback_scrape_protocol));
  }
  if (scrape.names != NameScheme::kUtf8) {
    out.Put("metric_name_validation_scheme", WordOf(kNameSchemes, scrape.names));
  }
  if (scrape.names != NameScheme::kUtf8 || scrape.escaping != NameEscaping::kAllowUtf8) {
    out.Put("metric_name_escaping_scheme", WordOf(kNameEscapings, scrape.escaping));
  }
  if (scrape.honor_labels) out.Put("honor_labels", "true");
  if (!scrape.honor_timestamps) out.Put("honor_timestamps", "false");
  if (scrape.track_timestamps_staleness) out.Put("track_timestamps_staleness", "true");
  if (!scrape.enable_compression) out.Put("enable_compression", "false");
  if (scrape.extra_scrape_metrics) out.Put("extra_scrape_metrics", "true");
  PrintLimits(out, scrape.limits);
  PrintHttp(out, scrape.http);
  PrintRelabel(out, "relabel_configs", scrape.relabel_configs);
  PrintRelabel(out, "metric_relabel_configs", scrape.metric_relabel_configs);
  PrintDiscovery(out, scrape);
}

void PrintExternalMetric(Lines& out, const ExternalMetric& metric) {
  out.Text("name", metric.name);
  out.Put("type", WordOf(kMetricTypes, metric.type));
  out.Text("query", metric.query);
  if (!metric.namespaces.empty()) out.Put("namespaces", Flow(metric.namespaces));
  out.Put("max_age", Time(metric.max_age));
  if (metric.hold.count() != 0 || metric.then) {
    out.Map("when_stale", [&] {
      if (metric.hold.count() != 0) out.Put("hold", Time(metric.hold));
      if (metric.then && metric.then->exactly) {
        out.Put("then", "{exactly: " + Number(metric.then->value) + "}");
      } else if (metric.then) {
        out.Put("then", Number(metric.then->value));
      }
    });
  }
  out.Put("when_empty", metric.when_empty ? Number(*metric.when_empty) : "error");
  out.Put("several", WordOf(kSeveral, metric.several));
  out.Put("valid",
          fmt::format("{{min: {}, max: {}}}", Number(metric.valid_min), Number(metric.valid_max)));
  if (metric.clamp_min || metric.clamp_max) {
    out.Map("clamp", [&] {
      if (metric.clamp_min) out.Put("min", Number(*metric.clamp_min));
      if (metric.clamp_max) out.Put("max", Number(*metric.clamp_max));
    });
  }
  out.Put("round", WordOf(kRound, metric.round));
}

void PrintHub(Lines& out, const Hub& hub) {
  if (hub.jobs.empty() && hub.forward.empty()) return;
  out.Map("hub", [&] {
    if (!hub.jobs.empty()) out.Put("jobs", Flow(hub.jobs));
    if (!hub.any_namespace.empty()) out.Put("any_namespace", Flow(hub.any_namespace));
    out.Put("forget_after", Time(hub.forget_after));
    out.Map("limits", [&] {
      out.Put("metrics_per_sidecar", std::to_string(hub.metrics_per_sidecar));
      out.Put("series_per_sidecar", std::to_string(hub.series_per_sidecar));
      out.Put("max_metrics", std::to_string(hub.max_metrics));
    });
    out.List("forward", hub.forward, [&](const Hub::Adapter& adapter) {
      out.Text("name", adapter.name);
      out.Text("url", adapter.url);
      if (!adapter.selector_labels.empty())
        out.Put("selector_labels", Flow(adapter.selector_labels));
      out.Put("timeout", Time(adapter.timeout));
      PrintHttp(out, adapter.http);
    });
  });
}

}  // namespace

std::string Print(const Config& config) {
  std::string text;
  Lines out(text);
  PrintGlobal(out, config.global);
  if (!config.rule_files.empty()) out.Put("rule_files", Flow(config.rule_files));
  // What scrape_config_files brought in is among scrape_configs, so the files are not named again.
  out.List("scrape_configs", config.scrape_configs,
           [&](const ScrapeConfig& scrape) { PrintScrape(out, scrape); });
  if (!config.params.empty()) {
    out.Map("params", [&] {
      for (const auto& [name, value] : config.params) out.Put(Quote(name), Number(value));
    });
  }
  out.List("signals", config.signals, [&](const Signal& signal) {
    out.Text("name", signal.name);
    out.Text("help", signal.help);
    out.TextIf("unit", signal.unit);
    out.Put("type", WordOf(kSignalTypes, signal.type));
  });
  out.List("external_metrics", config.external_metrics,
           [&](const ExternalMetric& metric) { PrintExternalMetric(out, metric); });
  PrintHub(out, config.hub);
  if (config.tick_deadline.count() != 0)
    out.Map("tick", [&] { out.Put("deadline", Time(config.tick_deadline)); });
  out.Map("storage", [&] { out.Put("max_window", Time(config.max_window)); });
  out.Map("limits", [&] {
    out.Put("max_series", std::to_string(config.limits.max_series));
    out.Put("max_bytes", Size(config.limits.max_bytes));
  });
  return text;
}

std::string Print(const ScrapeConfig& scrape) {
  std::string text;
  Lines out(text);
  PrintScrape(out, scrape);
  return text;
}

}  // namespace plimsoll::config
