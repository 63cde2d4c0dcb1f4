// SPDX-License-Identifier: Apache-2.0
//
// The window: rules, external metrics, retention; the largest wins.
#include "app/window.h"

#include "base/format.h"
#include "base/number_text.h"
#include "promql/parser.h"
#include "promql/reach.h"
#include "ruler/dependencies.h"

namespace plimsoll::app {

base::Result<KeptWindow> WindowOf(const config::Config& config, const ruler::RuleSet& rules,
                                  const QueryOptions& query, std::chrono::milliseconds retention) {
  ruler::WindowOptions options;
  options.lookback = query.lookback;
  options.default_step = config.global.evaluation_interval.value_or(query.default_step);
  options.query_offset = config.global.rule_query_offset;
  options.max_window = config.max_window;
  document::Errors errors;
  const ruler::Window by_rules = ruler::RequiredWindow(rules, options, errors);
  if (!errors.empty()) return errors.list().front();
  KeptWindow window{retention, "--storage.retention.time"};
  if (by_rules.reach > window.length) window = {by_rules.reach, by_rules.set_by};
  for (const config::ExternalMetric& metric : config.external_metrics) {
    const auto expr = promql::Parse(metric.query);
    if (!expr) continue;  // the load has checked it
    const promql::Reach reach = promql::ReachOf(**expr, options.lookback, options.default_step);
    if (reach.fixed_at || reach.back > config.max_window) {
      return base::BadInput(
          fmt::format(
              "external metric '{}' reads {}, storage.max_window is {}", metric.name,
              reach.fixed_at ? "at a fixed time" : base::FormatDuration(reach.back) + " back",
              base::FormatDuration(config.max_window)),
          metric.where);
    }
    if (reach.back > window.length) window = {reach.back, "external metric " + metric.name};
  }
  return window;
}

}  // namespace plimsoll::app
