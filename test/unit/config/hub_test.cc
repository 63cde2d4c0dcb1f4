// SPDX-License-Identifier: Apache-2.0
//
// hub: which jobs are sidecars' and who else is asked.
#include <doctest/doctest.h>

#include "unit/config/loading.h"

namespace plimsoll::config {
namespace {

using test::ErrorsOf;
using namespace std::chrono_literals;

const std::string kJobs = "scrape_configs: [{job_name: a}, {job_name: b, honor_labels: true}]\n";

TEST_CASE("without the section nothing is a hub") {
  const auto config = test::LoadGood("");
  CHECK(config->hub.jobs.empty());
  CHECK(config->hub.forward.empty());
}

TEST_CASE("a hub has jobs, bounds and adapters") {
  const auto config = test::LoadGood(
      kJobs +
      "hub:\n"
      "  jobs: [a]\n"
      "  any_namespace: [a]\n"
      "  forget_after: 5m\n"
      "  limits: {metrics_per_sidecar: 3, series_per_sidecar: 4, max_metrics: 5}\n"
      "  forward:\n"
      "  - {name: keda, url: 'https://keda:443/', selector_labels: [scaledobject.keda.sh/name], "
      "timeout: 500ms, bearer_token_file: t}\n");
  const Hub& hub = config->hub;
  CHECK(hub.jobs == std::vector<std::string>{"a"});
  CHECK(hub.any_namespace == hub.jobs);
  CHECK(hub.forget_after == 5min);
  CHECK(hub.metrics_per_sidecar == 3);
  CHECK(hub.series_per_sidecar == 4);
  CHECK(hub.max_metrics == 5);
  const Hub::Adapter& adapter = hub.forward.at(0);
  CHECK(adapter.url == "https://keda:443");
  CHECK(adapter.timeout == 500ms);
  CHECK(adapter.selector_labels == std::vector<std::string>{"scaledobject.keda.sh/name"});
  CHECK(adapter.http.authorization->credentials.file == "t");
  CHECK_FALSE(adapter.http.follow_redirects);
}

TEST_CASE("a page of a sidecar is bounded by the hub's limits where the job does not bound it") {
  const std::string jobs =
      "scrape_configs: [{job_name: a}, {job_name: b, sample_limit: 7, body_size_limit: 9KB}, "
      "{job_name: c}]\n";
  const auto config = test::LoadGood(
      jobs + "hub: {jobs: [a, b], limits: {metrics_per_sidecar: 2, series_per_sidecar: 3}}\n");
  const ScrapeConfig& a = config->scrape_configs.at(0);
  CHECK(a.of_sidecars);
  CHECK(a.limits.samples == 50);
  CHECK(a.limits.body_size == 51200);
  const ScrapeConfig& b = config->scrape_configs.at(1);
  CHECK(b.limits.samples == 7);
  CHECK(b.limits.body_size == 9 * 1024);
  const ScrapeConfig& c = config->scrape_configs.at(2);
  CHECK_FALSE(c.of_sidecars);
  CHECK(c.limits.samples == 0);
  CHECK(c.limits.body_size == 0);
  const auto defaults = test::LoadGood("scrape_configs: [{job_name: a}]\nhub: {jobs: [a]}\n");
  CHECK(defaults->scrape_configs.at(0).limits.samples == 12'000);
  CHECK(defaults->scrape_configs.at(0).limits.body_size == 12'288'000);
  CHECK(ErrorsOf("hub: {limits: {max_metrics: 0}}\n") ==
        "f:1:29: 'max_metrics': expected 1 to 1000000000, found 0");
  CHECK(ErrorsOf("hub: {limits: {max_metrics: 1000000001}}\n") ==
        "f:1:29: 'max_metrics': expected 1 to 1000000000, found 1000000001");
}

TEST_CASE("jobs exist, and let no page say whose it is") {
  CHECK(ErrorsOf(kJobs + "hub: {jobs: [c]}\n") ==
        "f:2:14: 'jobs': \"c\" is not one of scrape_configs");
  CHECK(ErrorsOf(kJobs + "hub: {jobs: [a], any_namespace: [b]}\n") ==
        "f:2:34: 'any_namespace': \"b\" is not one of 'jobs'");
  CHECK(ErrorsOf(kJobs + "hub: {jobs: [b]}\n") ==
        "f:2:13: 'jobs': job \"b\" has honor_labels: a sidecar's page must not say whose it is");
}

TEST_CASE("a peer has less than a second, a name and a URL without a path") {
  const auto forward = [](const std::string& lines) {
    return ErrorsOf("hub: {forward: [{" + lines + "}]}\n");
  };
  CHECK(forward("name: k, url: 'https://h', timeout: 1s") ==
        "f:1:54: 'timeout': expected a duration above zero and below 1s, found 1s");
  CHECK(forward("name: k, url: 'https://h', timeout: 999ms").empty());
  CHECK(forward("name: k, url: 'https://h/apis'") ==
        "f:1:32: 'url': expected a URL without a path, found \"https://h/apis\"");
  CHECK(forward("name: k, url: h") ==
        "f:1:32: 'url': expected a URL such as https://keda.keda.svc:443, found \"h\"");
  CHECK(forward("url: 'https://h'") ==
        "f:1:17: 'name': expected a short word such as keda, found \"\"");
  CHECK(forward("name: k, url: 'https://h'}, {name: k, url: 'https://i'") ==
        "f:1:46: forward: \"k\" is there twice, first in line 1");
}

}  // namespace
}  // namespace plimsoll::config
