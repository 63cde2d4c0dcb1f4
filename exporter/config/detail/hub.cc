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

// honor_labels would let a page say which target it is of.
void CheckJobs(MapReader& map, const Hub& hub, const std::vector<ScrapeConfig>& jobs) {
  for (const ScrapeConfig& job : jobs) {
    const bool ours = std::find(hub.jobs.begin(), hub.jobs.end(), job.job_name) != hub.jobs.end();
    if (ours && job.honor_labels) {
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
    if (map.Read(key, out) && out == 0) map.Fail(key, "expected more than zero");
  };
  read("metrics_per_sidecar", hub.metrics_per_sidecar);
  read("series_per_sidecar", hub.series_per_sidecar);
  read("max_metrics", hub.max_metrics);
  map.Finish();
}

}  // namespace

Hub ReadHub(const YamlNode* node, const std::vector<ScrapeConfig>& jobs, Reading& reading) {
  Hub hub;
  if (node == nullptr) return hub;
  MapReader map(*node, "hub", reading.errors);
  std::vector<std::string> names;
  for (const ScrapeConfig& job : jobs) names.push_back(job.job_name);
  ReadJobs(map, "jobs", names, "scrape_configs", hub.jobs);
  ReadJobs(map, "any_namespace", hub.jobs, "'jobs'", hub.any_namespace);
  CheckJobs(map, hub, jobs);
  if (map.Read("forget_after", hub.forget_after) && hub.forget_after.count() <= 0)
    map.Fail("forget_after", "expected a duration above zero, found 0");
  ReadHubLimits(map, hub, reading);
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
