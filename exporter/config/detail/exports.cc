// SPDX-License-Identifier: Apache-2.0
//
// What leaves the process: params, signals and external_metrics (docs/configuration.md).
//
// These sections are ours, so they are checked as strictly as the HPA needs: a policy that could
// serve a false zero, or a value that a HorizontalPodAutoscaler misreads, does not load.
#include <algorithm>
#include <cmath>
#include <map>

#include "base/format.h"
#include "base/number_text.h"
#include "config/detail/reading.h"
#include "promql/parser.h"

namespace plimsoll::config::detail {

using document::MapReader;
using document::YamlNode;

namespace {

std::string Text(double value) { return base::SprintFloat(value); }

// Takes "LINE:COLUMN: " off the front of a parser's error and says where in the YAML that is.
void AddQueryError(const base::Error& error, const std::string& query, const YamlNode& node,
                   Reading& reading) {
  int line = 0, column = 0;
  std::string_view message = error.message;
  const auto number = [&message](int& out) {
    std::size_t i = 0;
    while (i < message.size() && message[i] >= '0' && message[i] <= '9' && i < 9)
      out = out * 10 + (message[i++] - '0');
    if (i == 0 || i >= message.size() || message[i] != ':') return false;
    message.remove_prefix(i + 1);
    return true;
  };
  base::Place place = node.where();
  if (number(line) && number(column)) {
    std::size_t offset = 0;
    for (int at = 1; at < line && offset != std::string::npos; ++at) {
      offset = query.find('\n', offset);
      if (offset != std::string::npos) ++offset;
    }
    if (offset != std::string::npos) {
      place = reading.document.PlaceOf(node,
                                       offset + static_cast<std::size_t>(std::max(column, 1) - 1));
    }
    message.remove_prefix(std::min(message.find_first_not_of(' '), message.size()));
  } else {
    message = error.message;
  }
  reading.errors.Add("'query': " + std::string(message), std::move(place));
}

void ReadQuery(MapReader& map, ExternalMetric& metric, Reading& reading) {
  const YamlNode* node = map.Get("query");
  if (!map.Read("query", metric.query) || metric.query.empty()) {
    if (node == nullptr || node->kind == YamlNode::Kind::kScalar) {
      reading.errors.Add("an external metric needs a query", map.where("query"));
    }
    return;
  }
  const auto expr = promql::Parse(metric.query, reading.options.promql);
  if (!expr) {
    AddQueryError(expr.error(), metric.query, *node, reading);
  } else if ((*expr)->type != promql::ValueType::kVector &&
             (*expr)->type != promql::ValueType::kScalar) {
    map.Fail("query", fmt::format("expected an instant vector or a scalar, found a {}",
                                  promql::TypeText((*expr)->type)));
  }
}

void ReadNamespaces(MapReader& map, ExternalMetric& metric) {
  if (!map.Read("namespaces", metric.namespaces)) return;
  const YamlNode* list = map.Get("namespaces");
  std::vector<std::string> seen;
  for (std::size_t i = 0; i < metric.namespaces.size(); ++i) {
    const std::string& name = metric.namespaces[i];
    const base::Place where = list->items[i]->where();
    if (name == "*") {
      if (metric.namespaces.size() > 1)
        map.errors().Add("'namespaces': \"*\" means all and stands alone", where);
    } else if (!IsNamespaceName(name)) {
      map.errors().Add(
          fmt::format("'namespaces': {} is not a namespace's name", base::GoQuote(name)), where);
    } else if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      map.errors().Add(fmt::format("'namespaces': {} is listed twice", base::GoQuote(name)), where);
    }
    seen.push_back(name);
  }
}

// A number that an HPA can be told.
bool ReadQuantity(MapReader& map, std::string_view key, double& out) {
  double value = 0;
  if (!map.Read(key, value)) return false;
  if (!IsQuantity(value)) {
    map.Fail(key, fmt::format("expected a number between -{0} and {0}, found {1}",
                              Text(kMostQuantity), Text(value)));
    return false;
  }
  out = value;
  return true;
}
bool ReadQuantity(MapReader& map, std::string_view key, std::optional<double>& out) {
  double value = 0;
  if (!ReadQuantity(map, key, value)) return false;
  out = value;
  return true;
}

void ReadWhenStale(MapReader& outer, ExternalMetric& metric, Reading& reading) {
  const YamlNode* node = outer.Get("when_stale");
  if (node == nullptr) return;
  if (node->kind == YamlNode::Kind::kScalar && node->text == "error") return;
  if (node->kind != YamlNode::Kind::kMap) {
    outer.Fail("when_stale",
               "expected 'error' or a mapping with hold and then, found " + DescribeYaml(*node));
    return;
  }
  MapReader map(*node, "when_stale", reading.errors);
  map.Read("hold", metric.hold);
  const YamlNode* then = map.Get("then");
  if (then != nullptr) {
    ExternalMetric::Fallback fallback;
    bool good = false;
    if (then->kind == YamlNode::Kind::kMap) {
      fallback.exactly = true;
      MapReader inner(*then, "then", reading.errors);
      good = ReadQuantity(inner, "exactly", fallback.value);
      if (inner.Finish() && !good)
        reading.errors.Add("'then': expected a number, or {exactly: number}", then->where());
    } else {
      good = ReadQuantity(map, "then", fallback.value);
    }
    if (good) metric.then = fallback;
  }
  map.Finish();
}

void ReadWhenEmpty(MapReader& map, ExternalMetric& metric) {
  const YamlNode* node = map.Get("when_empty");
  if (node == nullptr || (node->kind == YamlNode::Kind::kScalar && node->text == "error")) return;
  if (document::YamlDouble(*node)) {
    ReadQuantity(map, "when_empty", metric.when_empty);
  } else {
    map.Fail("when_empty", "expected 'error' or a number, found " + DescribeYaml(*node));
  }
}

void ReadRanges(MapReader& outer, ExternalMetric& metric, Reading& reading) {
  if (const YamlNode* node = outer.Map("valid")) {
    MapReader map(*node, "valid", reading.errors);
    ReadQuantity(map, "min", metric.valid_min);
    ReadQuantity(map, "max", metric.valid_max);
    map.Finish();
  }
  if (const YamlNode* node = outer.Map("clamp")) {
    MapReader map(*node, "clamp", reading.errors);
    ReadQuantity(map, "min", metric.clamp_min);
    ReadQuantity(map, "max", metric.clamp_max);
    map.Finish();
  }
}

ExternalMetric ReadExternalMetric(const YamlNode& node, Reading& reading) {
  ExternalMetric metric;
  metric.where = node.where();
  MapReader map(node, "external_metrics", reading.errors);
  const bool has_name = map.Read("name", metric.name);
  if (has_name || map.Get("name") == nullptr) {
    if (std::string text = ExternalMetricNameProblem(metric.name); !text.empty()) {
      reading.errors.Add("'name': " + std::move(text), map.where("name"));
    }
  }
  ReadWord(map, "type", kMetricTypes, metric.type);
  ReadQuery(map, metric, reading);
  ReadNamespaces(map, metric);
  map.Read("max_age", metric.max_age);
  ReadWhenStale(map, metric, reading);
  ReadWhenEmpty(map, metric);
  ReadWord(map, "several", kSeveral, metric.several);
  ReadRanges(map, metric, reading);
  ReadWord(map, "round", kRound, metric.round);
  for (const PolicyProblem& problem : PolicyProblems(metric)) map.Fail(problem.key, problem.text);
  map.Finish();
  return metric;
}

// Two metrics of one name may not meet in a namespace. No namespace means our own, which is known
// only at run time, so it meets only itself and "*" here.
void CheckUnique(const std::vector<ExternalMetric>& metrics, Reading& reading) {
  std::map<std::string, std::map<std::string, const ExternalMetric*>> by_name;
  for (const ExternalMetric& metric : metrics) {
    if (metric.name.empty()) continue;
    auto& taken = by_name[metric.name];
    std::vector<std::string> spaces = metric.namespaces;
    if (spaces.empty()) spaces.emplace_back();
    for (const std::string& space : spaces) {
      const ExternalMetric* other = nullptr;
      if (space == "*" && !taken.empty()) {
        other = taken.begin()->second;
      } else if (const auto found = taken.find(space); found != taken.end()) {
        other = found->second;
      } else if (const auto all = taken.find("*"); all != taken.end()) {
        other = all->second;
      }
      if (other != nullptr && other != &metric) {
        reading.errors.Add(
            fmt::format(
                "external metric {} is defined twice{}, first in line {}",
                base::GoQuote(metric.name),
                space.empty() || space == "*" ? "" : " for namespace " + base::GoQuote(space),
                other->where.line),
            metric.where);
      }
      taken.emplace(space, &metric);
    }
  }
}

}  // namespace

std::vector<ExternalMetric> ReadExternalMetrics(const YamlNode* list, Reading& reading) {
  std::vector<ExternalMetric> metrics;
  if (list == nullptr) return metrics;
  for (const YamlNode* item : list->items) metrics.push_back(ReadExternalMetric(*item, reading));
  CheckUnique(metrics, reading);
  return metrics;
}

std::vector<Signal> ReadSignals(const YamlNode* list, Reading& reading) {
  std::vector<Signal> signals;
  if (list == nullptr) return signals;
  std::map<std::string, int> lines;
  for (const YamlNode* item : list->items) {
    Signal signal;
    signal.where = item->where();
    MapReader map(*item, "signals", reading.errors);
    const bool has_name = map.Read("name", signal.name);
    map.Read("help", signal.help);
    map.Read("unit", signal.unit);
    ReadWord(map, "type", kSignalTypes, signal.type);
    map.Finish();
    if (has_name || map.Get("name") == nullptr) {
      if (!model::IsLegacyMetricName(signal.name)) {
        reading.errors.Add(
            fmt::format("'name': expected a metric name, found {}", base::GoQuote(signal.name)),
            map.where("name"));
      } else if (signal.name.starts_with("plimsoll_")) {
        reading.errors.Add(
            "'name': names that begin with plimsoll_ are those of plimsoll's own metrics",
            map.where("name"));
      } else if (const auto [first, fresh] = lines.emplace(signal.name, signal.where.line);
                 !fresh) {
        reading.errors.Add(
            fmt::format("signal {} is defined twice, first in line {}", signal.name, first->second),
            signal.where);
      }
    }
    signals.push_back(std::move(signal));
  }
  return signals;
}

std::vector<std::pair<std::string, double>> ReadParams(const YamlNode* node, Reading& reading) {
  std::vector<std::pair<std::string, double>> params;
  if (node == nullptr) return params;
  MapReader map(*node, "params", reading.errors);
  for (const auto& [key, value] : node->entries) {
    double number = 0;
    if (value->kind == YamlNode::Kind::kNull) {
      map.Fail(key->text, "expected a number, found nothing");
    } else if (map.Read(key->text, number) && !std::isfinite(number)) {
      map.Fail(key->text, "expected a finite number, found " + Text(number));
    }
    if (key->text.empty()) reading.errors.Add("a parameter needs a name", key->where());
    params.emplace_back(key->text, number);
  }
  return params;
}

}  // namespace plimsoll::config::detail
