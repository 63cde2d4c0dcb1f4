// SPDX-License-Identifier: Apache-2.0
#include "scrape/collect.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/error_text.h"
#include "support/fake_target.h"

using namespace plimsoll;  // NOLINT: a test names many of its things
using engines::Answer;
using engines::Ask;
using namespace std::chrono_literals;

namespace {

// Asks for /0, then for two more after each answer as long as `depth` lasts; writes what it got.
class Tree final : public engines::Collector {
 public:
  explicit Tree(int depth) : depth_(depth) {}
  void SetParams(const Params& of_target) override { params = of_target; }
  std::vector<Ask> Begin(base::Time now) override {
    began = now;
    return {{.path = "/0", .delay = delay, .accept = accept}};
  }
  std::vector<Ask> Take(const Ask& ask, base::Result<Answer> answer) override {
    got.push_back(ask.path + " " + (answer ? answer->body : answer.error().message));
    const auto depth = static_cast<int>(ask.path.size()) - 2;
    if (depth >= depth_) return {};
    return {{.path = ask.path + "0"}, {.path = ask.path + "1"}};
  }
  engines::Collected End() override {
    ++ends;
    return {Answer{200, "200 OK", "text/plain; version=0.0.4",
                   "answers " + std::to_string(got.size()) + "\n"},
            {{"some", 2}, {"none", 0}}};
  }
  std::vector<std::string> got;
  std::chrono::milliseconds delay{0};
  std::string accept = "application/json";
  Params params = {{"of", "before"}};
  base::Time began = 0;
  int ends = 0;

 private:
  const int depth_;
};

struct Run {
  test::FakeTargets targets;
  telemetry::Telemetry telemetry;
  config::ScrapeConfig config;
  std::shared_ptr<Tree> tree;
  std::vector<scrape::Fetched> results;

  explicit Run(int depth) : tree(std::make_shared<Tree>(depth)) { config.job_name = "j"; }
  void Collect(const engines::RoundLimits& limits = {}, std::string url = "http://e:1/",
               std::chrono::milliseconds timeout = 5s) {
    scrape::PageRequest request;
    request.url = std::move(url);
    request.timeout = timeout;
    request.headers = {{"Accept", "text/plain"}, {"User-Agent", "plimsoll"}};
    request.config = std::make_shared<config::ScrapeConfig>(config);
    scrape::Collect(
        tree, std::move(request), 42, targets, &telemetry,
        [this](scrape::Fetched fetched) { results.push_back(std::move(fetched)); }, limits);
  }
  double Count(telemetry::MetricId id, const char* reason) {
    return telemetry.CounterOf(id, {"j", reason}).Value();
  }
};

scrape::Fetched Body(std::string text) {
  return {.page = scrape::Page{200, "200 OK", "application/json", std::move(text)}};
}

}  // namespace

TEST_CASE("a round asks until nothing is left to ask, and ends once") {
  Run run(3);
  run.targets.AnswerBy([](const scrape::PageRequest& request) { return Body(request.url); });
  run.Collect();
  REQUIRE(run.results.size() == 1);
  REQUIRE(run.results[0].page.has_value());
  CHECK(run.results[0].page->body == "answers 15\n");
  CHECK(run.tree->began == 42);
  CHECK(run.tree->ends == 1);
  CHECK(run.tree->got[0] == "/0 http://e:1/0");
  CHECK(run.Count(telemetry::MetricId::kCollectorRequests, "ok") == 15);
  CHECK(run.Count(telemetry::MetricId::kCollectorRefused, "some") == 2);
  CHECK(run.Count(telemetry::MetricId::kCollectorRefused, "requests") == 0);
  for (const auto& request : run.targets.requests) {
    CHECK(request.headers == std::vector<std::pair<std::string, std::string>>{
                                 {"User-Agent", "plimsoll"}, {"Accept", "application/json"}});
    CHECK(request.timeout <= 5s);
    CHECK(request.body_limit == engines::RoundLimits{}.answer_bytes);
  }
}

TEST_CASE("a round keeps to its budget, and counts what it did not ask") {
  Run run(3);
  run.targets.AnswerBy([](const scrape::PageRequest&) { return Body(""); });
  run.Collect({.requests = 6});
  REQUIRE(run.results.size() == 1);
  CHECK(run.results[0].page->body == "answers 6\n");
  CHECK(run.Count(telemetry::MetricId::kCollectorRefused, "requests") > 0);
  CHECK(run.Count(telemetry::MetricId::kCollectorRequests, "ok") == 6);
}

TEST_CASE("no more is asked at a time than the engine is to bear") {
  Run run(2);
  const std::vector<std::string> urls = {"0", "00", "01", "000", "001", "010", "011"};
  for (const std::string& url : urls) run.targets.Hold("http://e:1/" + url);
  run.Collect({.parallel = 1});
  CHECK(run.targets.requests.size() == 1);
  run.targets.Release("http://e:1/0");
  CHECK(run.targets.requests.size() == 2);
  run.targets.Release("http://e:1/00");
  CHECK(run.targets.requests.size() == 3);
  CHECK(run.results.empty());
}

TEST_CASE("an answer that fails is an answer") {
  Run run(1);
  run.Collect();
  REQUIRE(run.results.size() == 1);
  CHECK(run.results[0].page->body == "answers 3\n");
  CHECK(run.Count(telemetry::MetricId::kCollectorRequests, "connection") == 3);
  CHECK(run.tree->got[2].ends_with("connection refused"));
}

TEST_CASE("what cannot be asked in time is not asked") {
  Run run(1);
  run.tree->delay = 6s;
  run.targets.AnswerBy([](const scrape::PageRequest&) { return Body(""); });
  run.Collect();
  REQUIRE(run.results.size() == 1);
  CHECK(run.results[0].page->body == "answers 0\n");
  CHECK(run.Count(telemetry::MetricId::kCollectorRefused, "time") == 1);
}

TEST_CASE("a client that goes away is asked nothing more") {
  Run run(3);
  run.targets.AnswerBy([](const scrape::PageRequest&) {
    return scrape::Fetched{base::Error{base::Error::Kind::kCanceled, "canceled"}};
  });
  run.Collect();
  REQUIRE(run.results.size() == 1);
  CHECK(run.targets.requests.size() == 1);
}

TEST_CASE("an API below another path is asked there") {
  Run run(0);
  run.Collect({}, "http://e:1/flink/?x=y");
  CHECK(run.targets.requests.at(0).url == "http://e:1/flink/0");
}

TEST_CASE("a collector is told the target's params, which it is not asked with") {
  Run run(1);
  run.Collect({}, "http://e:1/p?stream=a%2Fb&stream=c+d&x=");
  CHECK(run.tree->params ==
        engines::Collector::Params{{"stream", "a/b"}, {"stream", "c d"}, {"x", ""}});
  CHECK(run.targets.requests.at(0).url == "http://e:1/p/0");
  run.Collect();
  CHECK(run.tree->params.empty());
}

TEST_CASE("each question says what it accepts") {
  Run run(1);
  run.tree->accept = "text/plain";
  run.Collect();
  const auto accepted = [&](std::size_t request) {
    std::string text;
    for (const auto& [name, value] : run.targets.requests.at(request).headers)
      text += name == "Accept" ? value : "";
    return text;
  };
  CHECK(accepted(0) == "text/plain");
  CHECK(accepted(1) == "application/json");
}
