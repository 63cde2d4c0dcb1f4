// SPDX-License-Identifier: Apache-2.0
//
// What a Spark driver, master or worker answers, as values.
//
// Only what the collector uses is read. A member that is absent or of another type is a default or
// nothing; a body that is not of the shape that its path promises is an error. The driver's own
// metrics come in two spellings, of which each is read: JSON, which every driver serves, and pages
// without TYPE lines, whose names carry the application's id and the kind of the number.
//
// Threads: pure functions.
// Bounds:  SparkLimits; what is left out is counted in the value.
// See:     docs/engines/spark.md
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace plimsoll::engines::detail {

struct SparkLimits {
  std::size_t executors = 20000;   // of a driver
  std::size_t stages = 5000;       // in a list
  std::size_t metrics = 1000;      // of the driver's own that are published
  std::size_t workers = 5000;      // of a master
  std::size_t applications = 200;  // of a master
  std::size_t values = 1000000;    // of any JSON answer
  std::size_t label_bytes = 200;   // of a name that becomes a label
};

struct SparkApplication {
  std::string id = {}, name = {}, version = {};
  std::optional<double> start_time_seconds = {};
};

struct SparkStages {
  double stages = 0;
  double tasks_running = 0, tasks_waiting = 0;
  std::uint64_t left_out = 0;
};

// Executors that are alive; the driver lists itself among them and is not counted.
struct SparkExecutors {
  double count = 0;
  double cores = 0, slots = 0, tasks = 0;
  double memory_used = 0, memory_max = 0;     // bytes for storage
  double widest_cores = 0, widest_slots = 0;  // of one executor
  std::uint64_t left_out = 0;
};

// What the application was started with.
struct SparkSettings {
  bool dynamic = false;
  double executors_min = 0, executors_max = 0;
  std::optional<double> executor_cores = {}, task_cpus = {};
};
// What Spark takes for "as many as there are".
inline constexpr double kUnlimitedExecutors = 2147483647;

// By name, without application, "driver" and kind: DAGScheduler_job_activeJobs.
struct SparkMetrics {
  std::map<std::string, double> gauges = {}, counters = {};
  std::uint64_t left_out = 0, unreadable = 0;
};

struct SparkMaster {
  struct Application {
    std::string id, name, state;
    double cores = 0;
  };
  std::string status = {};
  std::map<std::string, double> workers = {};  // by state
  double cores = 0, cores_used = 0;            // of those that are alive
  double memory_bytes = 0, memory_used_bytes = 0;
  double widest_worker_cores = 0;
  std::vector<Application> applications = {};
  std::uint64_t left_out = 0;
};
struct SparkWorker {
  double cores = 0, cores_used = 0, memory_bytes = 0, memory_used_bytes = 0, executors = 0;
};

// Returns: the driver's application, nothing before it has begun. More than one is an error: a
// history server's list says nothing of what runs.
base::Result<std::optional<SparkApplication>> ReadSparkApplications(std::string_view body,
                                                                    const SparkLimits& limits);
base::Result<SparkStages> ReadSparkStages(std::string_view body, const SparkLimits& limits);
base::Result<SparkExecutors> ReadSparkExecutors(std::string_view body, const SparkLimits& limits);
base::Result<SparkSettings> ReadSparkSettings(std::string_view body, const SparkLimits& limits);
base::Result<SparkMetrics> ReadSparkMetrics(std::string_view body, const std::string& application,
                                            const SparkLimits& limits);
// A master or a worker, by what the object has.
base::Result<std::variant<SparkMaster, SparkWorker>> ReadSparkState(std::string_view body,
                                                                    const SparkLimits& limits);

// The same from pages. A line that cannot be read costs only itself; a page without any line of
// its kind is an error.
base::Result<SparkMetrics> ReadSparkMetricsPage(std::string_view body,
                                                const std::string& application,
                                                const SparkLimits& limits);
base::Result<SparkExecutors> ReadSparkExecutorsPage(std::string_view body,
                                                    const SparkLimits& limits);

// Cuts what differs between applications off a metric's name, written as Spark's pages write it:
// metrics_app_1_driver_DAGScheduler_job_activeJobs becomes DAGScheduler_job_activeJobs.
// Returns: nothing when the metric is not one of a driver.
std::optional<std::string> FoldSparkName(std::string_view name, std::string_view application);

}  // namespace plimsoll::engines::detail
