// SPDX-License-Identifier: Apache-2.0
//
// Endpoints about rules and alerts.
#include <algorithm>
#include <cstdlib>
#include <limits>
#include <tuple>

#include "base/format.h"
#include "base/md5.h"
#include "base/number_text.h"
#include "serve/detail/api_answer.h"
#include "serve/detail/api_context.h"
#include "serve/detail/api_parameters.h"

namespace plimsoll::serve {
namespace {

void WriteRule(const RuleStatus& rule, bool with_alerts, document::JsonWriter& json) {
  const bool alerting = rule.type == RuleStatus::Type::kAlerting;
  json.Object();
  if (alerting) json.Key("state").String("unknown");  // as of one that was never evaluated
  json.Key("name").String(rule.name).Key("query").String(rule.query);
  if (alerting) {
    json.Key("duration").Number(rule.duration);
    json.Key("keepFiringFor").Number(rule.keep_firing_for);
  }
  json.Key("labels");
  WriteLabels(rule.labels, json);
  if (alerting) {
    json.Key("annotations");
    WriteLabels(rule.annotations, json);
    json.Key("alerts");
    // No alert is ever active; Go writes a list that was not made as null.
    with_alerts ? json.List().EndList() : json.Null();
  }
  json.Key("health").String(rule.health);
  if (!rule.last_error.empty()) json.Key("lastError").String(rule.last_error);
  json.Key("evaluationTime").Number(rule.evaluation_time).Key("lastEvaluation");
  WriteTime(rule.last_evaluation, json);
  json.Key("type").String(alerting ? "alerting" : "recording").EndObject();
}

void WriteGroup(const RuleGroupStatus& group, const std::vector<const RuleStatus*>& rules,
                bool with_alerts, document::JsonWriter& json) {
  json.Object().Key("name").String(group.name).Key("file").String(group.file).Key("rules").List();
  for (const RuleStatus* rule : rules) WriteRule(*rule, with_alerts, json);
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
  bool alerting = true;

  std::vector<const RuleStatus*> Of(const RuleGroupStatus& group) const {
    std::vector<const RuleStatus*> kept;
    if (!Wanted(groups, group.name) || !Wanted(files, group.file)) return kept;
    for (const RuleStatus& rule : group.rules) {
      const bool type = rule.type == RuleStatus::Type::kAlerting ? alerting : recording;
      if (!type || !Wanted(names, rule.name)) continue;
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

bool IsTrue(std::string_view text) { return text == "1" || text == "t" || text == "true"; }
// What strconv.ParseBool reads, in lower case.
bool IsGoBool(std::string_view text) {
  return IsTrue(text) || text == "0" || text == "f" || text == "false";
}

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
  const bool too_large = number && std::abs(*number) > std::numeric_limits<std::int32_t>::max();
  if (!number || too_large) {
    std::string why = too_large ? base::format("strconv.Atoi: parsing {}: value out of range",
                                               base::GoQuote(limit))
                                : number.error().message;
    why.replace(0, std::string_view("strconv.Atoi").size(), "strconv.ParseInt");
    return InvalidParameter("group_limit", "group_limit needs to be a valid number: " + why);
  }
  if (*number <= 0)
    return InvalidParameter("group_limit", "group_limit needs to be greater than 0");
  page.groups = static_cast<std::size_t>(*number);
  return page;
}

}  // namespace

http::Response RulesPage(const ApiContext& context, const http::Request& request) {
  const ApiParameters parameters(request);
  if (parameters.fault()) return ApiError(*parameters.fault());
  auto sets = parameters.Matchers(false);
  if (!sets) return ApiError(sets.error());
  const std::string type = LowerCase(parameters.First("type"));
  if (!type.empty() && type != "alert" && type != "record") {
    return ApiError(
        InvalidParameter("type", base::format("not supported value {}", base::GoQuote(type))));
  }
  const std::string exclude = LowerCase(parameters.First("exclude_alerts"));
  if (!exclude.empty() && !IsGoBool(exclude)) {
    return ApiError(InvalidParameter(
        "exclude_alerts",
        base::format(
            "error converting exclude_alerts: strconv.ParseBool: parsing {}: invalid syntax",
            base::GoQuote(exclude))));
  }
  const auto page = ReadPage(parameters);
  if (!page) return ApiError(page.error());
  const RuleFilter filter{parameters.All("rule_name[]"),
                          parameters.All("rule_group[]"),
                          parameters.All("file[]"),
                          *std::move(sets),
                          type != "alert",
                          type != "record"};
  std::vector<RuleGroupStatus> groups = context.status.RuleGroups();
  std::stable_sort(groups.begin(), groups.end(), [](const auto& a, const auto& b) {
    return std::tie(a.file, a.name) < std::tie(b.file, b.name);
  });

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
      WriteGroup(*group, rules, !IsTrue(exclude), json);
      ++written;
    }
    json.EndList();
    if (!next.empty()) json.Key("groupNextToken").String(next);
    json.EndObject();
  });
}

http::Response AlertsPage(const ApiContext&, const http::Request&) {
  return ApiSuccess(
      [](document::JsonWriter& json) { json.Object().Key("alerts").List().EndList().EndObject(); });
}

}  // namespace plimsoll::serve
