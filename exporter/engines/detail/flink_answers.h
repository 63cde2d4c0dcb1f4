// SPDX-License-Identifier: Apache-2.0
//
// What Flink's REST API answers, as values.
//
// Only what the collector uses is read, and nothing is demanded that a release might leave out: a
// member that is absent or of another type is a default or nothing. Bodies that are no JSON, or not
// of the shape that the path promises, are errors.
//
// Threads: pure functions.
// Bounds:  FlinkLimits; what is left out is counted in the value.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace plimsoll::engines::detail {

struct FlinkLimits {
  std::size_t jobs = 50;          // unfinished ones that are read
  std::size_t vertices = 500;     // of a job
  std::size_t inputs = 50;        // of a vertex
  std::size_t names = 20000;      // of metrics in a list
  std::size_t values = 500000;    // of any JSON answer
  std::size_t label_bytes = 200;  // of a job's or a vertex's name
};

struct FlinkOverview {
  double task_managers = 0, slots_total = 0, slots_available = 0;
  double running = 0, finished = 0, cancelled = 0, failed = 0;
  std::string version = {};
};

struct FlinkJobSummary {
  std::string id = {}, name = {}, state = {};
  double start_time_ms = 0;
  double tasks = 0, running = 0, scheduled = 0;
  bool Ended() const;
};
struct FlinkJobs {
  std::vector<FlinkJobSummary> unfinished;
  std::uint64_t left_out = 0;
};

struct FlinkInput {
  std::string vertex;
  std::string ship_strategy;
};
struct FlinkVertex {
  std::string id = {}, name = {}, slot_group = {};
  double parallelism = 0, max_parallelism = 0;
  double start_time_ms = 0;
  double running = 0, finished = 0, scheduled = 0, deploying = 0;  // tasks
  std::vector<FlinkInput> inputs = {};
  bool is_source = false;
};
struct FlinkJob {
  std::string id = {}, state = {}, type = {};
  double now_ms = 0, running_since_ms = 0;
  std::vector<FlinkVertex> vertices = {};
  std::uint64_t left_out = 0;

  // Whether the body itself says that every task of the job runs, or has ended among others that
  // run. Before that, and between two executions, its parallelism may be the maximum.
  bool AllTasksRun() const;
  bool IsBatch() const { return type == "BATCH"; }
};

struct FlinkCheckpoints {
  double completed = 0, failed = 0, in_progress = 0;
  std::optional<double> latest_ack_ms, latest_duration_ms;
};

// "agg" answers: name to aggregate to value.
struct FlinkAggregates {
  std::optional<double> min = {}, max = {}, avg = {}, sum = {};
};
using FlinkValues = std::map<std::string, FlinkAggregates>;

struct FlinkBounds {
  double lower = 0, upper = 0;
};

base::Result<FlinkOverview> ReadOverview(std::string_view body);
base::Result<FlinkJobs> ReadJobs(std::string_view body, const FlinkLimits& limits);
base::Result<FlinkJob> ReadJob(std::string_view body, const FlinkLimits& limits);
base::Result<FlinkCheckpoints> ReadCheckpoints(std::string_view body, const FlinkLimits& limits);
// Returns: the interval in milliseconds; nothing when checkpoints are only made by hand.
base::Result<std::optional<double>> ReadCheckpointInterval(std::string_view body);
struct FlinkNames {
  std::vector<std::string> names;
  std::uint64_t left_out = 0;
};
base::Result<FlinkNames> ReadNames(std::string_view body, const FlinkLimits& limits);
base::Result<FlinkValues> ReadAggregates(std::string_view body, const FlinkLimits& limits);
// Answers without "agg": numbers as text.
base::Result<std::map<std::string, double>> ReadValues(std::string_view body,
                                                       const FlinkLimits& limits);
// By vertex.
base::Result<std::map<std::string, FlinkBounds>> ReadRequirements(std::string_view body,
                                                                  const FlinkLimits& limits);
base::Result<std::map<std::string, std::string>> ReadConfig(std::string_view body,
                                                            const FlinkLimits& limits);

// How many partitions of Kafka topics or Pulsar subscriptions the listed names tell of.
std::size_t CountPartitions(const std::vector<std::string>& names);

// Cuts a text that becomes a label's value at a character's border.
std::string CutLabel(std::string_view text, std::size_t bytes);

}  // namespace plimsoll::engines::detail
