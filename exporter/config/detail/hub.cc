// SPDX-License-Identifier: Apache-2.0
//
// hub: which jobs scrape sidecars, what those may claim, and to whom other reads are forwarded.
#include <algorithm>

#include "base/format.h"
#include "base/number_text.h"
#include "config/detail/reading.h"

namespace plimsoll::config::detail {

using document::MapReader;
using document::YamlNode;

namespace {

// kube-apiserver has the HPA's worker wait for us; a peer may take less than this of its time.
constexpr milliseconds kForwardEnd{1000};

// The job names under `key`, each of which must be one of `known`.
void ReadJobs(MapReader& map, std::string_view key, const std::vector<std::string>& known,
              std::string_view of, std::vector<std::string>& out) {
  if (!map.Read(key, out)) return;
  const YamlNode* list = map.Get(key);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (std::find(known.begin(), known.end(), out[i]) == known.end()) {
      map.errors().Add(fmt::format("'{}': {} is not one of {}", key, base::GoQuote(out[i]), of),
                       list->items[i]->where());
    }
  }
}

constexpr std::uint64_t kMostOfHub = 1'000'000'000;  // so that products of limits are numbers

// What one page may cost where the job does not say: several times what the hub takes of it, for
// the other series that are on it.
constexpr std::uint64_t kSamplesOfSeries = 10;
constexpr std::uint64_t kBytesOfSample = 1024;

void BoundPages(const Hub& hub, ScrapeConfig& job) {
  const std::uint64_t samples =
      kSamplesOfSeries * (hub.metrics_per_sidecar + hub.series_per_sidecar);
  if (job.limits.samples == 0) job.limits.samples = samples;
  if (job.limits.body_size == 0) job.limits.body_size = kBytesOfSample * samples;
}

// honor_labels would let a page say which target it is of.
void CompleteJobs(MapReader& map, const Hub& hub, std::vector<ScrapeConfig>& jobs) {
  for (ScrapeConfig& job : jobs) {
    if (std::find(hub.jobs.begin(), hub.jobs.end(), job.job_name) == hub.jobs.end()) continue;
    job.of_sidecars = true;
    BoundPages(hub, job);
    if (job.honor_labels) {
      map.Fail("jobs",
               fmt::format("job {} has honor_labels: a sidecar's page must not say whose it "
                           "is",
                           base::GoQuote(job.job_name)));
    }
  }
}

Hub::Adapter ReadAdapter(const YamlNode& node, Reading& reading) {
  Hub::Adapter adapter;
  adapter.where = node.where();
  MapReader map(node, "forward", reading.errors);
  map.Read("name", adapter.name);
  if (!model::IsLegacyLabelName(adapter.name)) {
    map.Fail("name", "expected a short word such as keda, found " + base::GoQuote(adapter.name));
  }
  map.Read("url", adapter.url);
  while (adapter.url.ends_with('/')) adapter.url.pop_back();
  const auto scheme = adapter.url.find("://");
  if (!adapter.url.starts_with("https://") && !adapter.url.starts_with("http://")) {
    map.Fail("url", "expected a URL such as https://keda.keda.svc:443, found " +
                        base::GoQuote(adapter.url));
  } else if (adapter.url.find_first_of("/?#", scheme + 3) != std::string::npos) {
    map.Fail("url", "expected a URL without a path, found " + base::GoQuote(adapter.url));
  }
  map.Read("selector_labels", adapter.selector_labels);
  if (map.Read("timeout", adapter.timeout) &&
      (adapter.timeout.count() <= 0 || adapter.timeout >= kForwardEnd)) {
    map.Fail("timeout",
             fmt::format("expected a duration above zero and below {}, found {}",
                         base::FormatDuration(kForwardEnd), base::FormatDuration(adapter.timeout)));
  }
  adapter.http = ReadHttpClient(map, reading);
  adapter.http.follow_redirects = false;  // whoever answers elsewhere was not configured
  map.Finish();
  return adapter;
}

void ReadHubLimits(MapReader& outer, Hub& hub, Reading& reading) {
  const YamlNode* node = outer.Map("limits");
  if (node == nullptr) return;
  MapReader map(*node, "limits", reading.errors);
  const auto read = [&](std::string_view key, std::uint64_t& out) {
    std::uint64_t number = 0;
    if (!map.Read(key, number)) return;
    if (number == 0 || number > kMostOfHub) {
      map.Fail(key, fmt::format("expected 1 to {}, found {}", kMostOfHub, number));
    } else {
      out = number;
    }
  };
  read("metrics_per_sidecar", hub.metrics_per_sidecar);
  read("series_per_sidecar", hub.series_per_sidecar);
  read("max_metrics", hub.max_metrics);
  map.Finish();
}

}  // namespace

Hub ReadHub(const YamlNode* node, Reading& reading, std::vector<ScrapeConfig>& jobs) {
  Hub hub;
  if (node == nullptr) return hub;
  MapReader map(*node, "hub", reading.errors);
  std::vector<std::string> names;
  for (const ScrapeConfig& job : jobs) names.push_back(job.job_name);
  ReadJobs(map, "jobs", names, "scrape_configs", hub.jobs);
  ReadJobs(map, "any_namespace", hub.jobs, "'jobs'", hub.any_namespace);
  if (map.Read("forget_after", hub.forget_after) && hub.forget_after.count() <= 0)
    map.Fail("forget_after", "expected a duration above zero, found 0");
  ReadHubLimits(map, hub, reading);
  CompleteJobs(map, hub, jobs);
  if (const YamlNode* list = map.List("forward")) {
    for (const YamlNode* item : list->items) {
      Hub::Adapter adapter = ReadAdapter(*item, reading);
      for (const Hub::Adapter& other : hub.forward) {
        if (other.name == adapter.name)
          reading.errors.Add(fmt::format("forward: {} is there twice, first in line {}",
                                         base::GoQuote(adapter.name), other.where.line),
                             adapter.where);
      }
      hub.forward.push_back(std::move(adapter));
    }
  }
  map.Finish();
  return hub;
}

}  // namespace plimsoll::config::detail
