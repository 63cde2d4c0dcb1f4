// SPDX-License-Identifier: Apache-2.0
//
// One function for each body of the REST API. Shapes: recorded answers under test/fixtures/flink-*.
#include "engines/detail/flink_answers.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "base/format.h"
#include "base/number_text.h"
#include "base/utf8.h"
#include "document/json.h"

namespace plimsoll::engines::detail {
namespace {

using base::Result;
using document::Json;

// Reads `body`, which has to be of a kind.
Result<Json> Read(std::string_view body, Json::Kind kind, std::string_view what,
                  std::size_t values = FlinkLimits{}.values) {
  document::JsonLimits limits;
  limits.values = values;
  auto json = document::ParseJson(body, std::string(what), limits);
  if (!json) return json;
  if (json->kind != kind) {
    return base::BadInput(fmt::format("{}: expected {}, found {}", what,
                                      kind == Json::Kind::kList ? "a list" : "an object",
                                      document::DescribeJson(*json)));
  }
  return json;
}

// Numbers that cannot be samples are none.
std::optional<double> Finite(std::optional<double> value) {
  return value && std::isfinite(*value) ? value : std::nullopt;
}
double NumberOr0(const Json& json, std::string_view name) {
  return Finite(json.Number(name)).value_or(0);
}
std::string TextOf(const Json& json, std::string_view name) {
  return std::string(json.String(name).value_or(std::string_view()));
}
// An id goes into a path, so it is nothing else than the hexadecimal digits that Flink gives.
bool IsId(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

}  // namespace

bool FlinkJobSummary::Ended() const {
  return state == "FINISHED" || state == "CANCELED" || state == "FAILED" || state == "SUSPENDED";
}

bool FlinkJob::AllTasksRun() const {
  if (state != "RUNNING" || vertices.empty() || left_out > 0) return false;
  bool any = false;
  for (const FlinkVertex& vertex : vertices) {
    if (vertex.parallelism < 1 || vertex.running + vertex.finished != vertex.parallelism)
      return false;
    any = any || vertex.running > 0;
  }
  return any;
}

Result<FlinkOverview> ReadOverview(std::string_view body) {
  const auto json = Read(body, Json::Kind::kObject, "/overview");
  if (!json) return json.error();
  for (const char* name : {"taskmanagers", "slots-total", "slots-available"}) {
    if (!Finite(json->Number(name))) {
      return base::BadInput(
          fmt::format("/overview: expected the number \"{}\": is this a Flink JobManager?", name));
    }
  }
  return FlinkOverview{.task_managers = NumberOr0(*json, "taskmanagers"),
                       .slots_total = NumberOr0(*json, "slots-total"),
                       .slots_available = NumberOr0(*json, "slots-available"),
                       .running = NumberOr0(*json, "jobs-running"),
                       .finished = NumberOr0(*json, "jobs-finished"),
                       .cancelled = NumberOr0(*json, "jobs-cancelled"),
                       .failed = NumberOr0(*json, "jobs-failed"),
                       .version = TextOf(*json, "flink-version")};
}

Result<FlinkJobs> ReadJobs(std::string_view body, const FlinkLimits& limits) {
  const auto json = Read(body, Json::Kind::kObject, "/jobs/overview", limits.values);
  if (!json) return json.error();
  const Json* list = json->Find("jobs");
  if (list == nullptr || !list->is_list())
    return base::BadInput("/jobs/overview: expected the list \"jobs\"");
  FlinkJobs jobs;
  std::set<std::string> seen;
  for (const Json& item : list->items) {
    FlinkJobSummary job{.id = TextOf(item, "jid"),
                        .name = CutLabel(TextOf(item, "name"), limits.label_bytes),
                        .state = TextOf(item, "state"),
                        .start_time_ms = NumberOr0(item, "start-time")};
    if (!IsId(job.id)) return base::BadInput("/jobs/overview: expected a job's id in \"jid\"");
    if (const Json* tasks = item.Find("tasks")) {
      job.tasks = NumberOr0(*tasks, "total");
      job.running = NumberOr0(*tasks, "running");
      job.scheduled = NumberOr0(*tasks, "scheduled");
    }
    if (job.Ended() || !seen.insert(job.id).second) continue;
    if (jobs.unfinished.size() >= limits.jobs) {
      ++jobs.left_out;
      continue;
    }
    jobs.unfinished.push_back(std::move(job));
  }
  return jobs;
}

namespace {

void ReadInputs(const Json& plan, const FlinkLimits& limits, FlinkJob& job) {
  const Json* nodes = plan.Find("nodes");
  if (nodes == nullptr) return;
  for (const Json& node : nodes->items) {
    const std::string id = TextOf(node, "id");
    const auto vertex = std::find_if(job.vertices.begin(), job.vertices.end(),
                                     [&](const FlinkVertex& known) { return known.id == id; });
    if (vertex == job.vertices.end()) continue;
    const Json* inputs = node.Find("inputs");
    vertex->is_source = inputs == nullptr || inputs->items.empty();
    if (inputs == nullptr) continue;
    for (const Json& input : inputs->items) {
      FlinkInput read{TextOf(input, "id"), CutLabel(TextOf(input, "ship_strategy"), 40)};
      const bool known =
          std::any_of(vertex->inputs.begin(), vertex->inputs.end(),
                      [&](const FlinkInput& before) { return before.vertex == read.vertex; });
      if (known || !IsId(read.vertex)) continue;  // two edges between two vertices are one input
      if (vertex->inputs.size() >= limits.inputs) {
        ++job.left_out;
        return;
      }
      vertex->inputs.push_back(std::move(read));
    }
  }
}

}  // namespace

Result<FlinkJob> ReadJob(std::string_view body, const FlinkLimits& limits) {
  const auto json = Read(body, Json::Kind::kObject, "/jobs/:jobid", limits.values);
  if (!json) return json.error();
  FlinkJob job{.id = TextOf(*json, "jid"),
               .state = TextOf(*json, "state"),
               .type = TextOf(*json, "job-type"),
               .now_ms = NumberOr0(*json, "now")};
  const Json* vertices = json->Find("vertices");
  if (!IsId(job.id) || vertices == nullptr || !vertices->is_list())
    return base::BadInput("/jobs/:jobid: expected \"jid\" and the list \"vertices\"");
  if (const Json* times = json->Find("timestamps"))
    job.running_since_ms = NumberOr0(*times, "RUNNING");
  for (const Json& item : vertices->items) {
    FlinkVertex vertex{.id = TextOf(item, "id"),
                       .name = CutLabel(TextOf(item, "name"), limits.label_bytes),
                       .slot_group = TextOf(item, "slotSharingGroupId"),
                       .parallelism = NumberOr0(item, "parallelism"),
                       .max_parallelism = NumberOr0(item, "maxParallelism"),
                       .start_time_ms = NumberOr0(item, "start-time")};
    if (!IsId(vertex.id)) return base::BadInput("/jobs/:jobid: expected a vertex's id in \"id\"");
    const bool known = std::any_of(job.vertices.begin(), job.vertices.end(),
                                   [&](const FlinkVertex& v) { return v.id == vertex.id; });
    if (known || job.vertices.size() >= limits.vertices) {
      ++job.left_out;
      continue;
    }
    vertex.is_source = vertex.name.starts_with("Source: ");
    if (const Json* tasks = item.Find("tasks")) {
      vertex.running = NumberOr0(*tasks, "RUNNING");
      vertex.finished = NumberOr0(*tasks, "FINISHED");
      vertex.scheduled = NumberOr0(*tasks, "SCHEDULED");
      vertex.deploying = NumberOr0(*tasks, "DEPLOYING") + NumberOr0(*tasks, "INITIALIZING");
    }
    job.vertices.push_back(std::move(vertex));
  }
  if (const Json* plan = json->Find("plan")) ReadInputs(*plan, limits, job);
  return job;
}

Result<FlinkCheckpoints> ReadCheckpoints(std::string_view body, const FlinkLimits& limits) {
  const auto json = Read(body, Json::Kind::kObject, "/jobs/:jobid/checkpoints", limits.values);
  if (!json) return json.error();
  FlinkCheckpoints checkpoints;
  if (const Json* counts = json->Find("counts")) {
    checkpoints.completed = NumberOr0(*counts, "completed");
    checkpoints.failed = NumberOr0(*counts, "failed");
    checkpoints.in_progress = NumberOr0(*counts, "in_progress");
  }
  if (const Json* latest = json->At("latest", "completed")) {
    checkpoints.latest_ack_ms = Finite(latest->Number("latest_ack_timestamp"));
    checkpoints.latest_duration_ms = Finite(latest->Number("end_to_end_duration"));
  }
  return checkpoints;
}

Result<std::optional<double>> ReadCheckpointInterval(std::string_view body) {
  const auto json = Read(body, Json::Kind::kObject, "/jobs/:jobid/checkpoints/config");
  if (!json) return json.error();
  const auto interval = Finite(json->Number("interval"));
  if (!interval) return base::BadInput("/jobs/:jobid/checkpoints/config: expected \"interval\"");
  // Long.MAX_VALUE: on, but never by itself.
  if (*interval <= 0 || *interval > 1e15) return std::optional<double>();
  return interval;
}

Result<FlinkNames> ReadNames(std::string_view body, const FlinkLimits& limits) {
  const auto json = Read(body, Json::Kind::kList, "a list of metrics", limits.values);
  if (!json) return json.error();
  FlinkNames listed;
  std::set<std::string_view> seen;
  for (const Json& item : json->items) {
    const auto id = item.String("id");
    if (!id || !seen.insert(*id).second) continue;
    if (listed.names.size() >= limits.names) {
      ++listed.left_out;
    } else {
      listed.names.emplace_back(*id);
    }
  }
  return listed;
}

Result<FlinkValues> ReadAggregates(std::string_view body, const FlinkLimits& limits) {
  const auto json = Read(body, Json::Kind::kList, "aggregated metrics", limits.values);
  if (!json) return json.error();
  FlinkValues values;
  for (const Json& item : json->items) {
    const auto id = item.String("id");
    if (!id) return base::BadInput("aggregated metrics: expected \"id\"");
    values[std::string(*id)] = {.min = Finite(item.Number("min")),
                                .max = Finite(item.Number("max")),
                                .avg = Finite(item.Number("avg")),
                                .sum = Finite(item.Number("sum"))};
  }
  return values;
}

Result<std::map<std::string, double>> ReadValues(std::string_view body, const FlinkLimits& limits) {
  const auto json = Read(body, Json::Kind::kList, "metrics", limits.values);
  if (!json) return json.error();
  std::map<std::string, double> values;
  for (const Json& item : json->items) {
    const auto id = item.String("id");
    const auto text = item.String("value");
    if (!id || !text) continue;
    if (const auto value = base::ParseFloat(*text); value && std::isfinite(*value))
      values[std::string(*id)] = *value;
  }
  return values;
}

Result<std::map<std::string, FlinkBounds>> ReadRequirements(std::string_view body,
                                                            const FlinkLimits& limits) {
  const auto json =
      Read(body, Json::Kind::kObject, "/jobs/:jobid/resource-requirements", limits.values);
  if (!json) return json.error();
  std::map<std::string, FlinkBounds> bounds;
  for (const auto& [id, member] : json->members) {
    const Json* parallelism = member.Find("parallelism");
    if (!IsId(id) || parallelism == nullptr || bounds.size() >= limits.vertices) continue;
    bounds[id] = {NumberOr0(*parallelism, "lowerBound"), NumberOr0(*parallelism, "upperBound")};
  }
  return bounds;
}

Result<std::map<std::string, std::string>> ReadConfig(std::string_view body,
                                                      const FlinkLimits& limits) {
  const auto json = Read(body, Json::Kind::kList, "/jobmanager/config", limits.values);
  if (!json) return json.error();
  std::map<std::string, std::string> config;
  for (const Json& item : json->items) {
    const auto key = item.String("key");
    const auto value = item.String("value");
    if (key && value) config[std::string(*key)] = std::string(*value);
  }
  return config;
}

// A partition shows in the names of its metrics, once for each reader's metric: as
// "....KafkaSourceReader.topic.T.partition.N.currentOffset" or
// "....PulsarConsumer.T-partition-N.....numMsgsReceived".
std::size_t CountPartitions(const std::vector<std::string>& names) {
  std::set<std::string_view> partitions;
  for (const std::string_view name : names) {
    if (name.ends_with(".currentOffset")) {
      const auto at = name.find(".KafkaSourceReader.topic.");
      if (at != std::string_view::npos && name.find(".partition.", at) != std::string_view::npos)
        partitions.insert(name.substr(at));
    } else if (name.ends_with(".numMsgsReceived")) {
      const auto at = name.find(".PulsarConsumer.");
      const auto number = name.find("-partition-", at == std::string_view::npos ? 0 : at);
      if (at == std::string_view::npos || number == std::string_view::npos) continue;
      partitions.insert(name.substr(at, name.find('.', number) - at));
    }
  }
  return partitions.size();
}

std::string CutLabel(std::string_view text, std::size_t bytes) {
  return std::string(base::CutUtf8(text, bytes));
}

}  // namespace plimsoll::engines::detail
