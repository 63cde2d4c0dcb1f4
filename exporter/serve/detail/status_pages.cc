// SPDX-License-Identifier: Apache-2.0
//
// Endpoints that show the process: targets, rules, metadata, build.
#include <algorithm>
#include <array>

#include "base/format.h"
#include "base/md5.h"
#include "base/number_text.h"
#include "serve/detail/api_answer.h"
#include "serve/detail/api_parameters.h"
#include "serve/prometheus_api.h"

namespace plimsoll::serve {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string_view HealthText(TargetStatus::Health health) {
  switch (health) {
    case TargetStatus::Health::kUnknown:
      return "unknown";
    case TargetStatus::Health::kUp:
      return "up";
    case TargetStatus::Health::kDown:
      return "down";
  }
  return "";
}

void WriteTarget(const TargetStatus& target, document::JsonWriter& json) {
  json.Object().Key("discoveredLabels");
  WriteLabels(target.discovered_labels, json);
  json.Key("labels");
  WriteLabels(target.labels, json);
  json.Key("scrapePool").String(target.scrape_pool).Key("scrapeUrl").String(target.scrape_url);
  json.Key("globalUrl")
      .String(target.scrape_url)
      .Key("lastError")
      .String(target.last_error)
      .Key("lastScrape");
  WriteTime(target.last_scrape, json);
  json.Key("lastScrapeDuration")
      .Number(target.last_scrape_duration)
      .Key("health")
      .String(HealthText(target.health));
  json.Key("scrapeInterval").String(target.scrape_interval);
  json.Key("scrapeTimeout").String(target.scrape_timeout).EndObject();
}

void WriteRule(const RuleStatus& rule, document::JsonWriter& json) {
  json.Object().Key("name").String(rule.name).Key("query").String(rule.query);
  json.Key("labels");
  WriteLabels(rule.labels, json);
  json.Key("health").String(rule.health);
  if (!rule.last_error.empty()) json.Key("lastError").String(rule.last_error);
  json.Key("evaluationTime").Number(rule.evaluation_time).Key("lastEvaluation");
  WriteTime(rule.last_evaluation, json);
  json.Key("type").String("recording").EndObject();
}

void WriteGroup(const RuleGroupStatus& group, const std::vector<const RuleStatus*>& rules,
                document::JsonWriter& json) {
  json.Object().Key("name").String(group.name).Key("file").String(group.file).Key("rules").List();
  for (const RuleStatus* rule : rules) WriteRule(*rule, json);
  json.EndList().Key("interval").Number(group.interval).Key("limit").Integer(group.limit);
  json.Key("evaluationTime").Number(group.evaluation_time).Key("lastEvaluation");
  WriteTime(group.last_evaluation, json);
  json.EndObject();
}

bool Wanted(const std::vector<std::string_view>& wanted, std::string_view value) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

// Opaque to clients: names a group for the next page.
std::string GroupToken(const RuleGroupStatus& group) {
  std::string token;
  for (const std::uint8_t byte : base::Md5(group.file + ";" + group.name))
    token += base::format("{:02x}", byte);
  return token;
}

struct RuleFilter {
  std::vector<std::string_view> names, groups, files;
  std::vector<model::Matchers> sets;
  bool recording = true;

  std::vector<const RuleStatus*> Of(const RuleGroupStatus& group) const {
    std::vector<const RuleStatus*> kept;
    if (!recording || !Wanted(groups, group.name) || !Wanted(files, group.file)) return kept;
    for (const RuleStatus& rule : group.rules) {
      if (!Wanted(names, rule.name)) continue;
      const bool selected =
          sets.empty() ||
          std::any_of(sets.begin(), sets.end(), [&](const model::Matchers& matchers) {
            return model::MatchesAll(matchers, rule.labels);
          });
      if (selected) kept.push_back(&rule);
    }
    return kept;
  }
};

struct RulePage {
  std::size_t groups = 0;  // zero: all
  std::string_view token = {};
};

base::Result<RulePage> ReadPage(const ApiParameters& parameters) {
  RulePage page{.token = parameters.First("group_next_token")};
  const std::string_view limit = parameters.First("group_limit");
  if (limit.empty()) {
    if (page.token.empty()) return page;
    return InvalidParameter("group_next_token",
                            "group_limit needs to be present in order to paginate over the groups");
  }
  const auto number = Atoi(limit);
  if (!number) {
    std::string why = number.error().message;
    why.replace(0, std::string_view("strconv.Atoi").size(), "strconv.ParseInt");
    return InvalidParameter("group_limit", "group_limit needs to be a valid number: " + why);
  }
  if (*number <= 0)
    return InvalidParameter("group_limit", "group_limit needs to be greater than 0");
  page.groups = static_cast<std::size_t>(*number);
  return page;
}

base::Result<long long> LimitOr(const ApiParameters& parameters, std::string_view name) {
  const std::string_view text = parameters.First(name);
  if (text.empty()) return -1LL;
  const auto number = Atoi(text);
  if (!number) return base::BadInput(base::format("{} must be a number", name));
  return *number;
}

}  // namespace

http::Response PrometheusApi::Targets(const http::Request& request) const {
  const ApiParameters parameters(request);
  const std::string state = Lower(parameters.First("state"));
  const std::string_view pool = parameters.First("scrapePool");
  const bool any = state.empty() || state == "any";
  const bool dropped = any || state == "dropped";
  const TargetsStatus targets = status_.Targets();
  return ApiSuccess([&](document::JsonWriter& json) {
    json.Object().Key("activeTargets").List();
    for (const TargetStatus& target : targets.active) {
      if ((any || state == "active") && (pool.empty() || target.scrape_pool == pool))
        WriteTarget(target, json);
    }
    json.EndList().Key("droppedTargets").List();
    for (const DroppedTargetStatus& target : targets.dropped) {
      if (!dropped || (!pool.empty() && target.scrape_pool != pool)) continue;
      json.Object().Key("discoveredLabels");
      WriteLabels(target.discovered_labels, json);
      json.Key("scrapePool").String(target.scrape_pool).EndObject();
    }
    json.EndList().Key("droppedTargetCounts");
    if (!dropped) {
      json.Null();
    } else {
      json.Object();
      for (const auto& [name, count] : targets.dropped_counts) json.Key(name).Integer(count);
      json.EndObject();
    }
    json.EndObject();
  });
}

http::Response PrometheusApi::Rules(const http::Request& request) const {
  const ApiParameters parameters(request);
  auto sets = parameters.Matchers(false);
  if (!sets) return ApiError(sets.error());
  const std::string type = Lower(parameters.First("type"));
  if (!type.empty() && type != "alert" && type != "record") {
    return ApiError(
        InvalidParameter("type", base::format("not supported value {}", base::GoQuote(type))));
  }
  const auto page = ReadPage(parameters);
  if (!page) return ApiError(page.error());
  const RuleFilter filter{parameters.All("rule_name[]"), parameters.All("rule_group[]"),
                          parameters.All("file[]"), *std::move(sets), type != "alert"};
  const std::vector<RuleGroupStatus> groups = status_.RuleGroups();

  auto first = groups.begin();
  if (page->groups > 0 && !page->token.empty()) {
    first = std::find_if(groups.begin(), groups.end(), [&](const RuleGroupStatus& group) {
      return GroupToken(group) == page->token;
    });
    if (first == groups.end()) {
      return ApiError(InvalidParameter(
          "group_next_token",
          base::format("invalid group_next_token '{}'. were rule groups changed?", page->token)));
    }
  }
  return ApiSuccess([&](document::JsonWriter& json) {
    std::size_t written = 0;
    std::string next;
    json.Object().Key("groups").List();
    for (auto group = first; group != groups.end(); ++group) {
      const auto rules = filter.Of(*group);
      if (rules.empty()) continue;
      if (page->groups > 0 && written == page->groups) {
        next = GroupToken(*group);
        break;
      }
      WriteGroup(*group, rules, json);
      ++written;
    }
    json.EndList();
    if (!next.empty()) json.Key("groupNextToken").String(next);
    json.EndObject();
  });
}

http::Response PrometheusApi::Alerts(const http::Request&) const {
  return ApiSuccess(
      [](document::JsonWriter& json) { json.Object().Key("alerts").List().EndList().EndObject(); });
}

http::Response PrometheusApi::Metadata(const http::Request& request) const {
  const ApiParameters parameters(request);
  const auto limit = LimitOr(parameters, "limit");
  if (!limit) return ApiError(limit.error());
  const auto per_metric = LimitOr(parameters, "limit_per_metric");
  if (!per_metric) return ApiError(per_metric.error());
  const std::string_view metric = parameters.First("metric");
  const auto metadata = status_.Metadata();
  return ApiSuccess([&](document::JsonWriter& json) {
    json.Object();
    long long families = 0;
    for (const auto& [name, entries] : metadata) {
      if (!metric.empty() && name != metric) continue;
      if (*limit >= 0 && families >= *limit) break;
      ++families;
      json.Key(name).List();
      long long written = 0;
      for (const model::Metadata& entry : entries) {
        if (*per_metric > 0 && written++ >= *per_metric) break;
        json.Object()
            .Key("type")
            .String(model::TypeName(entry.type))
            .Key("unit")
            .String(entry.unit);
        json.Key("help").String(entry.help).EndObject();
      }
      json.EndList();
    }
    json.EndObject();
  });
}

http::Response PrometheusApi::BuildInformation(const http::Request&) const {
  const BuildInfo& build = options_.build;
  return ApiSuccess([&](document::JsonWriter& json) {
    json.Object().Key("version").String(build.version).Key("revision").String(build.revision);
    json.Key("branch").String(build.branch).Key("buildUser").String(build.build_user);
    json.Key("buildDate")
        .String(build.build_date)
        .Key("goVersion")
        .String(build.compiler)
        .EndObject();
  });
}

}  // namespace plimsoll::serve
