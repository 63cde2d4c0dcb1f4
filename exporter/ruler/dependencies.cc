// SPDX-License-Identifier: Apache-2.0
//
// The static analysis of rules. See ruler/dependencies.h.
#include "ruler/dependencies.h"

#include <algorithm>

#include "base/format.h"
#include "base/number_text.h"
#include "promql/functions.h"
#include "promql/reach.h"
#include "promql/walk.h"

namespace plimsoll::ruler {

namespace {

// Returns: the metric names of which a series must have one; empty if the name is open.
std::vector<std::string> NamesOf(const promql::VectorSelector& selector) {
  for (const model::Matcher& matcher : selector.matchers) {
    if (matcher.name() != model::kMetricName) continue;
    const bool positive = matcher.type() == model::Matcher::Type::kEqual ||
                          matcher.type() == model::Matcher::Type::kRegex;
    if (!positive || matcher.MatchesEmpty()) continue;
    auto names = matcher.Literals();
    if (!names.empty()) return names;
  }
  return {};
}

// info() joins with series that no selector names.
bool CallsInfo(const promql::Expr& expr) {
  const auto* call = std::get_if<promql::Call>(&expr.node);
  return call != nullptr && call->function->id() == promql::FunctionId::info;
}

bool AnyNode(const promql::Expr& expr, bool (*test)(const promql::Expr&)) {
  bool found = test(expr);
  promql::ForEachChild(expr,
                       [&](const promql::Expr& child) { found = found || AnyNode(child, test); });
  return found;
}

}  // namespace

bool MayRead(const promql::Expr& expr, std::string_view metric) {
  const auto selectors = promql::Selectors(expr);
  const bool selects = std::any_of(selectors.begin(), selectors.end(), [&](const auto* selector) {
    const auto names = NamesOf(*selector);
    return names.empty() || std::find(names.begin(), names.end(), metric) != names.end();
  });
  return selects || AnyNode(expr, CallsInfo);
}

Dependencies::Dependencies(const RuleSet& rules) {
  std::vector<const Rule*> open;
  for (const RuleFile& file : rules) {
    for (const Group& group : file.groups) {
      for (const Rule& rule : group.rules) {
        recorded_.insert(rule.record);
        open.push_back(&rule);
      }
    }
  }
  // A rule that reads a recorded name reads what that one reads: repeat until nothing is added.
  for (bool grown = true; grown;) {
    grown = false;
    std::erase_if(open, [&](const Rule* rule) {
      if (!ReadsScraped(*rule->expr)) return false;
      grown = from_scrapes_.insert(rule->record).second || grown;
      return true;
    });
  }
}

bool Dependencies::ReadsScraped(const promql::Expr& expr) const {
  const auto scraped = [&](const std::string& name) {
    if (name == kParamName) return false;
    return !IsRecorded(name) || from_scrapes_.count(name) > 0;
  };
  const auto selectors = promql::Selectors(expr);
  const bool reads = std::any_of(selectors.begin(), selectors.end(), [&](const auto* selector) {
    const auto names = NamesOf(*selector);
    return names.empty() || std::any_of(names.begin(), names.end(), scraped);
  });
  return reads || AnyNode(expr, CallsInfo);
}

Window RequiredWindow(const RuleSet& rules, const WindowOptions& options,
                      document::Errors& errors) {
  Window window;
  for (const RuleFile& file : rules) {
    for (const Group& group : file.groups) {
      for (const Rule& rule : group.rules) {
        const promql::Reach reach =
            promql::ReachOf(*rule.expr, options.lookback, options.default_step);
        const std::string name = NameOf(group, rule);
        if (reach.fixed_at) {
          errors.Add(name + ": the expression is fixed to a time with @, which no window can hold",
                     rule.where);
          continue;
        }
        const auto back = reach.back + group.query_offset.value_or(options.query_offset);
        if (back > options.max_window) {
          errors.Add(
              base::format(
                  "{}: the expression reads {} back, expected at most {} (storage.max_window)",
                  name, base::FormatDuration(back), base::FormatDuration(options.max_window)),
              rule.where);
          continue;
        }
        if (back <= window.reach) continue;
        window = {back, file.name + ": " + name};
      }
    }
  }
  return window;
}

}  // namespace plimsoll::ruler
