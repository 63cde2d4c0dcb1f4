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
