// SPDX-License-Identifier: Apache-2.0
//
// One function for each JSON body. Shapes: recorded answers under test/fixtures/spark-*.
#include "engines/detail/spark_answers.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "base/format.h"
#include "base/number_text.h"
#include "document/json.h"
#include "engines/detail/flink_answers.h"

namespace plimsoll::engines::detail {
namespace {

using base::Result;
using document::Json;

Result<Json> Read(std::string_view body, Json::Kind kind, std::string_view what,
                  const SparkLimits& limits) {
  document::JsonLimits json_limits;
  json_limits.values = limits.values;
  auto json = document::ParseJson(body, std::string(what), json_limits);
  if (!json) return json;
  if (json->kind != kind) {
    return base::BadInput(fmt::format("{}: expected {}, found {}", what,
                                      kind == Json::Kind::kList ? "a list" : "an object",
                                      document::DescribeJson(*json)));
  }
  return json;
}

std::optional<double> Finite(std::optional<double> value) {
  return value && std::isfinite(*value) ? value : std::nullopt;
}
// Spark counts; what is below zero is its sign for "not known".
double CountOf(const Json& json, std::string_view name) {
  return std::max(0.0, Finite(json.Number(name)).value_or(0));
}
std::string TextOf(const Json& json, std::string_view name) {
  return std::string(json.String(name).value_or(std::string_view()));
}

// An id goes into a path: app-20260101000000-0000, application_1_0001, spark-0123abcd, local-1.
bool IsId(std::string_view text) {
  return !text.empty() && text.size() <= 200 && text.find("..") == std::string_view::npos &&
         text.front() != '.' && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '-' || c == '_' || c == '.';
         });
}

constexpr double kMebibyte = 1048576;

}  // namespace

Result<std::optional<SparkApplication>> ReadSparkApplications(std::string_view body,
                                                              const SparkLimits& limits) {
  constexpr std::string_view kPath = "/api/v1/applications";
  const auto json = Read(body, Json::Kind::kList, kPath, limits);
  if (!json) return json.error();
  if (json->items.empty()) return std::optional<SparkApplication>();
  if (json->items.size() > 1) {
    return base::BadInput(
        fmt::format("{}: expected one application, found {}: is this a history server? "
                    "Only a driver knows what it needs",
                    kPath, json->items.size()));
  }
  const Json& item = json->items.front();
  SparkApplication application{.id = TextOf(item, "id"),
                               .name = CutLabel(TextOf(item, "name"), limits.label_bytes)};
  if (!IsId(application.id))
    return base::BadInput(fmt::format("{}: expected an application's id in \"id\"", kPath));
  const Json* attempts = item.Find("attempts");
  if (attempts != nullptr && !attempts->items.empty()) {
    // The newest is first.
    const Json& attempt = attempts->items.front();
    application.version = CutLabel(TextOf(attempt, "appSparkVersion"), limits.label_bytes);
    const auto start = Finite(attempt.Number("startTimeEpoch"));
    if (start && *start > 0) application.start_time_seconds = *start / 1000;
  }
  return std::optional(std::move(application));
}

Result<SparkStages> ReadSparkStages(std::string_view body, const SparkLimits& limits) {
  const auto json = Read(body, Json::Kind::kList, "/stages", limits);
  if (!json) return json.error();
  SparkStages stages;
  for (const Json& item : json->items) {
    if (!Finite(item.Number("numTasks")))
      return base::BadInput("/stages: expected the number \"numTasks\"");
    if (stages.stages >= static_cast<double>(limits.stages)) {
      ++stages.left_out;
      continue;
    }
    ++stages.stages;
    // Not of tasks: one that is run again, because an executor took its result along, is another.
    const double done = CountOf(
        item, item.Find("numCompletedIndices") ? "numCompletedIndices" : "numCompleteTasks");
    const double left = std::max(0.0, CountOf(item, "numTasks") - done);
    // Copies of slow tasks and tasks that just ended may make more of them than are left.
    const double running = std::min(left, CountOf(item, "numActiveTasks"));
    stages.tasks_running += running;
    stages.tasks_waiting += left - running;
  }
  return stages;
}

Result<SparkExecutors> ReadSparkExecutors(std::string_view body, const SparkLimits& limits) {
  const auto json = Read(body, Json::Kind::kList, "/executors", limits);
  if (!json) return json.error();
  SparkExecutors executors;
  std::set<std::string> seen;
  for (const Json& item : json->items) {
    const std::string id = TextOf(item, "id");
    if (id.empty()) return base::BadInput("/executors: expected an executor's id in \"id\"");
    if (id == "driver" || !item.Bool("isActive").value_or(true) || !seen.insert(id).second)
      continue;
    if (executors.count >= static_cast<double>(limits.executors)) {
      ++executors.left_out;
      continue;
    }
    ++executors.count;
    const double cores = CountOf(item, "totalCores"), slots = CountOf(item, "maxTasks");
    executors.cores += cores;
    executors.slots += slots;
    executors.tasks += CountOf(item, "activeTasks");
    executors.memory_used += CountOf(item, "memoryUsed");
    executors.memory_max += CountOf(item, "maxMemory");
    executors.widest_cores = std::max(executors.widest_cores, cores);
    executors.widest_slots = std::max(executors.widest_slots, slots);
  }
  return executors;
}

Result<SparkSettings> ReadSparkSettings(std::string_view body, const SparkLimits& limits) {
  const auto json = Read(body, Json::Kind::kObject, "/environment", limits);
  if (!json) return json.error();
  const Json* list = json->Find("sparkProperties");
  if (list == nullptr || !list->is_list())
    return base::BadInput("/environment: expected the list \"sparkProperties\"");
  std::map<std::string_view, std::string_view> properties;
  for (const Json& pair : list->items) {
    if (pair.items.size() == 2 && pair.items[0].kind == Json::Kind::kString &&
        pair.items[1].kind == Json::Kind::kString)
      properties[pair.items[0].text] = pair.items[1].text;
  }
  const auto number = [&](std::string_view name) -> std::optional<double> {
    const auto found = properties.find(name);
    if (found == properties.end()) return std::nullopt;
    const auto value = Finite(base::ParseFloat(std::string(found->second)));
    return value && *value >= 0 ? value : std::nullopt;
  };
  const auto text = [&](std::string_view name) {
    const auto found = properties.find(name);
    return found == properties.end() ? std::string_view() : found->second;
  };

  SparkSettings settings;
  settings.dynamic = text("spark.dynamicAllocation.enabled") == "true";
  settings.executor_cores = number("spark.executor.cores");
  settings.task_cpus = number("spark.task.cpus");
  // The default profile knows what was not said, too.
  if (const Json* profiles = json->Find("resourceProfiles");
      profiles != nullptr && !profiles->items.empty()) {
    const auto amount = [&](const char* resources, const char* resource) -> std::optional<double> {
      const Json* found = profiles->items.front().At(resources, resource);
      return found == nullptr ? std::nullopt : Finite(found->Number("amount"));
    };
    if (!settings.executor_cores) settings.executor_cores = amount("executorResources", "cores");
    if (!settings.task_cpus) settings.task_cpus = amount("taskResources", "cpus");
  }
  if (settings.executor_cores && *settings.executor_cores < 1) settings.executor_cores.reset();
  if (settings.task_cpus && *settings.task_cpus <= 0) settings.task_cpus.reset();

  if (settings.dynamic) {
    settings.executors_min = number("spark.dynamicAllocation.minExecutors").value_or(0);
    settings.executors_max =
        number("spark.dynamicAllocation.maxExecutors").value_or(kUnlimitedExecutors);
    return settings;
  }
  // Without it the number is fixed: what was asked for, or on a standalone cluster all that fit.
  auto fixed = number("spark.executor.instances");
  const std::string_view master = text("spark.master");
  if (!fixed && (master.starts_with("k8s") || master.starts_with("yarn"))) fixed = 2;
  const auto most_cores = number("spark.cores.max");
  if (fixed) {
    settings.executors_min = settings.executors_max = *fixed;
  } else if (most_cores && settings.executor_cores) {
    settings.executors_max = std::floor(*most_cores / *settings.executor_cores);
  } else {
    settings.executors_max = kUnlimitedExecutors;
  }
  return settings;
}

Result<std::variant<SparkMaster, SparkWorker>> ReadSparkState(std::string_view body,
                                                              const SparkLimits& limits) {
  using State = std::variant<SparkMaster, SparkWorker>;
  const auto json = Read(body, Json::Kind::kObject, "/json/", limits);
  if (!json) return json.error();
  if (json->Find("masterurl") != nullptr && json->Find("executors") != nullptr) {
    return State(
        SparkWorker{.cores = CountOf(*json, "cores"),
                    .cores_used = CountOf(*json, "coresused"),
                    .memory_bytes = CountOf(*json, "memory") * kMebibyte,
                    .memory_used_bytes = CountOf(*json, "memoryused") * kMebibyte,
                    .executors = static_cast<double>(json->Find("executors")->items.size())});
  }
  const Json* workers = json->Find("workers");
  const Json* applications = json->Find("activeapps");
  if (workers == nullptr || !workers->is_list() || applications == nullptr ||
      !json->String("status")) {
    return base::BadInput(
        "/json/: expected \"workers\", \"activeapps\" and \"status\" of a Spark master, or "
        "\"masterurl\" and \"executors\" of a worker");
  }
  // Of all workers it keeps those that died or left, with what they had; its own sums do not.
  SparkMaster master{.status = TextOf(*json, "status"),
                     .cores = CountOf(*json, "cores"),
                     .cores_used = CountOf(*json, "coresused"),
                     .memory_bytes = CountOf(*json, "memory") * kMebibyte,
                     .memory_used_bytes = CountOf(*json, "memoryused") * kMebibyte};
  for (const char* state : {"alive", "dead", "decommissioned", "unknown"})
    master.workers[state] = 0;
  double read = 0;
  for (const Json& worker : workers->items) {
    if (read >= static_cast<double>(limits.workers)) {
      ++master.left_out;
      continue;
    }
    ++read;
    std::string state = TextOf(worker, "state");
    for (char& c : state) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const auto known = master.workers.find(state);
    ++(known == master.workers.end() ? master.workers["unknown"] : known->second);
    if (state == "alive")
      master.widest_worker_cores = std::max(master.widest_worker_cores, CountOf(worker, "cores"));
  }
  std::set<std::string> seen;
  for (const Json& item : applications->items) {
    const std::string id = CutLabel(TextOf(item, "id"), limits.label_bytes);
    if (!seen.insert(id).second) continue;
    if (master.applications.size() >= limits.applications) {
      ++master.left_out;
      continue;
    }
    master.applications.push_back({id, CutLabel(TextOf(item, "name"), limits.label_bytes),
                                   CutLabel(TextOf(item, "state"), 40), CountOf(item, "cores")});
  }
  return State(std::move(master));
}

}  // namespace plimsoll::engines::detail
