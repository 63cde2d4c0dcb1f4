// SPDX-License-Identifier: Apache-2.0
//
// Reads a Spark driver's REST API and its own metrics, or what a standalone master or worker says
// of itself as JSON: what stands at the address is found out by asking.
//
// Three traps shape it, all seen on real processes. Spark's web servers answer an unknown path with
// a web page and 200: what is HTML is refused. The names of a driver's metrics begin with its
// application's id, so that each restart makes other series: the id becomes a label. And nothing
// there says how many executors an application may have: its settings are asked for once, and
// without them no bound is published.
//
// Every part of a driver has a second source where Spark has one: metrics as a page when the JSON
// is not served, executors as a page when the REST API does not answer.
//
// Threads: one caller at a time.
// Bounds:  SparkLimits; what is remembered goes with the application.
// See:     docs/engines/spark.md
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engines/collector.h"
#include "engines/detail/spark_answers.h"

namespace plimsoll::engines {

namespace detail {

// The questions that there are.
enum class SparkPart {
  kApplications,
  kState,
  kActiveStages,
  kPendingStages,
  kExecutors,
  kExecutorsPage,
  kEnvironment,
  kMetrics,
  kMetricsPage,
};

// What a round learnt; spark_page.cc writes it down.
struct SparkRound {
  bool is_driver = false;
  std::optional<SparkApplication> application;
  std::optional<SparkStages> active, pending;
  std::optional<SparkExecutors> executors;
  std::optional<SparkSettings> settings;
  std::optional<SparkMetrics> metrics;
  std::optional<SparkMaster> master;
  std::optional<SparkWorker> worker;
  std::map<std::string, bool> success;  // by part: whether it could be read this round
  std::uint64_t requests = 0;
};

std::string WriteSparkPage(const SparkRound& round);

}  // namespace detail

class SparkCollector final : public Collector {
 public:
  explicit SparkCollector(detail::SparkLimits limits = {}) : limits_(limits) {}

  std::vector<Ask> Begin(base::Time now) override;
  std::vector<Ask> Take(const Ask& ask, base::Result<Answer> answer) override;
  Collected End() override;

 private:
  using Part = detail::SparkPart;
  enum class Role { kUnknown, kDriver, kStandalone };

  void Put(std::vector<Ask>& asks, Part part, std::string path);
  void TakeApplications(const Ask& ask, const base::Result<Answer>& answer, std::vector<Ask>& asks);
  void TakeState(const base::Result<Answer>& answer);
  void TakePart(Part part, const base::Result<Answer>& answer, std::vector<Ask>& asks);
  // Asks the part's second source instead, or says that the part failed.
  void Fall(Part part, std::string_view reason, std::vector<Ask>& asks);
  void Fail(Part part, std::string_view reason);
  void Refuse(std::string_view reason, std::uint64_t count = 1);
  Collected Failed();

  const detail::SparkLimits limits_;
  // Kept between rounds.
  Role role_ = Role::kUnknown;
  std::string application_;  // whose these are
  std::optional<detail::SparkSettings> settings_;
  base::Time settings_asked_ = 0;
  bool metrics_page_first_ = false;
  // Of this round.
  base::Time now_ = 0;
  detail::SparkRound round_;
  std::map<std::string, Part> open_;               // by path
  std::map<Part, base::Result<Answer>> unusable_;  // the answers to what says which process it is
  std::vector<std::pair<std::string_view, std::uint64_t>> refused_;
};

}  // namespace plimsoll::engines
