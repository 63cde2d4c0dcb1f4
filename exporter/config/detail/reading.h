// SPDX-License-Identifier: Apache-2.0
//
// What the readers of sections share: where errors go, how a path is resolved, and the words of
// enums (those of a policy are in config/policy.h).
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/load.h"
#include "config/policy.h"
#include "document/yaml.h"

namespace plimsoll::config::detail {

// global, with what a scrape configuration inherits from it but Config::Global does not show.
struct Inherited {
  Global global;
  std::optional<std::vector<ScrapeProtocol>> scrape_protocols;
  NameScheme names = NameScheme::kUtf8;
  std::optional<NameEscaping> escaping;
  bool extra_scrape_metrics = false;
};

struct Reading {
  const document::YamlDocument& document;
  document::Errors& errors;
  std::vector<base::Error>& warnings;
  const LoadOptions& options;
  std::string directory;

  void Warn(std::string message, base::Place where) const {
    warnings.push_back(base::BadInput(std::move(message), std::move(where)));
  }
  // As Prometheus's JoinDir: "" and absolute paths stay as they are.
  std::string Resolve(const std::string& path) const {
    if (path.empty() || directory.empty() || path.starts_with('/')) return path;
    return (std::filesystem::path(directory) / path).lexically_normal().string();
  }
};

using Action = RelabelRule::Action;
inline constexpr std::array<Words<Action>, 11> kActions = {{{"replace", Action::kReplace},
                                                            {"keep", Action::kKeep},
                                                            {"drop", Action::kDrop},
                                                            {"keepequal", Action::kKeepEqual},
                                                            {"dropequal", Action::kDropEqual},
                                                            {"hashmod", Action::kHashMod},
                                                            {"labelmap", Action::kLabelMap},
                                                            {"labeldrop", Action::kLabelDrop},
                                                            {"labelkeep", Action::kLabelKeep},
                                                            {"lowercase", Action::kLowercase},
                                                            {"uppercase", Action::kUppercase}}};
inline constexpr std::array<Words<ScrapeProtocol>, 5> kProtocols = {
    {{"OpenMetricsText0.0.1", ScrapeProtocol::kOpenMetrics0_0_1},
     {"OpenMetricsText1.0.0", ScrapeProtocol::kOpenMetrics1_0_0},
     {"PrometheusProto", ScrapeProtocol::kPrometheusProto},
     {"PrometheusText0.0.4", ScrapeProtocol::kText0_0_4},
     {"PrometheusText1.0.0", ScrapeProtocol::kText1_0_0}}};
inline constexpr std::array<Words<NameScheme>, 2> kNameSchemes = {
    {{"utf8", NameScheme::kUtf8}, {"legacy", NameScheme::kLegacy}}};
inline constexpr std::array<Words<NameEscaping>, 4> kNameEscapings = {
    {{"allow-utf-8", NameEscaping::kAllowUtf8},
     {"underscores", NameEscaping::kUnderscores},
     {"dots", NameEscaping::kDots},
     {"values", NameEscaping::kValues}}};
inline constexpr std::array<Words<model::MetricType>, 3> kSignalTypes = {
    {{"gauge", model::MetricType::kGauge},
     {"counter", model::MetricType::kCounter},
     {"unknown", model::MetricType::kUnknown}}};

inline constexpr std::array<Words<KubernetesDiscovery::Role>, 2> kKubernetesRoles = {
    {{"pod", KubernetesDiscovery::Role::kPod},
     {"endpointslice", KubernetesDiscovery::Role::kEndpointSlice}}};

// Reads one of `words`; anything else is an error that lists them.
template <typename E, std::size_t N>
bool ReadWord(document::MapReader& map, std::string_view key, const std::array<Words<E>, N>& words,
              E& out) {
  std::string text;
  if (!map.Read(key, text)) return false;
  const auto meaning = MeaningOf(words, text);
  if (!meaning) {
    map.Fail(key, "expected one of " + ListOf(words) + ", found the text \"" + text + "\"");
    return false;
  }
  out = *meaning;
  return true;
}

// A text of which null means "", as go-yaml has it, rather than the default.
bool ReadTextOrEmpty(document::MapReader& map, std::string_view key, std::string& out);
bool IsValidLabelName(std::string_view name, NameScheme names);
// label: value pairs; a bad name is an error.
std::vector<std::pair<std::string, std::string>> ReadLabels(const document::YamlNode& map,
                                                            std::string_view what, NameScheme names,
                                                            Reading& reading);

Inherited ReadGlobal(const document::YamlNode* node, Reading& reading);
std::vector<RelabelRule> ReadRelabelRules(const document::YamlNode* list, std::string_view kind,
                                          NameScheme names, Reading& reading);
HttpClientConfig ReadHttpClient(document::MapReader& map, Reading& reading);
std::optional<std::vector<ScrapeProtocol>> ReadScrapeProtocols(document::MapReader& map,
                                                               const std::string& suffix,
                                                               Reading& reading);
void ReadLimits(document::MapReader& map, ScrapeLimits& limits);
void RefuseNativeHistogramKeys(document::MapReader& map, Reading& reading);
bool ReadNameEscaping(document::MapReader& map, std::string_view scope,
                      std::optional<NameEscaping>& out);
std::vector<KubernetesDiscovery> ReadKubernetesConfigs(const document::YamlNode* list,
                                                       Reading& reading);
// Completes those of `jobs` whose targets are sidecars.
Hub ReadHub(const document::YamlNode* node, Reading& reading, std::vector<ScrapeConfig>& jobs);
ScrapeConfig ReadScrapeConfig(const document::YamlNode& node, const Inherited& inherited,
                              Reading& reading);
std::vector<Signal> ReadSignals(const document::YamlNode* list, Reading& reading);
std::vector<ExternalMetric> ReadExternalMetrics(const document::YamlNode* list, Reading& reading);
std::vector<std::pair<std::string, double>> ReadParams(const document::YamlNode* map,
                                                       Reading& reading);

}  // namespace plimsoll::config::detail
