// SPDX-License-Identifier: Apache-2.0
//
// A running loop with the faces that are asked about it, called as functions.
//
// Threads: one.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "serve/external_metrics.h"
#include "serve/metrics_page.h"
#include "serve/prometheus_api.h"
#include "support/running_loop.h"

namespace plimsoll::test {

class Faces {
 public:
  // The clock begins at the first slot after `start`.
  explicit Faces(const std::shared_ptr<const config::Config>& config, base::Time start = kEpoch);

  // What GET of each face answers now.
  http::Response MetricsPage() const;
  http::Response Query(std::string_view expression) const;
  http::Response External(std::string_view name, std::string_view name_space = "default",
                          std::string_view selector = "") const;

  // Values of a name on the page of /metrics, by the labels as they are written there.
  using Samples = std::map<std::string, double>;
  Samples Signal(std::string_view name) const;
  // Every sample on the page, under its name and labels.
  Samples AllSignals() const;
  // "3", "1500m", or "503 stale": an answer in the words that a test compares.
  std::string Read(std::string_view name, std::string_view name_space = "default",
                   std::string_view selector = "") const;
  // The message of an error's Status.
  std::string Message(std::string_view name, std::string_view name_space = "default",
                      std::string_view selector = "") const;

  RunningLoop path;

 private:
  struct NoStatus final : serve::StatusSource {
    serve::TargetsStatus Targets() const override { return {}; }
    std::vector<serve::RuleGroupStatus> RuleGroups() const override { return {}; }
    std::map<std::string, serve::PoolMetadata> Metadata() const override { return {}; }
  };
  NoStatus status_;
  telemetry::Telemetry none_;  // the page then has what the configuration brings, and no more
  serve::MetricsPage metrics_;
  serve::PrometheusApi prometheus_;
  serve::ExternalMetricsApi external_;
};

}  // namespace plimsoll::test
