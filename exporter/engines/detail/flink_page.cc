// SPDX-License-Identifier: Apache-2.0
//
// A round's findings as an exposition page: every series that the collector has, with its help.
//
// What is said of a job's tasks needs FlinkJobRound::Runs, and their metrics besides that they are
// of this execution. A number that Flink did not give, gave as text, or gave as its sign for "none"
// (a negative lag) is left out: absent, never zero.
//
// Longer than most: it is one list, and a list that is in one place is checked in one place.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>

#include "engines/detail/page.h"
#include "engines/flink.h"

namespace plimsoll::engines::detail {
namespace {

Pairs LabelsOf(const FlinkJobRound& job) {
  return {{"job_id", job.summary.id}, {"job_name", job.summary.name}};
}
Pairs LabelsOf(const FlinkJobRound& job, const FlinkVertex& vertex) {
  return {{"job_id", job.summary.id},
          {"job_name", job.summary.name},
          {"vertex_id", vertex.id},
          {"vertex_name", vertex.name},
          {"is_source", vertex.is_source ? "1" : "0"}};
}

// The slots for which a job asks: in each sharing group as many as its widest vertex has subtasks.
// Under the adaptive scheduler that is the upper bound; a batch job counts what it runs or waits
// to.
std::optional<double> SlotsRequested(const FlinkJobRound& job) {
  if (!job.body || !job.requirements_known || job.body->left_out > 0) return std::nullopt;
  std::map<std::string, double> widest;
  for (const FlinkVertex& vertex : job.body->vertices) {
    double subtasks = vertex.parallelism;
    if (job.requirements) {
      const auto bounds = job.requirements->find(vertex.id);
      if (bounds == job.requirements->end()) return std::nullopt;
      subtasks = bounds->second.upper;
    }
    if (job.body->IsBatch()) subtasks = vertex.running + vertex.scheduled + vertex.deploying;
    double& group = widest[vertex.slot_group];
    group = std::max(group, subtasks);
  }
  double slots = 0;
  for (const auto& [group, subtasks] : widest) slots += subtasks;
  return slots;
}

// What an autoscaler that knows of key groups and partitions makes of a parallelism: the first one
// from there on that divides them without a remainder; where there is none, the smallest that gives
// no subtask more of them. A table of steps, because a rule cannot divide.
struct Step {
  unsigned upto = 0;         // the largest parallelism that becomes
  unsigned parallelism = 0;  // this one
};
using Steps = std::vector<Step>;

Steps AlignmentOf(unsigned whole, unsigned most) {
  Steps steps;
  std::vector<unsigned> divisors;
  for (unsigned part = 1; part <= whole; ++part) {
    if (whole % part == 0) divisors.push_back(part);
  }
  auto next = divisors.begin();
  for (unsigned wanted = 1; wanted <= most; ++wanted) {
    while (next != divisors.end() && *next < wanted) ++next;
    const unsigned last = std::min(wanted > whole / 2 ? whole : whole / 2, most);
    unsigned aligned = 0;
    if (next != divisors.end() && *next <= last) {
      aligned = *next;
    } else {
      const unsigned more = whole / wanted + 1;
      aligned = whole / more;
      if (aligned > 0 && whole % aligned != 0) ++aligned;
      aligned = std::max(aligned, 1U);
    }
    if (!steps.empty() && steps.back().parallelism == aligned) {
      steps.back().upto = wanted;
    } else {
      steps.push_back({wanted, aligned});
    }
  }
  return steps;
}

// Flink's own upper bound of a maximum parallelism, and so of key groups.
constexpr double kMostKeyGroups = 32768;

// The key groups of a vertex with a keyed input, the partitions of a source; 0: nothing to align
// to.
double WholeOf(const FlinkJobRound& job, const FlinkVertex& vertex) {
  const auto partitions = job.partitions.find(vertex.id);
  if (partitions != job.partitions.end() && partitions->second > 0)
    return static_cast<double>(partitions->second);
  const bool keyed =
      std::any_of(vertex.inputs.begin(), vertex.inputs.end(),
                  [](const FlinkInput& input) { return input.ship_strategy == "HASH"; });
  return keyed ? vertex.max_parallelism : 0;
}

class Alignments {
 public:
  // Returns: null when there is nothing to align to, or when it is too large for a table.
  const Steps* Find(const FlinkJobRound& job, const FlinkVertex& vertex) {
    const double whole = WholeOf(job, vertex), most = vertex.max_parallelism;
    if (whole < 1 || most < 1 || whole > kMostKeyGroups || most > kMostKeyGroups) return nullptr;
    const auto key = std::pair(static_cast<unsigned>(whole), static_cast<unsigned>(most));
    auto [found, fresh] = tables_.try_emplace(key);
    if (fresh) found->second = AlignmentOf(key.first, key.second);
    return found->second.size() <= kMostSteps ? &found->second : nullptr;
  }

 private:
  static constexpr std::size_t kMostSteps = 100;
  std::map<std::pair<unsigned, unsigned>, Steps> tables_;
};

// By vertex: the length of the longest way from a source; a vertex that is on a circle has none.
std::map<std::string, unsigned> LevelsOf(const FlinkJob& job) {
  std::map<std::string, unsigned> levels;
  for (std::size_t round = 0; round <= job.vertices.size(); ++round) {
    bool changed = false;
    for (const FlinkVertex& vertex : job.vertices) {
      if (levels.contains(vertex.id)) continue;
      unsigned level = 0;
      bool known = true;
      for (const FlinkInput& input : vertex.inputs) {
        const auto before = levels.find(input.vertex);
        known = known && before != levels.end();
        if (before != levels.end()) level = std::max(level, before->second + 1);
      }
      if (!known) continue;
      levels[vertex.id] = level;
      changed = true;
    }
    if (!changed) break;
  }
  return levels;
}

using EachJob = std::function<void(const FlinkJobRound&)>;
using EachVertex = std::function<void(const FlinkJobRound&, const FlinkVertex&)>;

void ForRunning(const FlinkRound& round, const EachJob& f) {
  for (const FlinkJobRound& job : round.jobs) {
    if (job.Runs()) f(job);
  }
}
void ForVertices(const FlinkRound& round, const EachVertex& f) {
  ForRunning(round, [&](const FlinkJobRound& job) {
    for (const FlinkVertex& vertex : job.body->vertices) f(job, vertex);
  });
}

void WriteCluster(const FlinkRound& round, Page& page) {
  const FlinkOverview& overview = *round.overview;
  page.Begin("flink_info", "Version of the JobManager; always 1.");
  page.Add({{"version", CutLabel(overview.version, 60)}}, 1.0);
  page.Begin("flink_taskmanagers",
             "TaskManagers that are registered; a dead one stays for a while.");
  page.Add({}, overview.task_managers);
  page.Begin("flink_slots_total", "Task slots of the registered TaskManagers.");
  page.Add({}, overview.slots_total);
  page.Begin("flink_slots_available", "Task slots that no job has.");
  page.Add({}, overview.slots_available);
  page.Begin("flink_slots_per_taskmanager", "Task slots for each registered TaskManager.");
  if (overview.task_managers > 0) page.Add({}, overview.slots_total / overview.task_managers);
  page.Begin("flink_slots_per_taskmanager_configured",
             "taskmanager.numberOfTaskSlots as the JobManager has it.");
  page.Add({}, round.slots_per_task_manager);
  page.Begin("flink_reactive", "Whether the cluster runs in reactive mode.");
  if (round.slots_per_task_manager) page.Add({}, round.reactive ? 1.0 : 0.0);
  page.Begin("flink_jobs", "Jobs by state.");
  page.Add({{"state", "running"}}, overview.running);
  page.Add({{"state", "finished"}}, overview.finished);
  page.Add({{"state", "cancelled"}}, overview.cancelled);
  page.Add({{"state", "failed"}}, overview.failed);
  page.Begin("flink_jobs_unfinished", "Jobs that have not ended, whether they run or wait.");
  if (round.jobs_known) page.Add({}, static_cast<double>(round.jobs.size()));

  static constexpr std::array<std::array<const char*, 3>, 6> kTaskManagers = {{
      {"Status.JVM.CPU.Load", "flink_taskmanagers_cpu_load", "CPU load of the TaskManagers' JVMs."},
      {"Status.JVM.Memory.Heap.Used", "flink_taskmanagers_heap_used_bytes",
       "Heap in use of the TaskManagers."},
      {"Status.JVM.Memory.Heap.Max", "flink_taskmanagers_heap_max_bytes",
       "Largest heap of the TaskManagers."},
      {"Status.JVM.Memory.Metaspace.Used", "flink_taskmanagers_metaspace_used_bytes",
       "Metaspace in use of the TaskManagers."},
      {"Status.Flink.Memory.Managed.Used", "flink_taskmanagers_managed_used_bytes",
       "Managed memory in use of the TaskManagers."},
      {"Status.JVM.GarbageCollector.All.TimeMsPerSecond", "flink_taskmanagers_gc_ms_per_second",
       "Milliseconds of each second that the TaskManagers collect garbage."},
  }};
  for (const auto& [id, name, help] : kTaskManagers) {
    const auto values = round.task_managers.find(id);
    if (values == round.task_managers.end()) continue;
    page.Begin(name, help);
    page.Add({{"agg", "min"}}, values->second.min);
    page.Add({{"agg", "max"}}, values->second.max);
    page.Add({{"agg", "avg"}}, values->second.avg);
    page.Add({{"agg", "sum"}}, values->second.sum);
  }
}

void WriteJobs(const FlinkRound& round, Page& page) {
  page.Begin("flink_job_running", "Whether the job is a streaming job of which every task runs.");
  for (const auto& job : round.jobs) page.Add(LabelsOf(job), job.Runs() ? 1.0 : 0.0);
  page.Begin("flink_job_batch", "Whether the job is a batch job; absent while that is not known.");
  for (const auto& job : round.jobs) {
    if (job.body) page.Add(LabelsOf(job), job.body->IsBatch() ? 1.0 : 0.0);
  }
  page.Begin("flink_job_tasks", "Tasks of the job.");
  for (const auto& job : round.jobs) page.Add(LabelsOf(job), job.summary.tasks);
  page.Begin("flink_job_tasks_running", "Tasks of the job that run.");
  for (const auto& job : round.jobs) page.Add(LabelsOf(job), job.summary.running);
  page.Begin("flink_job_tasks_scheduled", "Tasks of the job that wait for a slot.");
  for (const auto& job : round.jobs) page.Add(LabelsOf(job), job.summary.scheduled);
  page.Begin("flink_job_start_time_seconds", "When the job was submitted.");
  for (const auto& job : round.jobs) page.Add(LabelsOf(job), job.summary.start_time_ms / 1000);
  page.Begin("flink_job_slots_requested",
             "Task slots for which the job asks; not in reactive mode, where it takes them all.");
  if (round.slots_per_task_manager && !round.reactive) {
    for (const auto& job : round.jobs) page.Add(LabelsOf(job), SlotsRequested(job));
  }

  page.Begin("flink_job_running_since_seconds", "When this execution of the job began to run.");
  ForRunning(round, [&](const FlinkJobRound& job) {
    if (job.body->running_since_ms > 0) page.Add(LabelsOf(job), job.body->running_since_ms / 1000);
  });
  page.Begin("flink_job_restarts", "Times that the job was started again.");
  ForRunning(round, [&](const FlinkJobRound& job) {
    const auto restarts = job.values.find("numRestarts");
    if (restarts != job.values.end() && !job.old_values) page.Add(LabelsOf(job), restarts->second);
  });
  page.Begin("flink_job_checkpointing", "Whether the job makes checkpoints by itself.");
  ForRunning(round, [&](const FlinkJobRound& job) {
    if (job.checkpointing) page.Add(LabelsOf(job), *job.checkpointing ? 1.0 : 0.0);
  });
  page.Begin("flink_job_checkpoint_interval_seconds", "Configured time between two checkpoints.");
  ForRunning(round, [&](const FlinkJobRound& job) {
    if (job.checkpoint_interval_ms) page.Add(LabelsOf(job), *job.checkpoint_interval_ms / 1000);
  });
  page.Begin("flink_job_checkpoint_timestamp_seconds",
             "When the last checkpoint was completed; absent when there is none.");
  ForRunning(round, [&](const FlinkJobRound& job) {
    if (job.checkpoints && job.checkpoints->latest_ack_ms.value_or(0) > 0)
      page.Add(LabelsOf(job), *job.checkpoints->latest_ack_ms / 1000);
  });
  page.Begin("flink_job_checkpoint_duration_seconds", "How long the last checkpoint took.");
  ForRunning(round, [&](const FlinkJobRound& job) {
    if (job.checkpoints && job.checkpoints->latest_duration_ms.value_or(-1) >= 0)
      page.Add(LabelsOf(job), *job.checkpoints->latest_duration_ms / 1000);
  });
  page.Begin("flink_job_checkpoints", "Checkpoints of the job by what became of them.");
  ForRunning(round, [&](const FlinkJobRound& job) {
    if (!job.checkpoints) return;
    const auto add = [&](const char* status, double count) {
      Pairs labels = LabelsOf(job);
      labels.emplace_back("status", status);
      page.Add(std::move(labels), count);
    };
    add("completed", job.checkpoints->completed);
    add("failed", job.checkpoints->failed);
    add("in_progress", job.checkpoints->in_progress);
  });
}

void WriteVertices(const FlinkRound& round, Page& page) {
  page.Begin("flink_vertex_parallelism", "Subtasks of the vertex.");
  ForVertices(round, [&](const auto& job, const auto& vertex) {
    page.Add(LabelsOf(job, vertex), vertex.parallelism);
  });
  page.Begin("flink_vertex_max_parallelism",
             "Most subtasks that the vertex can have: its key groups.");
  ForVertices(round, [&](const auto& job, const auto& vertex) {
    if (vertex.max_parallelism > 0) page.Add(LabelsOf(job, vertex), vertex.max_parallelism);
  });
  page.Begin("flink_vertex_parallelism_upper_bound",
             "Most subtasks that the job's resource requirements allow.");
  ForVertices(round, [&](const auto& job, const auto& vertex) {
    if (!job.requirements) return;
    const auto bounds = job.requirements->find(vertex.id);
    if (bounds != job.requirements->end()) page.Add(LabelsOf(job, vertex), bounds->second.upper);
  });
  page.Begin("flink_vertex_source_partitions",
             "Partitions that a source's readers tell of; absent when they tell of none.");
  ForVertices(round, [&](const auto& job, const auto& vertex) {
    const auto partitions = job.partitions.find(vertex.id);
    if (partitions != job.partitions.end() && partitions->second > 0)
      page.Add(LabelsOf(job, vertex), static_cast<double>(partitions->second));
  });
  Alignments alignments;
  const auto write_steps = [&](unsigned Step::*field) {
    ForVertices(round, [&](const auto& job, const auto& vertex) {
      const Steps* steps = alignments.Find(job, vertex);
      for (std::size_t i = 0; steps != nullptr && i < steps->size(); ++i) {
        Pairs labels = LabelsOf(job, vertex);
        labels.emplace_back("step", std::to_string(i));
        page.Add(std::move(labels), static_cast<double>((*steps)[i].*field));
      }
    });
  };
  page.Begin("flink_vertex_alignment_upto",
             "Largest parallelism that key groups or partitions raise, or lower, to "
             "flink_vertex_alignment of the same step.");
  write_steps(&Step::upto);
  page.Begin("flink_vertex_alignment",
             "Parallelism that spreads key groups or partitions evenly, by step.");
  write_steps(&Step::parallelism);
  page.Begin("flink_vertex_level", "Length of the longest way from a source to the vertex.");
  ForRunning(round, [&](const FlinkJobRound& job) {
    const auto levels = LevelsOf(*job.body);
    for (const FlinkVertex& vertex : job.body->vertices) {
      const auto level = levels.find(vertex.id);
      if (level != levels.end())
        page.Add(LabelsOf(job, vertex), static_cast<double>(level->second));
    }
  });
  page.Begin("flink_vertex_outputs", "Vertices that read from the vertex.");
  ForVertices(round, [&](const auto& job, const auto& vertex) {
    double outputs = 0;
    for (const FlinkVertex& other : job.body->vertices) {
      for (const FlinkInput& input : other.inputs) outputs += input.vertex == vertex.id ? 1 : 0;
    }
    page.Add(LabelsOf(job, vertex), outputs);
  });
  page.Begin("flink_vertex_input", "1 for each vertex from which the vertex reads.");
  ForVertices(round, [&](const auto& job, const auto& vertex) {
    for (const FlinkInput& input : vertex.inputs) {
      Pairs labels = LabelsOf(job, vertex);
      labels.emplace_back("input_vertex_id", input.vertex);
      labels.emplace_back("ship_strategy", input.ship_strategy);
      page.Add(std::move(labels), 1.0);
    }
  });
}

// Several operators of one vertex add up, as far as aggregates of them can.
FlinkAggregates Together(const FlinkValues& values, const FlinkVertexMetric& metric,
                         bool is_source) {
  std::vector<std::string> names;
  for (const auto& [name, value] : values) names.push_back(name);
  FlinkAggregates all;
  const auto combine = [](std::optional<double>& into, std::optional<double> value, auto&& how) {
    if (value) into = into ? how(*into, *value) : *value;
  };
  for (const std::string& id : IdsOf(metric, is_source, names)) {
    const FlinkAggregates& value = values.at(id);
    // The sign of a lag that is not known.
    if (value.min && *value.min < 0) continue;
    combine(all.min, value.min, [](double a, double b) { return std::min(a, b); });
    combine(all.max, value.max, [](double a, double b) { return std::max(a, b); });
    combine(all.avg, value.avg, std::plus<>());
    combine(all.sum, value.sum, std::plus<>());
  }
  return all;
}

void WriteVertexMetrics(const FlinkRound& round, Page& page) {
  for (const FlinkVertexMetric& metric : kVertexMetrics) {
    if (!metric.published) continue;
    page.Begin("flink_vertex_" + std::string(metric.name),
               "Flink's " + std::string(metric.name) + " over the subtasks of the vertex.");
    ForVertices(round, [&](const FlinkJobRound& job, const FlinkVertex& vertex) {
      const auto values = job.vertex_values.find(vertex.id);
      if (values == job.vertex_values.end() || job.old_values) return;
      const FlinkAggregates all = Together(values->second, metric, vertex.is_source);
      const auto add = [&](const char* agg, std::optional<double> value) {
        Pairs labels = LabelsOf(job, vertex);
        labels.emplace_back("agg", agg);
        page.Add(std::move(labels), value);
      };
      add("min", all.min);
      add("max", all.max);
      add("avg", all.avg);
      add("sum", all.sum);
    });
  }
}

}  // namespace

std::string WriteFlinkPage(const FlinkRound& round) {
  Page page;
  WriteCluster(round, page);
  WriteJobs(round, page);
  WriteVertices(round, page);
  WriteVertexMetrics(round, page);
  page.Begin("flink_rest_success",
             "Whether all answers of that part of the REST API could be used.");
  for (const auto& [part, good] : round.success) page.Add({{"part", part}}, good ? 1.0 : 0.0);
  page.Begin("flink_rest_requests", "Requests of the scrape that were answered.");
  page.Add({}, static_cast<double>(round.requests));
  return page.Write();
}

}  // namespace plimsoll::engines::detail
