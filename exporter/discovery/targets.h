// SPDX-License-Identifier: Apache-2.0
//
// Who is to be scraped: from one scrape configuration to targets with URL, labels, interval and
// timeout.
//
// There is no thread of our own: Refresh is called before each round of scrapes and looks at what
// the job's sources know and at the files of file_sd_configs, whose change it sees by their time
// stamps. A file that turned bad keeps the targets of its last good version, because an editor
// caught half way must not stop the scraping.
//
// Threads: not synchronised; belongs to whoever scrapes the job.
// Bounds:  Targets::Limits; target_limit and keep_dropped_targets of the job. Counted by reason in
//          plimsoll_discovery_refused_total.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "config/config.h"
#include "config/load.h"
#include "discovery/source.h"
#include "model/labels.h"

namespace plimsoll::telemetry {
class Telemetry;
}

namespace plimsoll::discovery {

// Of every target of a job of sidecars, so that no two namespaces share one and no page can say
// that it is of another: where discovery found it; "-" where discovery does not say.
inline constexpr std::string_view kSidecarNamespace = "plimsoll_namespace";

struct Target {
  std::string url;
  model::Labels labels;      // of its series: nothing that begins with "__"
  model::Labels discovered;  // before relabelling
  std::chrono::milliseconds interval{0};
  std::chrono::milliseconds timeout{0};
  bool operator==(const Target&) const = default;
};

// What discovery reads; tests bring their own.
struct FileAccess {
  config::Files files;
  // Returns: what changes when the file does; "" when it is not there.
  std::function<std::string(const std::string& path)> stamp;
};
FileAccess SystemFileAccess();

// Turns one address and its labels into a target.
// Returns: nullopt when relabelling drops it, or it is no sidecar any more. Fails with: kBadInput
// in Prometheus's words ("no address").
base::Result<std::optional<Target>> MakeTarget(const config::ScrapeConfig& config,
                                               const model::Labels& discovered);

class Targets {
 public:
  struct Limits {
    std::size_t files = 1000;      // read for one job
    std::size_t targets = 100000;  // of one job, before relabelling
  };

  explicit Targets(std::shared_ptr<const config::ScrapeConfig> config,
                   telemetry::Telemetry* telemetry = nullptr,
                   FileAccess access = SystemFileAccess())
      : Targets(std::move(config), telemetry, std::move(access), Limits()) {}
  Targets(std::shared_ptr<const config::ScrapeConfig> config, telemetry::Telemetry* telemetry,
          FileAccess access, Limits limits,
          std::vector<std::shared_ptr<TargetSource>> sources = {});
  ~Targets();

  // Reads what has changed, and everything once in a refresh_interval.
  // Returns: whether the targets may differ from before.
  bool Refresh(base::Time now);

  // Namespaces ("*": all) of which a source has heard nothing yet, or of which a limit left
  // something out: what is not found may be there.
  std::vector<std::string> Unheard() const;
  // Whether a target that is not found may be found when its source has heard of its namespace.
  bool MayComeBack(const model::Labels& discovered) const;
  const std::vector<Target>& Active() const { return active_; }
  // Discovered labels of what relabelling dropped, at most keep_dropped_targets of them.
  const std::vector<model::Labels>& Dropped() const { return dropped_; }
  std::size_t DroppedCount() const { return dropped_count_; }
  // What is wrong now: files that cannot be read, targets that cannot be scraped.
  const std::vector<std::string>& Problems() const { return problems_; }
  std::string LastError() const { return problems_.empty() ? std::string() : problems_.front(); }
  // Prometheus fails every scrape of a job with more targets than target_limit.
  // Returns: the error of those scrapes; "" within the limit.
  const std::string& LimitError() const { return limit_error_; }

 private:
  struct Reader;
  void Build();

  std::shared_ptr<const config::ScrapeConfig> config_;
  telemetry::Telemetry* telemetry_;
  Limits limits_;
  std::unique_ptr<Reader> reader_;
  bool built_ = false;
  std::vector<Target> active_;
  std::vector<model::Labels> dropped_;
  std::size_t dropped_count_ = 0;
  std::vector<std::string> problems_;
  std::string limit_error_;
};

}  // namespace plimsoll::discovery
