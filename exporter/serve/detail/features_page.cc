// SPDX-License-Identifier: Apache-2.0
//
// What this server can do, under Prometheus's names: clients choose their requests by it.
#include <array>
#include <map>
#include <string_view>

#include "promql/functions.h"
#include "serve/detail/api_answer.h"
#include "serve/detail/api_context.h"

namespace plimsoll::serve {
namespace {

using Features = std::map<std::string_view, bool>;

void WriteFeatures(std::string_view category, const Features& features,
                   document::JsonWriter& json) {
  json.Key(category).Object();
  for (const auto& [name, on] : features) json.Key(name).Bool(on);
  json.EndObject();
}

Features Operators(bool experimental) {
  using promql::AggregateOp;
  using promql::BinaryOp;
  Features operators = {{"=~", true}, {"!~", true}, {"@", true}};
  for (int op = 0; op <= static_cast<int>(BinaryOp::kTrimLower); ++op)
    operators[promql::OpText(static_cast<BinaryOp>(op))] = true;
  for (int op = 0; op <= static_cast<int>(AggregateOp::kLimitRatio); ++op) {
    const auto aggregate = static_cast<AggregateOp>(op);
    const bool behind_flag =
        aggregate == AggregateOp::kLimitk || aggregate == AggregateOp::kLimitRatio;
    operators[promql::OpText(aggregate)] = experimental || !behind_flag;
  }
  return operators;
}

}  // namespace

http::Response FeaturesPage(const ApiContext& context, const http::Request&) {
  const promql::ParseOptions& parse = context.options.parse;
  Features functions;
  for (const promql::Function& function : promql::Functions())
    functions[function.name] = parse.experimental_functions || !function.experimental;
  Features language = {{"at_modifier", true},
                       {"bool", true},
                       {"by", true},
                       {"duration_expr", true},
                       {"group_left", true},
                       {"group_right", true},
                       {"ignoring", true},
                       {"negative_offset", true},
                       {"offset", true},
                       {"on", true},
                       {"per_query_lookback_delta", true},
                       {"per_step_stats", false},
                       {"subqueries", true},
                       {"type_and_unit_labels", false},
                       {"without", true}};
  language["anchored"] = language["smoothed"] = parse.extended_range_selectors;
  language["fill"] = language["fill_left"] = language["fill_right"] = parse.binop_fill;
  language["delayed_name_removal"] = context.options.eval.features.delayed_name_removal;
  return ApiSuccess([&](document::JsonWriter& json) {
    json.Object();
    WriteFeatures("api",
                  {{"admin", false},
                   {"exclude_alerts", true},
                   {"label_values_match", true},
                   {"lifecycle", context.options.lifecycle},
                   {"otlp_write_receiver", false},
                   {"query_stats", true},
                   {"query_warnings", true},
                   {"remote_write_receiver", false},
                   {"search", false},
                   {"time_range_labels", true},
                   {"time_range_series", true}},
                  json);
    WriteFeatures("prometheus",
                  {{"agent_mode", false}, {"auto_reload_config", false}, {"server_mode", true}},
                  json);
    WriteFeatures("promql", language, json);
    WriteFeatures("promql_functions", functions, json);
    WriteFeatures("promql_operators", Operators(parse.experimental_functions), json);
    WriteFeatures("rules", {{"concurrent_rule_eval", false}, {"query_offset", true}}, json);
    WriteFeatures("scrape", {{"extra_scrape_metrics", true}}, json);
    WriteFeatures("service_discovery_providers", {{"file", true}, {"static", true}}, json);
    json.EndObject();
  });
}

}  // namespace plimsoll::serve
