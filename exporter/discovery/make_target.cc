// SPDX-License-Identifier: Apache-2.0
//
// From discovered labels to a target: relabelling, the checks in Prometheus's words, the URL.
#include <algorithm>
#include <map>

#include "base/format.h"
#include "base/number_text.h"
#include "discovery/relabel.h"
#include "discovery/targets.h"

namespace plimsoll::discovery {

namespace {

constexpr std::string_view kParam = "__param_";

// Go's url.QueryEscape: what is not a letter, a digit or -_.~ is escaped, a blank is a plus sign.
// Go's url.PathEscape of a whole path leaves the delimiters of paths as well.
void AppendEscaped(std::string_view text, bool query, std::string& out) {
  constexpr std::string_view kUnreserved = "-_.~";
  constexpr std::string_view kPath = "$&+,/:;=@";
  for (const char c : text) {
    const bool alphanumeric =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (alphanumeric || kUnreserved.find(c) != std::string_view::npos ||
        (!query && kPath.find(c) != std::string_view::npos)) {
      out += c;
    } else if (query && c == ' ') {
      out += '+';
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
}

// The job's params with the first value of each replaced by its __param_ label.
std::string QueryOf(const config::ScrapeConfig& config, const model::LabelsBuilder& labels) {
  std::map<std::string, std::vector<std::string>> params(config.params.begin(),
                                                         config.params.end());
  for (const auto& [name, value] : labels.pairs()) {
    if (!name.starts_with(kParam)) continue;
    auto& values = params[name.substr(kParam.size())];
    if (values.empty()) values.emplace_back();
    values.front() = value;
  }
  std::string query;
  for (const auto& [name, values] : params) {
    for (const std::string& value : values) {
      query += query.empty() ? '?' : '&';
      AppendEscaped(name, true, query);
      query += '=';
      AppendEscaped(value, true, query);
    }
  }
  return query;
}

std::string UrlOf(const config::ScrapeConfig& config, const model::LabelsBuilder& labels) {
  std::string url;
  if (const auto scheme = labels.Get("__scheme__"); !scheme.empty())
    url = std::string(scheme) + ":";
  url += "//";
  url += labels.Get("__address__");
  const std::string_view path = labels.Get("__metrics_path__");
  if (!path.empty() && !path.starts_with('/')) url += '/';
  AppendEscaped(path, false, url);
  return url + QueryOf(config, labels);
}

base::Result<std::chrono::milliseconds> TimeOf(const model::LabelsBuilder& labels,
                                               std::string_view label, std::string_view what) {
  auto duration = base::ParseDuration(labels.Get(label));
  if (!duration)
    return base::BadInput(
        fmt::format("error parsing scrape {}: {}", what, duration.error().message));
  if (duration->count() == 0) return base::BadInput(fmt::format("scrape {} cannot be 0", what));
  return duration;
}

// A pod whose containers run no more keeps its address, which may be another's by now.
bool HasEnded(const model::Labels& discovered) {
  const std::string_view phase = discovered.Get("__meta_kubernetes_pod_phase");
  return phase == "Succeeded" || phase == "Failed";
}

}  // namespace

base::Result<std::optional<Target>> MakeTarget(const config::ScrapeConfig& config,
                                               const model::Labels& discovered) {
  if (config.of_sidecars && HasEnded(discovered)) return std::optional<Target>();
  model::LabelsBuilder labels(discovered);
  if (!Relabel(config.relabel_configs, labels)) return std::optional<Target>();
  const std::string address(labels.Get("__address__"));
  if (address.empty()) return base::BadInput("no address");
  if (address.find('/') != std::string::npos) {
    return base::BadInput(base::GoQuote(address) + " is not a valid hostname");
  }
  const auto interval = TimeOf(labels, "__scrape_interval__", "interval");
  if (!interval) return interval.error();
  const auto timeout = TimeOf(labels, "__scrape_timeout__", "timeout");
  if (!timeout) return timeout.error();
  if (*timeout > *interval) {
    return base::BadInput(
        fmt::format("scrape timeout cannot be greater than scrape interval ({} > {})",
                    base::GoQuote(labels.Get("__scrape_timeout__")),
                    base::GoQuote(labels.Get("__scrape_interval__"))));
  }
  if (labels.Get("instance").empty()) labels.Set("instance", address);
  if (config.of_sidecars) {
    const std::string_view name_space = discovered.Get("__meta_kubernetes_namespace");
    labels.Set(kSidecarNamespace, name_space.empty() ? "-" : name_space);
  }
  Target target{UrlOf(config, labels), {}, discovered, *interval, *timeout};
  const std::vector<std::pair<std::string, std::string>> all = labels.pairs();
  for (const auto& [name, value] : all) {
    if (!base::IsValidUtf8(value)) {
      return base::BadInput(
          fmt::format("invalid label value for {}: {}", base::GoQuote(name), base::GoQuote(value)));
    }
    if (name.starts_with("__")) labels.Delete(name);
  }
  target.labels = labels.Build();
  return std::optional<Target>(std::move(target));
}

}  // namespace plimsoll::discovery
