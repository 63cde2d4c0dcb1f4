// SPDX-License-Identifier: Apache-2.0
//
// What to ask of a JobManager, and when. Longer than most: it is the one table of questions, each
// of which decides the next.
#include "engines/flink.h"

#include <algorithm>
#include <utility>

#include "base/number_text.h"
#include "http/message.h"

namespace plimsoll::engines {
namespace {

using detail::FlinkJobRound;
using detail::FlinkVertex;
using detail::FlinkVertexMetric;

// Flink refreshes its metrics when it is asked, but not more often than this.
constexpr base::Time kStoreAgeMs = 10'000;
// What a JobManager needs to hear from its TaskManagers once it was woken.
constexpr std::chrono::milliseconds kSettle{2000};
// How long names, configuration and resource requirements are taken for unchanged.
constexpr base::Time kRememberMs = 60'000;
// More than that goes into a second request: names are in the address.
constexpr std::size_t kNamesPerRequest = 40;
// The job's body is a copy up to three seconds old, and so may know of less running time.
constexpr double kAgeSlackMs = 5000;

constexpr std::string_view kAggregates = "&agg=min,max,avg,sum";
constexpr std::string_view kTaskManagerMetrics[] = {
    "Status.JVM.CPU.Load",
    "Status.JVM.Memory.Heap.Used",
    "Status.JVM.Memory.Heap.Max",
    "Status.JVM.Memory.Metaspace.Used",
    "Status.Flink.Memory.Managed.Used",
    "Status.JVM.GarbageCollector.All.TimeMsPerSecond",
};
constexpr std::string_view kJobMetrics[] = {"numRestarts"};

// The names of FlinkRound::success, one for each part of the API.
std::string_view NameOf(detail::FlinkPart part) {
  using Part = detail::FlinkPart;
  switch (part) {
    case Part::kOverview:
      return "overview";
    case Part::kJobs:
      return "jobs";
    case Part::kConfig:
      return "config";
    case Part::kTaskManagerNames:
    case Part::kTaskManagerValues:
      return "taskmanager_metrics";
    case Part::kJob:
      return "job";
    case Part::kCheckpoints:
    case Part::kCheckpointConfig:
      return "checkpoints";
    case Part::kRequirements:
      return "resource_requirements";
    case Part::kJobNames:
    case Part::kJobValues:
      return "job_metrics";
    case Part::kVertexNames:
    case Part::kVertexValues:
      return "vertex_metrics";
  }
  return "";
}

std::string JobPath(const std::string& job) { return "/jobs/" + job; }
std::string VertexPath(const std::string& job, const std::string& vertex) {
  return JobPath(job) + "/vertices/" + vertex + "/subtasks/metrics";
}

bool IsOfAJob(detail::FlinkPart part) {
  using Part = detail::FlinkPart;
  return part == Part::kJob || part == Part::kCheckpoints || part == Part::kCheckpointConfig ||
         part == Part::kRequirements || part == Part::kJobNames || part == Part::kJobValues ||
         part == Part::kVertexNames || part == Part::kVertexValues;
}

std::vector<std::string> WantedOf(const FlinkVertex& vertex,
                                  const std::vector<std::string>& listed) {
  std::vector<std::string> wanted;
  for (const FlinkVertexMetric& metric : detail::kVertexMetrics) {
    auto ids = detail::IdsOf(metric, vertex.is_source, listed);
    wanted.insert(wanted.end(), std::make_move_iterator(ids.begin()),
                  std::make_move_iterator(ids.end()));
  }
  return wanted;
}

template <std::size_t N>
std::vector<std::string> Listed(const std::string_view (&wanted)[N],
                                const std::vector<std::string>& names) {
  std::vector<std::string> found;
  for (const std::string_view name : wanted) {
    if (std::find(names.begin(), names.end(), name) != names.end()) found.emplace_back(name);
  }
  return found;
}

}  // namespace

bool detail::FlinkJobRound::Runs() const {
  return summary.state == "RUNNING" && summary.scheduled == 0 && body && body->AllTasksRun() &&
         !body->IsBatch();
}

std::vector<std::string> detail::IdsOf(const FlinkVertexMetric& metric, bool is_source,
                                       const std::vector<std::string>& listed) {
  using Where = FlinkVertexMetric::Where;
  const std::string suffix = "." + std::string(metric.name);
  std::vector<std::string> ids;
  if (metric.where == Where::kAnyOperator || (metric.where == Where::kSourceFirst && is_source)) {
    for (const std::string& name : listed) {
      if (!name.ends_with(suffix)) continue;
      if (metric.where == Where::kSourceFirst && !name.starts_with("Source__")) continue;
      ids.push_back(name);
    }
  }
  if (ids.empty() && metric.where != Where::kAnyOperator &&
      std::find(listed.begin(), listed.end(), metric.name) != listed.end())
    ids.emplace_back(metric.name);
  return ids;
}

FlinkJobRound* FlinkCollector::FindJob(const std::string& id) {
  for (FlinkJobRound& job : round_.jobs) {
    if (job.summary.id == id) return &job;
  }
  return nullptr;
}

void FlinkCollector::Refuse(std::string_view reason, std::uint64_t count) {
  if (count == 0) return;
  for (auto& [known, total] : refused_) {
    if (known == reason) {
      total += count;
      return;
    }
  }
  refused_.emplace_back(reason, count);
}

template <typename T>
bool FlinkCollector::Good(Part part, const base::Result<T>& result) {
  if (result) return true;
  round_.success[std::string(NameOf(part))] = false;
  Refuse("bad_answer");
  return false;
}

bool FlinkCollector::Fresh(const Names& names) const {
  return names.any && now_ - names.listed < kRememberMs && now_ >= names.listed;
}

FlinkCollector::Names FlinkCollector::Keep(std::vector<std::string> wanted,
                                           const std::vector<std::string>& listed) const {
  return {.wanted = std::move(wanted),
          .partitions = detail::CountPartitions(listed),
          .any = !listed.empty(),
          .listed = now_};
}

std::size_t FlinkCollector::names_kept() const {
  std::size_t kept = task_manager_names_.wanted.size();
  for (const auto& [id, job] : jobs_) {
    kept += job.names.wanted.size();
    for (const auto& [vertex, names] : job.vertex_names) kept += names.wanted.size();
  }
  return kept;
}

void FlinkCollector::Put(std::vector<Ask>& asks, Question question, std::string path, bool settle) {
  round_.success.try_emplace(std::string(NameOf(question.part)), true);
  if (!open_.emplace(path, std::move(question)).second) return;
  asks.push_back({std::move(path), settle ? kSettle : std::chrono::milliseconds(0)});
}

std::vector<Ask> FlinkCollector::Begin(base::Time now) {
  now_ = now;
  cold_ = last_round_ == 0 || now - last_round_ > kStoreAgeMs || now < last_round_;
  last_round_ = now;
  round_ = {};
  open_.clear();
  overview_.reset();
  refused_.clear();

  std::vector<Ask> asks;
  Put(asks, {Part::kOverview, {}, {}}, "/overview");
  Put(asks, {Part::kJobs, {}, {}}, "/jobs/overview");
  if (!config_known_ || now - config_asked_ >= kRememberMs || now < config_asked_)
    Put(asks, {Part::kConfig, {}, {}}, "/jobmanager/config");
  // Also what wakes the metrics of every task: nothing else here is asked for at once after a
  // silence.
  if (cold_ || !Fresh(task_manager_names_)) {
    Put(asks, {Part::kTaskManagerNames, {}, {}}, "/taskmanagers/metrics");
  } else {
    AskValues(asks, {Part::kTaskManagerValues, {}, {}}, "/taskmanagers/metrics",
              task_manager_names_.wanted, true);
  }
  return asks;
}

void FlinkCollector::AskValues(std::vector<Ask>& asks, const Question& question,
                               const std::string& base, const std::vector<std::string>& ids,
                               bool aggregated) {
  for (std::size_t at = 0; at < ids.size(); at += kNamesPerRequest) {
    std::string path = base + "?get=";
    const std::size_t end = std::min(ids.size(), at + kNamesPerRequest);
    for (std::size_t i = at; i < end; ++i) {
      if (i > at) path += ',';
      path += http::PercentEncode(ids[i]);
    }
    if (aggregated) path += kAggregates;
    Put(asks, question, std::move(path));
  }
}

std::vector<Ask> FlinkCollector::Take(const Ask& ask, base::Result<Answer> answer) {
  std::vector<Ask> asks;
  const auto found = open_.find(ask.path);
  if (found == open_.end()) return asks;
  ++round_.requests;
  const Question question = std::move(found->second);
  open_.erase(found);
  if (question.part == Part::kOverview) {
    TakeOverview(std::move(answer));
    return asks;
  }
  // Without checkpoints a job has no such page, and the default scheduler has no requirements.
  const bool may_lack = question.part == Part::kCheckpoints ||
                        question.part == Part::kCheckpointConfig ||
                        question.part == Part::kRequirements;
  if (!answer || (answer->status != 200 && !may_lack)) {
    // A job that is gone was listed a moment ago: no failure, but the names go with it.
    if (answer && answer->status == 404 && IsOfAJob(question.part)) {
      Refuse("gone");
    } else {
      Fail(question.part, "failed_request");
    }
    if (question.part == Part::kVertexValues)
      jobs_[question.job].vertex_names.erase(question.vertex);
    return asks;
  }
  switch (question.part) {
    case Part::kOverview:
      break;
    case Part::kJobs:
      TakeJobs(answer->body, asks);
      break;
    case Part::kConfig:
      TakeConfig(answer->body);
      break;
    case Part::kJob:
      TakeJob(question, answer->body, asks);
      break;
    case Part::kCheckpoints:
      TakeCheckpoints(question, *answer);
      break;
    case Part::kCheckpointConfig:
      TakeCheckpointConfig(question, *answer);
      break;
    case Part::kRequirements:
      TakeRequirements(question, *answer);
      break;
    case Part::kTaskManagerNames:
    case Part::kJobNames:
    case Part::kVertexNames:
      TakeNames(question, answer->body, asks);
      break;
    case Part::kTaskManagerValues:
    case Part::kJobValues:
    case Part::kVertexValues:
      TakeValues(question, answer->body);
      break;
  }
  return asks;
}

void FlinkCollector::Fail(Part part, std::string_view reason) {
  round_.success[std::string(NameOf(part))] = false;
  Refuse(reason);
}

void FlinkCollector::TakeOverview(base::Result<Answer> answer) {
  if (answer && answer->status == 200) {
    auto overview = detail::ReadOverview(answer->body);
    if (overview) {
      round_.overview = *std::move(overview);
      return;
    }
    answer = std::move(overview).error();
  }
  overview_ = std::move(answer);
  round_.success[std::string(NameOf(Part::kOverview))] = false;
}

void FlinkCollector::TakeJobs(const std::string& body, std::vector<Ask>& asks) {
  auto jobs = detail::ReadJobs(body, limits_);
  if (!Good(Part::kJobs, jobs)) return;
  Refuse("jobs", jobs->left_out);
  round_.jobs_known = jobs->left_out == 0;
  for (auto& summary : jobs->unfinished) {
    Put(asks, {Part::kJob, summary.id, {}}, JobPath(summary.id));
    round_.jobs.push_back({});
    round_.jobs.back().summary = std::move(summary);
  }
  std::erase_if(jobs_, [&](const auto& known) { return FindJob(known.first) == nullptr; });
}

void FlinkCollector::TakeJob(const Question& question, const std::string& body,
                             std::vector<Ask>& asks) {
  FlinkJobRound* job = FindJob(question.job);
  auto read = detail::ReadJob(body, limits_);
  if (!Good(Part::kJob, read) || job == nullptr) return;
  Refuse("vertices", read->left_out);
  if (read->id != question.job) {
    round_.success[std::string(NameOf(Part::kJob))] = false;
    Refuse("bad_answer");
    return;
  }
  job->body = *std::move(read);
  Remembered& known = jobs_[question.job];
  if (known.execution != job->body->running_since_ms) {
    const double execution = job->body->running_since_ms;
    known = {};
    known.execution = execution;
  }
  const std::string path = JobPath(question.job);
  if (known.requirements_asked == 0 || now_ - known.requirements_asked >= kRememberMs) {
    Put(asks, {Part::kRequirements, question.job, {}}, path + "/resource-requirements");
  } else {
    job->requirements_known = true;
    job->requirements = known.requirements;
  }
  if (!job->Runs()) return;
  Put(asks, {Part::kCheckpoints, question.job, {}}, path + "/checkpoints");
  if (known.checkpoint_config_known) {
    job->checkpointing = known.checkpointing;
    job->checkpoint_interval_ms = known.checkpoint_interval_ms;
  } else {
    Put(asks, {Part::kCheckpointConfig, question.job, {}}, path + "/checkpoints/config");
  }
  if (cold_ || !Fresh(known.names)) {
    Put(asks, {Part::kJobNames, question.job, {}}, path + "/metrics", cold_);
  } else {
    AskValues(asks, {Part::kJobValues, question.job, {}}, path + "/metrics", known.names.wanted,
              false);
  }
  for (const FlinkVertex& vertex : job->body->vertices) AskOfVertex(asks, *job, vertex);
}

void FlinkCollector::AskOfVertex(std::vector<Ask>& asks, FlinkJobRound& job,
                                 const FlinkVertex& vertex) {
  if (vertex.running == 0) return;  // it has finished, and says nothing any more
  const std::string path = VertexPath(job.summary.id, vertex.id);
  const Names& names = jobs_[job.summary.id].vertex_names[vertex.id];
  if (cold_ || !Fresh(names)) {
    Put(asks, {Part::kVertexNames, job.summary.id, vertex.id}, path, cold_);
    return;
  }
  if (vertex.is_source) job.partitions[vertex.id] = names.partitions;
  AskValues(asks, {Part::kVertexValues, job.summary.id, vertex.id}, path, names.wanted, true);
}

void FlinkCollector::TakeNames(const Question& question, const std::string& body,
                               std::vector<Ask>& asks) {
  auto read = detail::ReadNames(body, limits_);
  if (!Good(question.part, read)) return;
  Refuse("names", read->left_out);
  const std::vector<std::string>& listed = read->names;
  if (question.part == Part::kTaskManagerNames) {
    task_manager_names_ = Keep(Listed(kTaskManagerMetrics, listed), listed);
    AskValues(asks, {Part::kTaskManagerValues, {}, {}}, "/taskmanagers/metrics",
              task_manager_names_.wanted, true);
    return;
  }
  FlinkJobRound* job = FindJob(question.job);
  if (job == nullptr || !job->body) return;
  Remembered& known = jobs_[question.job];
  if (question.part == Part::kJobNames) {
    known.names = Keep(Listed(kJobMetrics, listed), listed);
    AskValues(asks, {Part::kJobValues, question.job, {}}, JobPath(question.job) + "/metrics",
              known.names.wanted, false);
    return;
  }
  for (const FlinkVertex& vertex : job->body->vertices) {
    if (vertex.id != question.vertex) continue;
    const Names& names = known.vertex_names[vertex.id] = Keep(WantedOf(vertex, listed), listed);
    if (!names.any) return;
    if (vertex.is_source) job->partitions[vertex.id] = names.partitions;
    AskValues(asks, {Part::kVertexValues, question.job, vertex.id},
              VertexPath(question.job, vertex.id), names.wanted, true);
  }
}

void FlinkCollector::TakeValues(const Question& question, const std::string& body) {
  if (question.part == Part::kJobValues) {
    FlinkJobRound* job = FindJob(question.job);
    auto values = detail::ReadValues(body, limits_);
    if (!Good(question.part, values) || job == nullptr) return;
    job->values = *std::move(values);
    if (job->values.empty()) jobs_[question.job].names = {};
    return;
  }
  auto values = detail::ReadAggregates(body, limits_);
  if (!Good(question.part, values)) return;
  if (question.part == Part::kTaskManagerValues) {
    if (values->empty()) task_manager_names_ = {};
    round_.task_managers = *std::move(values);
    return;
  }
  if (FlinkJobRound* job = FindJob(question.job)) {
    if (values->empty()) jobs_[question.job].vertex_names.erase(question.vertex);
    job->vertex_values[question.vertex].merge(*values);
  }
}

void FlinkCollector::TakeConfig(const std::string& body) {
  auto config = detail::ReadConfig(body, limits_);
  if (!Good(Part::kConfig, config)) return;
  config_ = *std::move(config);
  config_known_ = true;
  config_asked_ = now_;
}

void FlinkCollector::TakeCheckpoints(const Question& question, const Answer& answer) {
  if (answer.status != 200) {
    // 404: they are off, which the configuration says, too.
    if (answer.status != 404) Fail(question.part, "failed_request");
    return;
  }
  auto checkpoints = detail::ReadCheckpoints(answer.body, limits_);
  FlinkJobRound* job = FindJob(question.job);
  if (Good(question.part, checkpoints) && job != nullptr)
    job->checkpoints = *std::move(checkpoints);
}

void FlinkCollector::TakeCheckpointConfig(const Question& question, const Answer& answer) {
  Remembered& known = jobs_[question.job];
  if (answer.status == 200) {
    const auto interval = detail::ReadCheckpointInterval(answer.body);
    if (!Good(question.part, interval)) return;
    known.checkpoint_config_known = true;
    known.checkpointing = interval->has_value();
    known.checkpoint_interval_ms = *interval;
  } else if (answer.status == 404) {
    known.checkpoint_config_known = true;
    known.checkpointing = false;
  } else {
    Fail(question.part, "failed_request");
    return;
  }
  if (FlinkJobRound* job = FindJob(question.job)) {
    job->checkpointing = known.checkpointing;
    job->checkpoint_interval_ms = known.checkpoint_interval_ms;
  }
}

void FlinkCollector::TakeRequirements(const Question& question, const Answer& answer) {
  Remembered& known = jobs_[question.job];
  // The default scheduler answers 500, and releases without the question 404: the plan is what it
  // is. Anything else, or of an execution that had bounds, is a JobManager that cannot say now.
  const bool fixed = (answer.status == 404 || answer.status == 500) && !known.requirements;
  if (answer.status == 200) {
    auto requirements = detail::ReadRequirements(answer.body, limits_);
    if (!Good(question.part, requirements)) return;
    known.requirements = *std::move(requirements);
  } else if (!fixed) {
    return Fail(question.part, "failed_request");
  }
  known.requirements_asked = now_;
  if (FlinkJobRound* job = FindJob(question.job)) {
    job->requirements_known = true;
    job->requirements = known.requirements;
  }
}

// The metrics of all vertices come from one store. Where one of them tells of more time than its
// tasks have run, they are those of the execution before.
void FlinkCollector::JudgeAges() {
  for (FlinkJobRound& job : round_.jobs) {
    if (!job.body) continue;
    for (const FlinkVertex& vertex : job.body->vertices) {
      const auto values = job.vertex_values.find(vertex.id);
      if (values == job.vertex_values.end() || vertex.start_time_ms <= 0) continue;
      double told = 0;
      for (const char* name :
           {"accumulateBusyTimeMs", "accumulateIdleTimeMs", "accumulateBackPressuredTimeMs"}) {
        const auto value = values->second.find(name);
        if (value != values->second.end()) told += value->second.avg.value_or(0);
      }
      job.old_values =
          job.old_values || told > job.body->now_ms - vertex.start_time_ms + kAgeSlackMs;
    }
    if (job.old_values) Refuse("earlier_execution");
  }
}

Collected FlinkCollector::End() {
  for (const auto& [path, question] : open_) {
    round_.success[std::string(NameOf(question.part))] = false;
    Refuse("not_answered");
  }
  if (!round_.overview) {
    auto page = overview_ ? *std::move(overview_)
                          : base::Result<Answer>(base::Error{base::Error::Kind::kTimeout,
                                                             "/overview: no answer in time"});
    config_known_ = false;  // another JobManager may answer next
    return {std::move(page), std::move(refused_)};
  }
  JudgeAges();
  if (config_known_) {
    const auto slots = config_.find("taskmanager.numberOfTaskSlots");
    const auto number =
        slots == config_.end() ? std::optional<double>(1) : base::ParseFloat(slots->second);
    if (number && *number >= 1 && *number < 1e6) round_.slots_per_task_manager = *number;
    const auto mode = config_.find("scheduler-mode");
    round_.reactive = mode != config_.end() && mode->second == "reactive";
  }
  return {Answer{.status = 200,
                 .status_text = "200 OK",
                 .content_type = "text/plain; version=0.0.4",
                 .body = detail::WriteFlinkPage(round_)},
          std::move(refused_)};
}

}  // namespace plimsoll::engines
