// SPDX-License-Identifier: Apache-2.0
//
// A round's findings as an exposition page. What was not read is absent, never zero.
#include <cmath>

#include "engines/detail/flink_answers.h"
#include "engines/detail/page.h"
#include "engines/spark.h"

namespace plimsoll::engines::detail {
namespace {

Pairs LabelsOf(const SparkRound& round) {
  return {{"application_id", round.application->id}, {"application_name", round.application->name}};
}

void WriteExecutors(const SparkRound& round, Page& page) {
  const Pairs labels = LabelsOf(round);
  if (round.executors) {
    const SparkExecutors& all = *round.executors;
    page.Begin("spark_driver_executors", "Executors that are registered and alive.");
    page.Add(labels, all.count);
    page.Begin("spark_driver_executors_cores", "Cores of those executors.");
    page.Add(labels, all.cores);
    page.Begin("spark_driver_executors_slots", "Tasks that those executors can run at a time.");
    page.Add(labels, all.slots);
    page.Begin("spark_driver_executors_tasks",
               "Tasks that those executors say they run; may be more than their slots.");
    page.Add(labels, all.tasks);
    page.Begin("spark_driver_executors_memory_used_bytes",
               "Memory for storage that those executors use.");
    page.Add(labels, all.memory_used);
    page.Begin("spark_driver_executors_memory_max_bytes",
               "Memory that those executors have for storage.");
    page.Add(labels, all.memory_max);
  }

  // As it was set; where nothing was, as the largest of those that are there has it.
  std::optional<double> cores, slots;
  if (round.settings) cores = round.settings->executor_cores;
  if (!cores && round.executors && round.executors->widest_cores > 0)
    cores = round.executors->widest_cores;
  if (cores && round.settings && round.settings->executor_cores)
    slots = std::floor(*cores / round.settings->task_cpus.value_or(1));
  if ((!slots || *slots < 1) && round.executors && round.executors->widest_slots > 0)
    slots = round.executors->widest_slots;
  page.Begin("spark_driver_executor_cores", "Cores of one executor.");
  page.Add(labels, cores);
  page.Begin("spark_driver_executor_slots", "Tasks that one executor can run at a time.");
  if (slots && *slots >= 1) page.Add(labels, slots);

  if (round.settings) {
    page.Begin("spark_driver_executors_min", "Executors that the application has at least.");
    page.Add(labels, round.settings->executors_min);
    page.Begin("spark_driver_executors_max",
               "Executors that the application may have; 2147483647 when nothing bounds them.");
    page.Add(labels, round.settings->executors_max);
    page.Begin("spark_driver_dynamic_allocation",
               "Whether the application's executors follow its tasks.");
    page.Add(labels, round.settings->dynamic ? 1.0 : 0.0);
  }
}

void WriteStages(const SparkRound& round, Page& page) {
  const Pairs labels = LabelsOf(round);
  page.Begin("spark_driver_stages", "Stages that run, or wait for others.");
  const auto add = [&](const char* status, const std::optional<SparkStages>& stages) {
    if (!stages) return;
    Pairs all = labels;
    all.emplace_back("status", status);
    page.Add(std::move(all), stages->stages);
  };
  add("active", round.active);
  add("pending", round.pending);
  if (!round.active) return;
  page.Begin("spark_driver_tasks_running", "Tasks of active stages that run.");
  page.Add(labels, round.active->tasks_running);
  page.Begin("spark_driver_tasks_waiting",
             "Tasks of active stages that wait for an executor's slot.");
  page.Add(labels, round.active->tasks_waiting);
}

// The driver's own metrics, the name of each without the application's id.
void WriteMetrics(const SparkRound& round, Page& page) {
  const Pairs labels = LabelsOf(round);
  for (const auto& [name, value] : round.metrics->gauges) {
    page.Begin("spark_metrics_" + name, "The driver's gauge of that name.");
    page.Add(labels, value);
  }
  for (const auto& [name, value] : round.metrics->counters) {
    const std::string total = name + "_total";
    if (round.metrics->gauges.contains(total)) continue;
    page.Begin("spark_metrics_" + total, "The driver's counter of that name.",
               model::MetricType::kCounter);
    page.Add(labels, value);
  }
}

void WriteDriver(const SparkRound& round, Page& page) {
  page.Begin("spark_driver_info", "Version of the driver; always 1.");
  Pairs labels = LabelsOf(round);
  labels.emplace_back("version", round.application->version);
  page.Add(std::move(labels), 1.0);
  page.Begin("spark_driver_start_time_seconds", "When the application began.");
  page.Add(LabelsOf(round), round.application->start_time_seconds);
  WriteExecutors(round, page);
  WriteStages(round, page);
  if (round.metrics) WriteMetrics(round, page);
}

void WriteMaster(const SparkMaster& master, Page& page) {
  page.Begin("spark_master_alive", "Whether this master leads; one that stands by knows nothing.");
  const bool alive = master.status == "ALIVE";
  page.Add({}, alive ? 1.0 : 0.0);
  if (!alive || master.left_out > 0) return;
  page.Begin("spark_master_workers", "Workers by state; those that died or left stay for a while.");
  for (const auto& [state, count] : master.workers) page.Add({{"state", state}}, count);
  page.Begin("spark_master_cores", "Cores of the workers that are alive.");
  page.Add({}, master.cores);
  page.Begin("spark_master_cores_used",
             "Cores of those workers that executors have, whether these work or not.");
  page.Add({}, master.cores_used);
  page.Begin("spark_master_memory_bytes", "Memory of the workers that are alive.");
  page.Add({}, master.memory_bytes);
  page.Begin("spark_master_memory_used_bytes", "Memory of those workers that executors have.");
  page.Add({}, master.memory_used_bytes);
  page.Begin("spark_master_worker_cores", "Cores of the largest worker that is alive.");
  if (master.widest_worker_cores > 0) page.Add({}, master.widest_worker_cores);
  double waiting = 0;
  for (const auto& application : master.applications) waiting += application.state == "WAITING";
  page.Begin("spark_master_applications_waiting",
             "Applications without an executor, whether they want one or not.");
  page.Add({}, waiting);
  page.Begin("spark_master_application_cores", "Cores that the application's executors have.");
  for (const auto& application : master.applications) {
    page.Add({{"application_id", application.id}, {"application_name", application.name}},
             application.cores);
  }
}

void WriteWorker(const SparkWorker& worker, Page& page) {
  page.Begin("spark_worker_cores", "Cores of the worker.");
  page.Add({}, worker.cores);
  page.Begin("spark_worker_cores_used", "Cores of the worker that executors have.");
  page.Add({}, worker.cores_used);
  page.Begin("spark_worker_memory_bytes", "Memory of the worker.");
  page.Add({}, worker.memory_bytes);
  page.Begin("spark_worker_memory_used_bytes", "Memory of the worker that executors have.");
  page.Add({}, worker.memory_used_bytes);
  page.Begin("spark_worker_executors", "Executors on the worker.");
  page.Add({}, worker.executors);
}

}  // namespace

std::string WriteSparkPage(const SparkRound& round) {
  Page page;
  if (round.application) WriteDriver(round, page);
  if (round.master) WriteMaster(*round.master, page);
  if (round.worker) WriteWorker(*round.worker, page);
  page.Begin("spark_rest_success", "Whether that part of what the process serves could be read.");
  for (const auto& [part, good] : round.success) page.Add({{"part", part}}, good ? 1.0 : 0.0);
  page.Begin("spark_rest_requests", "Requests of the scrape that were answered.");
  page.Add({}, static_cast<double>(round.requests));
  return page.Write();
}

}  // namespace plimsoll::engines::detail
