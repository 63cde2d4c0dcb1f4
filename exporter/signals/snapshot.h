// SPDX-License-Identifier: Apache-2.0
//
// What may be served until the next tick: one immutable value that replaces the last.
//
// A snapshot holds facts, not answers: what each query gave, when, and the last good value. Age,
// hold and fallback are decided by the read (signals/resolve.h) against its own now, so that a
// stuck tick cannot serve an old value for ever. Every instant is kept on both clocks: the wall
// clock labels an answer, the steady clock, which nobody can set back, measures its age.
//
// Threads: immutable once published (base::Published); read from any thread.
// Bounds:  Limits of signals/evaluator.h, which builds it.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "config/config.h"
#include "model/labels.h"
#include "model/sample.h"

namespace plimsoll::signals {

using base::Steady;
using model::Time;

// One instant on both clocks.
struct Moment {
  Time wall = 0;
  Steady steady{0};

  static Moment Of(const base::Clock& clock) { return {clock.Now(), clock.SteadyNow()}; }
  bool operator==(const Moment&) const = default;
};

// The closed list of why there is no value (docs/architecture.md 5.1).
enum class Reason { kNeverScraped, kStale, kEmpty, kSeveral, kNotFinite, kOutOfRange, kQueryError };
inline constexpr std::array kReasons = {
    Reason::kNeverScraped, Reason::kStale,      Reason::kEmpty,     Reason::kSeveral,
    Reason::kNotFinite,    Reason::kOutOfRange, Reason::kQueryError};
// Returns: "never_scraped", "stale", ...: the label value and the word in messages.
std::string_view ReasonText(Reason reason);
// Returns: nothing when it is none of those words.
std::optional<Reason> ReasonOf(std::string_view text);

// A value that was finite and valid when its source was young enough.
struct Good {
  double value = 0;  // before clamp and rounding
  Moment source;     // of the scraped sample behind it
  bool operator==(const Good&) const = default;
};

// One series of an external metric.
struct Entry {
  model::Labels labels;  // without __name__: the answer's metricLabels
  bool present = false;  // in the newest result; otherwise only last_good speaks
  double value = 0;      // as the query gave it; only when present
  Moment source;         // only when present
  Moment seen;           // the newest evaluation that had it
  std::optional<Good> last_good;
};

// The sidecar that a metric of a hub was heard of.
struct Origin {
  std::string engine;   // the label `engine` of all its series
  std::string owner;    // "Deployment trino": its pods replace each other
  std::string home;     // the sidecar's own namespace
  std::string sidecar;  // "sidecars http://10.0.0.7:7546/metrics"
  Moment heard;         // its newest page
  // Why there is no series, as the sidecar says, or because it is silent; and in words.
  std::optional<Reason> reason = {};
  std::string problem = {};
};

// One external metric in the namespaces where it may be asked for.
struct Metric {
  std::shared_ptr<const config::ExternalMetric> policy;  // never null
  std::vector<std::string> namespaces;                   // never empty; {"*"}: all
  std::chrono::seconds window{0};  // the widest range that the query itself reads
  bool reads_scraped = true;       // false: as old as its evaluation
  Moment evaluated;                // the newest evaluation; steady zero: none yet
  std::string query_error;         // of the newest evaluation; "" when it succeeded
  std::vector<Entry> entries;      // sorted by labels
  // The only series there was, when it can be served no more: for the text of the error alone.
  std::optional<Entry> forgotten;
  std::shared_ptr<const Origin> origin;  // null: it is our own
};

// A namespace ("*": all of them) in which a sidecar may export what has not been heard of yet.
struct Pending {
  std::string name_space;
  std::string why;
};

// What a hub has heard.
struct Imported {
  std::vector<Metric> metrics;
  std::vector<Pending> pending;
  bool settled = true;  // false: not every sidecar has been asked once since the start
};

// A scraped address, as far as an error message needs it.
struct Upstream {
  std::string name;  // "trino http://localhost:8080/metrics"
  bool up = false;
  std::optional<Moment> last_success;
  std::optional<Moment> failing_since;
  std::string last_error;
};

// One series that leaves on /metrics.
struct SignalPoint {
  model::Labels labels;  // with __name__
  double value = 0;
  Moment sampled;  // of its newest sample
};

struct SignalFamily {
  std::shared_ptr<const config::Signal> signal;  // never null
  std::vector<SignalPoint> points;               // sorted by labels
};

class Snapshot {
 public:
  Moment taken;        // when the tick's signals were computed; steady zero: before the first tick
  Time tick_time = 0;  // the slot time of that tick
  std::chrono::milliseconds lookback =
      std::chrono::minutes(5);  // a signal's point is absent when older
  std::vector<Metric> metrics;
  std::vector<SignalFamily> signals;
  std::vector<Upstream> upstreams;
  std::vector<Pending> pending;
  bool settled = true;

  // Makes Find work; called once, by the builder, before the snapshot is published.
  void BuildIndex();
  // Returns: null when no metric of this name may be asked for in this namespace.
  const Metric* Find(std::string_view name_space, std::string_view name) const;
  // Returns: every metric of that name there, when several engines have one; else nothing.
  std::vector<const Metric*> Sharing(std::string_view name_space, std::string_view name) const;
  // Returns: null when everything in this namespace is known.
  const Pending* PendingIn(std::string_view name_space) const;

 private:
  struct Key {
    std::string_view name_space;
    std::string_view name;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      return model::HashBytes(key.name, model::HashBytes(key.name_space));
    }
  };
  // Returns: index_.end() when there is none.
  std::unordered_map<Key, std::size_t, KeyHash>::const_iterator Seek(std::string_view name_space,
                                                                     std::string_view name) const;

  std::unordered_map<Key, std::size_t, KeyHash>
      index_;  // views into metrics; "*" for all namespaces
  std::unordered_map<Key, std::vector<std::size_t>, KeyHash> sharing_;  // where it is more than one
};

// The instant on the steady clock of a sample with wall time `source`, seen at `now`. A source in
// the future (the clock was set back) counts as of now.
Moment SourceMoment(Time source, Moment now);

}  // namespace plimsoll::signals
