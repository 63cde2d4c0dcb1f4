// SPDX-License-Identifier: Apache-2.0
//
// Series to slots when the table changes, slots to pages each tick.
#include "hub/detail/pages.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/format.h"
#include "base/number_text.h"
#include "model/matcher.h"
#include "telemetry/catalogue.h"

namespace plimsoll::hub::detail {
namespace {

using signals::Entry;
using signals::Moment;
using telemetry::MetricId;

constexpr std::pair<model::Time, model::Time> kEver{-(model::Time(1) << 61), model::Time(1) << 61};
constexpr char kEndOfName = '\n';  // in no name

bool Carries(const model::Labels& series, const model::Labels& target) {
  return std::all_of(target.begin(), target.end(), [&](const model::Label& label) {
    return series.Get(label.name) == label.value;
  });
}

model::Labels OwnLabels(const model::Labels& series) {
  std::vector<model::Label> own;
  for (const model::Label& label : series) {
    if (!label.name.starts_with(kLabelPrefix) || label.name.size() == kLabelPrefix.size()) continue;
    own.push_back({label.name.substr(kLabelPrefix.size()), label.value});
  }
  return model::Labels::FromSorted(own);  // a common prefix keeps the order
}

std::string JobAndInstance(const model::Labels& labels) {
  std::string key(labels.Get("job"));
  key += '\0';
  return key.append(labels.Get("instance"));
}

}  // namespace

enum class Pages::What {
  kInfo,
  kValue,
  kSource,
  kGood,
  kGoodSource,
  kEvaluated,
  kSeries,
  kProblem,
  kWritten
};

// One series of a page.
struct Pages::Slot {
  What what = What::kValue;
  store::SeriesRef ref = 0;
  std::string metric = {};            // its name and the namespaces that it is for
  model::Labels labels = {};          // of the metric's series, or of the info
  std::optional<Policy> policy = {};  // of an info that can be used
};

struct Pages::Plan {
  std::vector<Slot> slots;
};

// What a series says, as far as its labels say it.
Pages::Slot Pages::SlotOf(const store::SelectedSeries& series, What what) {
  Slot slot{.what = what, .ref = series.ref, .metric = std::string(series.labels->Get("metric"))};
  (slot.metric += kEndOfName) += series.labels->Get("namespaces");
  if (slot.what == What::kInfo) {
    if (auto policy = ReadPolicy(*series.labels)) slot.policy = *std::move(policy);
  } else if (slot.what == What::kProblem) {
    slot.labels = *series.labels;
  } else {
    slot.labels = OwnLabels(*series.labels);
  }
  return slot;
}

Pages::Pages(Limits limits, std::chrono::milliseconds lookback)
    : limits_(limits), lookback_(lookback) {}
Pages::~Pages() = default;

void Pages::Prepare(const std::vector<Sidecar>& sidecars, store::Querier& querier) {
  std::vector<model::Labels> wanted;
  for (const Sidecar& sidecar : sidecars) wanted.push_back(sidecar.labels);
  if (prepared_ && table_version_ == querier.TableVersion() && prepared_for_ == wanted) return;
  prepared_ = true;
  table_version_ = querier.TableVersion();
  prepared_for_ = std::move(wanted);
  plans_.assign(sidecars.size(), {});
  std::unordered_map<std::string, std::vector<std::size_t>> by_target;
  for (std::size_t i = 0; i < sidecars.size(); ++i)
    by_target[JobAndInstance(sidecars[i].labels)].push_back(i);
  static constexpr std::pair<What, MetricId> kSeries[] = {
      {What::kInfo, MetricId::kExportedInfo},
      {What::kValue, MetricId::kExportedValue},
      {What::kSource, MetricId::kExportedSource},
      {What::kGood, MetricId::kExportedLastGood},
      {What::kGoodSource, MetricId::kExportedLastGoodSource},
      {What::kEvaluated, MetricId::kExportedEvaluated},
      {What::kSeries, MetricId::kExportedSeries},
      {What::kProblem, MetricId::kExportedProblem},
      {What::kWritten, MetricId::kExportedPageTime}};
  for (const auto& [what, id] : kSeries) {
    const std::string name(telemetry::Row(id).name);
    const model::Matchers matchers = {model::Matcher::Equal(std::string(model::kMetricName), name)};
    for (const auto& found : querier.Select(matchers, kEver.first, kEver.second)) {
      const auto targets = by_target.find(JobAndInstance(*found.labels));
      if (targets == by_target.end()) continue;
      std::optional<std::size_t> of;
      for (const std::size_t i : targets->second) {
        if (!Carries(*found.labels, sidecars[i].labels)) continue;
        if (!of || sidecars[i].labels.size() > sidecars[*of].labels.size()) of = i;
      }
      if (of) plans_[*of].slots.push_back(SlotOf(found, what));
    }
  }
}

namespace {

// Beyond any max_age; so that no page can make an age that a clock cannot hold.
constexpr std::chrono::milliseconds kOldest = std::chrono::hours(24 * 365 * 20);

// Times of a page are on the sidecar's clock. Its age on that page is certain, and so is how long
// ago we asked; so ages add up even when the two clocks disagree.
struct PageClock {
  Moment now;
  model::Time scraped = 0;  // on our clock
  model::Time written = 0;  // on the sidecar's

  Moment Of(double seconds) const {
    const auto time = static_cast<model::Time>(std::llround(seconds * 1000));
    const model::Time age =
        std::max<model::Time>(0, now.wall - scraped) + std::max<model::Time>(0, written - time);
    return {time, now.steady - std::min(std::chrono::milliseconds(age), kOldest)};
  }
};

// Of this era, and before RFC 3339 ends.
bool IsTime(double seconds) { return seconds > 0 && seconds < 253402300800.0; }

// An entry while its parts come together.
struct Parts {
  std::optional<double> value, source, good, good_source;
};

Entry EntryOf(const model::Labels& labels, const Parts& parts, const PageClock& clock) {
  Entry entry{.labels = labels, .seen = clock.Of(static_cast<double>(clock.written) / 1000)};
  if (parts.value && parts.source && IsTime(*parts.source)) {
    entry.present = true;
    entry.value = *parts.value;
    entry.source = clock.Of(*parts.source);
  }
  if (parts.good && parts.good_source && IsTime(*parts.good_source) && std::isfinite(*parts.good))
    entry.last_good = signals::Good{*parts.good, clock.Of(*parts.good_source)};
  return entry;
}

struct Gathered {
  PageMetric metric;
  std::map<model::Labels, Parts> series;
  std::optional<double> said;  // how many series there are
};
using Metrics = std::map<std::string, Gathered, std::less<>>;

// Why what was gathered is not all that the page has; "" when it is.
std::string LostOf(const Gathered& gathered) {
  const auto& entries = gathered.metric.entries;
  const auto present = static_cast<double>(std::count_if(
      entries.begin(), entries.end(), [](const Entry& entry) { return entry.present; }));
  if (!gathered.said) return "its page came without the number of its series";
  if (*gathered.said != present)
    return base::format("the hub has {} of its {} series", base::ApiFloat(present),
                        base::ApiFloat(*gathered.said));
  if (present == 0 && !gathered.metric.reason) return "its page came without why it has no series";
  return "";
}

}  // namespace

// One page while it is read: first when it was written and which metrics it has, then what it says
// of them.
class Pages::Reader {
 public:
  Reader(const Limits& limits, store::Querier& querier, model::Time oldest, model::Time at,
         Moment now)
      : limits_(limits), querier_(querier), oldest_(oldest), at_(at), clock_{.now = now} {}

  Page Read(const Plan& plan) {
    for (const Slot& slot : plan.slots) {
      if (slot.what == What::kWritten) ReadWritten(slot);
      if (slot.what == What::kInfo && Newest(slot)) ReadInfo(slot);
    }
    if (!page_.heard) return page_;
    for (const Slot& slot : plan.slots) {
      if (slot.what == What::kWritten || slot.what == What::kInfo) continue;
      const auto metric = metrics_.find(slot.metric);
      if (metric == metrics_.end()) continue;
      if (const auto sample = Newest(slot)) ReadSlot(slot, sample->value, metric->second);
    }
    for (auto& [name, gathered] : metrics_) {
      PageMetric& metric = gathered.metric;
      for (const auto& [labels, parts] : gathered.series)
        metric.entries.push_back(EntryOf(labels, parts, clock_));
      if (metric.lost.empty()) metric.lost = LostOf(gathered);
      page_.metrics.push_back(std::move(metric));
    }
    return std::move(page_);
  }

 private:
  std::optional<model::Sample> Newest(const Slot& slot) const {
    const auto latest = querier_.ReadLatest(slot.ref, oldest_, at_);
    if (!latest || model::IsStaleNaN(latest->sample.value)) return std::nullopt;
    return latest->sample;
  }

  void ReadWritten(const Slot& slot) {
    const auto sample = Newest(slot);
    if (!sample || !IsTime(sample->value)) return;
    page_.heard = true;
    clock_.scraped = sample->time;
    clock_.written = static_cast<model::Time>(std::llround(sample->value * 1000));
    page_.at = clock_.Of(sample->value);
  }

  void ReadInfo(const Slot& slot) {
    if (!slot.policy) {
      ++page_.bad_metrics;
    } else if (metrics_.size() >= limits_.metrics && !metrics_.contains(slot.metric)) {
      ++page_.extra_metrics;
    } else {
      metrics_[slot.metric].metric.policy = *slot.policy;
    }
  }

  void ReadSlot(const Slot& slot, double value, Gathered& gathered) {
    if (slot.what == What::kEvaluated) {
      if (IsTime(value)) gathered.metric.evaluated = clock_.Of(value);
      return;
    }
    if (slot.what == What::kSeries) {
      gathered.said = value;
      return;
    }
    if (slot.what == What::kProblem) {
      gathered.metric.reason = signals::ReasonOf(slot.labels.Get("reason"));
      gathered.metric.error = slot.labels.Get("error");
      return;
    }
    auto parts = gathered.series.find(slot.labels);
    if (parts == gathered.series.end()) {
      if (series_ >= limits_.series) {
        ++page_.extra_series;
        gathered.metric.lost = base::format(
            "there are more than {} series of its sidecar (series_per_sidecar)", limits_.series);
        return;
      }
      ++series_;
      parts = gathered.series.emplace(slot.labels, Parts()).first;
    }
    if (slot.what == What::kValue) parts->second.value = value;
    if (slot.what == What::kSource) parts->second.source = value;
    if (slot.what == What::kGood) parts->second.good = value;
    if (slot.what == What::kGoodSource) parts->second.good_source = value;
  }

  const Limits& limits_;
  store::Querier& querier_;
  const model::Time oldest_, at_;
  PageClock clock_;
  Page page_;
  Metrics metrics_;
  std::size_t series_ = 0;
};

std::vector<Page> Pages::Read(const std::vector<Sidecar>& sidecars, store::Querier& querier,
                              model::Time at, Moment now) {
  Prepare(sidecars, querier);
  std::vector<Page> pages;
  const model::Time oldest = at - lookback_.count() + 1;
  for (const Plan& plan : plans_)
    pages.push_back(Reader(limits_, querier, oldest, at, now).Read(plan));
  return pages;
}

}  // namespace plimsoll::hub::detail
