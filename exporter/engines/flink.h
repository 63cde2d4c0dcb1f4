// SPDX-License-Identifier: Apache-2.0
//
// Reads a Flink JobManager's REST API, the only place that knows of every TaskManager.
//
// Three traps shape it, all seen on real processes. Flink fetches its tasks' metrics only when it
// is asked, at most every ten seconds, and answers from what it had: after a silence the collector
// asks once to wake it and takes what is there two seconds later. Between two executions of a job
// its parallelism reads as the maximum and its metrics are those of the execution before: nothing
// of a job's tasks is published unless the job's own body says that all of them run, the list of
// jobs agrees, and the metrics do not tell of more time than the tasks have run. And a request that
// names one unknown metric gets nothing: names are listed first, the list is kept for a minute, and
// an empty answer throws it away.
//
// Threads: one caller at a time.
// Bounds:  FlinkLimits, kNamesPerRequest; what is remembered of a job goes when the job does.
// See:     docs/engines/flink.md
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engines/collector.h"
#include "engines/detail/flink_answers.h"

namespace plimsoll::engines {

namespace detail {

// The questions that there are.
enum class FlinkPart {
  kOverview,
  kJobs,
  kConfig,
  kTaskManagerNames,
  kTaskManagerValues,
  kJob,
  kCheckpoints,
  kCheckpointConfig,
  kRequirements,
  kJobNames,
  kJobValues,
  kVertexNames,
  kVertexValues,
};

// What a round learnt of a job; flink_page.cc writes it down.
struct FlinkJobRound {
  FlinkJobSummary summary;
  std::optional<FlinkJob> body;
  std::optional<FlinkCheckpoints> checkpoints;
  bool requirements_known = false;
  std::optional<std::map<std::string, FlinkBounds>> requirements;  // none: a fixed parallelism
  std::optional<bool> checkpointing;
  std::optional<double> checkpoint_interval_ms;
  std::map<std::string, double> values;              // of the job
  std::map<std::string, FlinkValues> vertex_values;  // by vertex
  std::map<std::string, std::size_t> partitions;     // by source vertex
  bool old_values = false;  // the metrics are those of an execution before this one

  // Whether the tasks' numbers may be published.
  bool Runs() const;
};

struct FlinkRound {
  std::optional<FlinkOverview> overview;
  bool jobs_known = false;
  bool reactive = false;
  std::optional<double> slots_per_task_manager;  // as configured
  std::vector<FlinkJobRound> jobs;
  FlinkValues task_managers;
  std::map<std::string, bool> success;  // by part: whether every answer of this round could be used
  std::uint64_t requests = 0;
};

std::string WriteFlinkPage(const FlinkRound& round);

// Metrics of vertices, by the name that they have in our series. Of a source's operator, its own
// number is taken where it has one: the task's may be that of a whole chain.
struct FlinkVertexMetric {
  std::string_view name;
  enum class Where { kTask, kSourceFirst, kAnyOperator } where;
  bool published = true;
};
inline constexpr FlinkVertexMetric kVertexMetrics[] = {
    {"busyTimeMsPerSecond", FlinkVertexMetric::Where::kTask},
    {"backPressuredTimeMsPerSecond", FlinkVertexMetric::Where::kTask},
    {"idleTimeMsPerSecond", FlinkVertexMetric::Where::kTask},
    {"accumulateBusyTimeMs", FlinkVertexMetric::Where::kTask},
    {"accumulateIdleTimeMs", FlinkVertexMetric::Where::kTask, false},
    {"accumulateBackPressuredTimeMs", FlinkVertexMetric::Where::kTask, false},
    {"numRecordsIn", FlinkVertexMetric::Where::kSourceFirst},
    {"numRecordsOut", FlinkVertexMetric::Where::kSourceFirst},
    {"numRecordsInPerSecond", FlinkVertexMetric::Where::kSourceFirst},
    {"numRecordsOutPerSecond", FlinkVertexMetric::Where::kSourceFirst},
    {"pendingRecords", FlinkVertexMetric::Where::kAnyOperator},
    {"currentEmitEventTimeLag", FlinkVertexMetric::Where::kAnyOperator},
    {"currentFetchEventTimeLag", FlinkVertexMetric::Where::kAnyOperator},
};
// Returns: the ids under which a vertex lists that metric.
std::vector<std::string> IdsOf(const FlinkVertexMetric& metric, bool is_source,
                               const std::vector<std::string>& listed);

}  // namespace detail

class FlinkCollector final : public Collector {
 public:
  explicit FlinkCollector(detail::FlinkLimits limits = {}) : limits_(limits) {}

  std::vector<Ask> Begin(base::Time now) override;
  std::vector<Ask> Take(const Ask& ask, base::Result<Answer> answer) override;
  Collected End() override;

  // How many names of metrics outlive a round.
  std::size_t names_kept() const;

 private:
  using Part = detail::FlinkPart;
  struct Question {
    Part part = Part::kOverview;
    std::string job, vertex;
  };
  // Of the names that were listed, those that we ask for: a list may have thousands of others.
  struct Names {
    std::vector<std::string> wanted;
    std::size_t partitions = 0;  // of which the list of a source tells
    bool any = false;            // listed; nothing listed is nothing known yet
    base::Time listed = 0;
  };
  // What outlives a round, so that it is not asked for again at once.
  struct Remembered {
    double execution = 0;  // when it began: a new one has new names
    Names names;
    std::map<std::string, Names> vertex_names;
    // None: a fixed parallelism. Whoever had bounds has them until another execution.
    std::optional<std::map<std::string, detail::FlinkBounds>> requirements;
    base::Time requirements_asked = 0;  // zero: never
    bool checkpoint_config_known = false;
    std::optional<bool> checkpointing;
    std::optional<double> checkpoint_interval_ms;
  };

  void Put(std::vector<Ask>& asks, Question question, std::string path, bool settle = false);
  void AskValues(std::vector<Ask>& asks, const Question& question, const std::string& base,
                 const std::vector<std::string>& ids, bool aggregated);
  void AskOfVertex(std::vector<Ask>& asks, detail::FlinkJobRound& job,
                   const detail::FlinkVertex& vertex);

  void TakeJobs(const std::string& body, std::vector<Ask>& asks);
  void TakeJob(const Question& question, const std::string& body, std::vector<Ask>& asks);
  void TakeNames(const Question& question, const std::string& body, std::vector<Ask>& asks);
  void TakeValues(const Question& question, const std::string& body);
  void TakeConfig(const std::string& body);
  void TakeCheckpoints(const Question& question, const Answer& answer);
  void TakeCheckpointConfig(const Question& question, const Answer& answer);
  void TakeRequirements(const Question& question, const Answer& answer);
  void TakeOverview(base::Result<Answer> answer);
  void Fail(Part part, std::string_view reason);
  // Returns: whether `result` is a value; counts it and marks the part when not.
  template <typename T>
  bool Good(Part part, const base::Result<T>& result);
  bool Fresh(const Names& names) const;
  Names Keep(std::vector<std::string> wanted, const std::vector<std::string>& listed) const;
  void Refuse(std::string_view reason, std::uint64_t count = 1);
  void JudgeAges();

  detail::FlinkJobRound* FindJob(const std::string& id);

  const detail::FlinkLimits limits_;
  // Kept between rounds.
  base::Time last_round_ = 0;
  std::map<std::string, Remembered> jobs_;
  Names task_manager_names_;
  std::map<std::string, std::string> config_;
  base::Time config_asked_ = 0;
  bool config_known_ = false;
  // Of this round.
  base::Time now_ = 0;
  bool cold_ = false;
  detail::FlinkRound round_;
  std::map<std::string, Question> open_;  // by path
  std::optional<base::Result<Answer>> overview_;
  std::vector<std::pair<std::string_view, std::uint64_t>> refused_;
};

}  // namespace plimsoll::engines
