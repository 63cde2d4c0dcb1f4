// SPDX-License-Identifier: Apache-2.0
//
// Endpoints about who is scraped, and what the scraped pages say about their metrics.
#include <algorithm>
#include <map>

#include "base/format.h"
#include "base/number_text.h"
#include "promql/parser.h"
#include "serve/detail/api_answer.h"
#include "serve/detail/api_context.h"
#include "serve/detail/api_parameters.h"

namespace plimsoll::serve {
namespace {

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

base::Result<long long> LimitOr(const ApiParameters& parameters, std::string_view name) {
  const std::string_view text = parameters.First(name);
  if (text.empty()) return -1LL;
  const auto number = Atoi(text);
  if (!number) return base::BadInput(base::format("{} must be a number", name));
  return *number;
}

}  // namespace

http::Response TargetsPage(const ApiContext& context, const http::Request& request) {
  const ApiParameters parameters(request);
  const std::string state = LowerCase(parameters.First("state"));
  const std::string_view pool = parameters.First("scrapePool");
  const bool any = state.empty() || state == "any";
  const bool dropped = any || state == "dropped";
  const TargetsStatus targets = context.status.Targets();
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

http::Response TargetMetadataPage(const ApiContext& context, const http::Request& request) {
  const ApiParameters parameters(request);
  const auto limit = LimitOr(parameters, "limit");
  if (!limit) return ApiError(limit.error());
  model::Matchers matchers;
  if (const std::string_view text = parameters.First("match_target"); !text.empty()) {
    auto parsed = promql::ParseSelector(text);
    if (!parsed) return ApiError(InvalidParameter("match_target", parsed.error().message));
    matchers = *std::move(parsed);
  }
  const std::string_view metric = parameters.First("metric");
  const std::vector<TargetMetadata> targets = context.status.MetadataOfTargets();
  return ApiSuccess([&](document::JsonWriter& json) {
    json.List();
    long long written = 0;
    const auto write = [&](const TargetMetadata& target, std::string_view family,
                           const model::Metadata& entry) {
      ++written;
      json.Object().Key("target");
      WriteLabels(target.labels, json);
      if (metric.empty()) json.Key("metric").String(family);
      json.Key("type").String(model::TypeName(entry.type)).Key("help").String(entry.help);
      json.Key("unit").String(entry.unit).EndObject();
    };
    for (const TargetMetadata& target : targets) {
      // As the server: the limit is looked at between targets.
      if (*limit >= 0 && written >= *limit) break;
      if (!model::MatchesAll(matchers, target.labels)) continue;
      if (metric.empty()) {
        for (const auto& [family, entry] : target.families) write(target, family, *entry);
      } else if (const auto entry = target.families.find(metric); entry != target.families.end()) {
        write(target, metric, *entry->second);
      }
    }
    json.EndList();
  });
}

http::Response MetadataPage(const ApiContext& context, const http::Request& request) {
  const ApiParameters parameters(request);
  const auto limit = LimitOr(parameters, "limit");
  if (!limit) return ApiError(limit.error());
  const auto per_metric = LimitOr(parameters, "limit_per_metric");
  if (!per_metric) return ApiError(per_metric.error());
  const std::string_view metric = parameters.First("metric");
  // Several entries when pools disagree.
  std::map<std::string, std::vector<model::Metadata>> families;
  for (const auto& [pool, metadata] : context.status.Metadata()) {
    for (const auto& [name, entry] : metadata) {
      if (!metric.empty() && name != metric) continue;
      auto& known = families[name];
      const bool full = *per_metric > 0 && static_cast<long long>(known.size()) >= *per_metric;
      if (!full && std::find(known.begin(), known.end(), entry) == known.end())
        known.push_back(entry);
    }
  }
  return ApiSuccess([&](document::JsonWriter& json) {
    json.Object();
    long long written = 0;
    for (const auto& [name, entries] : families) {
      if (*limit >= 0 && written++ >= *limit) break;
      json.Key(name).List();
      for (const model::Metadata& entry : entries) {
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

http::Response ScrapePoolsPage(const ApiContext& context, const http::Request&) {
  const auto metadata = context.status.Metadata();
  return ApiSuccess([&](document::JsonWriter& json) {
    json.Object().Key("scrapePools").List();
    for (const auto& [pool, families] : metadata) json.String(pool);
    json.EndList().EndObject();
  });
}

http::Response ScrapePoolConfigPage(const ApiContext& context, const http::Request& request) {
  const ApiParameters parameters(request);
  const std::string_view pool = parameters.First("scrapePool");
  if (pool.empty()) return ApiError(base::BadInput("no scrapePool parameter provided"));
  const auto yaml = context.status.PoolYaml(pool);
  if (!yaml) {
    return ApiError(base::BadInput(base::format(
        "error retrieving scrape config: scrape pool {} not found", base::GoQuote(pool))));
  }
  return ApiSuccess(
      [&](document::JsonWriter& json) { json.Object().Key("yaml").String(*yaml).EndObject(); });
}

http::Response AlertmanagersPage(const ApiContext&, const http::Request&) {
  return ApiSuccess([](document::JsonWriter& json) {
    json.Object().Key("activeAlertmanagers").List().EndList();
    json.Key("droppedAlertmanagers").List().EndList().EndObject();
  });
}

}  // namespace plimsoll::serve
