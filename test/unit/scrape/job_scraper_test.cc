// SPDX-License-Identifier: Apache-2.0
//
// The targets of a job, slot after slot, with fetches that the test answers.
#include "scrape/job_scraper.h"

#include <doctest/doctest.h>

#include <map>

#include "base/number_text.h"
#include "store/memory_store.h"
#include "support/fake_target.h"

namespace plimsoll::scrape {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<config::ScrapeConfig> Config(std::vector<std::string> targets) {
  auto config = std::make_shared<config::ScrapeConfig>();
  config->job_name = "trino";
  config->scrape_interval = 15s;
  config->static_configs = {{std::move(targets), {}}};
  return config;
}

const std::string kA = "http://a:1/metrics", kB = "http://b:1/metrics";

struct Fixture {
  Fixture() {
    targets.Hold(kA);
    targets.Hold(kB);
  }
  // Lets the oldest waiting fetch end with this page.
  void Answer(const std::string& url, std::string body) {
    targets.Serve(url, std::move(body));
    targets.Release(url);
  }
  // The URLs that were asked since the last call.
  std::vector<std::string> Asked() {
    std::vector<std::string> urls;
    for (const PageRequest& request : std::exchange(targets.requests, {})) {
      urls.push_back(request.url);
    }
    return urls;
  }
  std::unique_ptr<JobScraper> Job(std::shared_ptr<const config::ScrapeConfig> config,
                                  model::Labels external = {}) {
    return std::make_unique<JobScraper>(
        JobScraper::Options{std::move(config), std::move(external), "plimsoll/1"}, targets, nullptr,
        [this] { ++woken; });
  }
  // Newest value of each series of that name, by instance; a stale marker reads "stale".
  std::map<std::string, std::string> Newest(const std::string& name) {
    std::map<std::string, std::string> found;
    const auto querier = store.Open();
    for (const auto& series :
         querier->Select({model::Matcher::Equal("__name__", name)}, INT64_MIN, INT64_MAX)) {
      const auto latest = querier->ReadLatest(series.ref, INT64_MIN, INT64_MAX);
      found[std::string(series.labels->Get("instance"))] =
          model::IsStaleNaN(latest->sample.value)
              ? "stale"
              : base::ApiFloat(latest->sample.value) + "@" + std::to_string(latest->sample.time);
    }
    return found;
  }

  test::FakeTargets targets;
  store::MemoryStore store;
  int woken = 0;
};

using Values = std::map<std::string, std::string>;
TEST_CASE_FIXTURE(Fixture, "slots are one interval apart, and never the instant asked from") {
  const auto job = Job(Config({"a:1"}));
  const Time first = job->NextSlot(1'000'000);
  CHECK(first > 1'000'000);
  CHECK(first <= 1'015'000);
  CHECK(job->NextSlot(first) == first + 15000);
  CHECK(job->NextSlot(first - 1) == first);
  CHECK(job->NextSlot(-1'000'000) > -1'000'000);
  CHECK(job->NextSlot(-1'000'000) <= -985'000);
}

TEST_CASE_FIXTURE(Fixture,
                  "external labels move the phase, so that sidecars do not march in step") {
  const auto one = Job(Config({"a:1"}), {{"cluster", "one"}});
  const auto two = Job(Config({"a:1"}), {{"cluster", "two"}});
  CHECK(one->NextSlot(1'000'000) != two->NextSlot(1'000'000));
}

TEST_CASE_FIXTURE(Fixture,
                  "all targets of a job get the slot as their time, whenever they answer") {
  const auto job = Job(Config({"a:1", "b:1"}));
  CHECK(job->Begin(1'000'000, 1'000'003, store.appender()) == 2);
  CHECK(Asked() == std::vector<std::string>{kA, kB});
  Answer(kB, "load 2\n");
  CHECK(woken == 1);
  CHECK(job->AppendArrived(1'000'100, store.appender()).size() == 1);
  CHECK(job->in_flight() == 1);
  CHECK(Newest("load") == Values{{"b:1", "2@1000000"}});
  Answer(kA, "load 1\n");
  const auto late = job->AppendArrived(1'009'000, store.appender());
  REQUIRE(late.size() == 1);
  CHECK(late[0].slot == 1'000'000);
  CHECK(late[0].up);
  CHECK(Newest("load") == Values{{"a:1", "1@1000000"}, {"b:1", "2@1000000"}});
  CHECK(job->in_flight() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a target that has not answered is not asked again") {
  const auto job = Job(Config({"a:1", "b:1"}));
  job->Begin(1'000'000, 1'000'000, store.appender());
  Answer(kA, "load 1\n");
  job->AppendArrived(1'000'001, store.appender());
  CHECK(job->Begin(1'015'000, 1'015'000, store.appender()) == 1);
  CHECK(Asked() == std::vector<std::string>{kA, kB, kA});
}

TEST_CASE_FIXTURE(Fixture, "one target that fails does not touch the other") {
  const auto job = Job(Config({"a:1", "b:1"}));
  job->Begin(1'000'000, 1'000'000, store.appender());
  Answer(kA, "load 1\n");
  targets.Fail(kB, {base::Error::Kind::kTimeout, "context deadline exceeded"});
  targets.Release(kB);
  const auto done = job->AppendArrived(1'000'001, store.appender());
  REQUIRE(done.size() == 2);
  CHECK(done[0].up);
  CHECK_FALSE(done[1].up);
  CHECK(Newest("up") == Values{{"a:1", "1@1000000"}, {"b:1", "0@1000000"}});
  const auto info = job->Info();
  REQUIRE(info->active.size() == 2);
  CHECK(info->active[0].status.health == Health::kUp);
  CHECK(info->active[1].status.last_error == "context deadline exceeded");
}

TEST_CASE_FIXTURE(Fixture, "a reload keeps what targets know, and ends those that are gone") {
  auto before = Job(Config({"a:1", "b:1"}));
  before->Begin(1'000'000, 1'000'000, store.appender());
  Answer(kA, "load 1\n");
  Answer(kB, "load 2\n");
  before->AppendArrived(1'000'001, store.appender());
  auto config = Config({"a:1"});
  config->scrape_interval = config->scrape_timeout = 5s;
  const auto after = Job(config);
  after->TakeOver(*before, 1'004'000, store.appender());
  before.reset();
  CHECK(Newest("load") == Values{{"a:1", "1@1000000"}, {"b:1", "stale"}});
  CHECK(Newest("up") == Values{{"a:1", "1@1000000"}, {"b:1", "stale"}});
  after->Begin(1'005'000, 1'005'000, store.appender());
  Answer(kA, "other 3\n");
  after->AppendArrived(1'005'001, store.appender());
  CHECK(Newest("load")["a:1"] == "stale");
  CHECK(Newest("scrape_series_added")["a:1"] == "1@1005000");
}

TEST_CASE_FIXTURE(Fixture, "a fetch that was under way at a reload is appended by the new job") {
  auto before = Job(Config({"a:1"}));
  before->Begin(1'000'000, 1'000'000, store.appender());
  const auto after = Job(Config({"a:1"}));
  after->TakeOver(*before, 1'001'000, store.appender());
  before.reset();
  Answer(kA, "load 1\n");
  CHECK(after->AppendArrived(1'001'001, store.appender()).size() == 1);
  CHECK(Newest("load") == Values{{"a:1", "1@1000000"}});
}

TEST_CASE_FIXTURE(Fixture, "when relabelling of samples changes, every series starts anew") {
  auto before = Job(Config({"a:1"}));
  before->Begin(1'000'000, 1'000'000, store.appender());
  Answer(kA, "load 1\n");
  before->AppendArrived(1'000'001, store.appender());
  auto config = Config({"a:1"});
  config->honor_labels = true;
  const auto after = Job(config);
  after->TakeOver(*before, 1'004'000, store.appender());
  CHECK(Newest("load") == Values{{"a:1", "stale"}});
}

// A source that says what a test tells it to.
struct Told final : discovery::TargetSource {
  std::shared_ptr<const discovery::Found> Get() override { return found; }
  // Each target has the namespace that its name begins with: "a:1" is of namespace a.
  void Say(std::vector<std::string> targets, std::vector<std::string> unheard = {}) {
    discovery::Found next{.unheard = std::move(unheard)};
    for (const std::string& target : targets) {
      next.groups.push_back({.source = "told",
                             .targets = {target},
                             .labels = {{"__meta_kubernetes_namespace", target.substr(0, 1)}}});
    }
    found = std::make_shared<const discovery::Found>(std::move(next));
  }
  std::shared_ptr<const discovery::Found> found = std::make_shared<const discovery::Found>();
};

TEST_CASE_FIXTURE(Fixture, "targets of a source come and go as it says") {
  const auto source = std::make_shared<Told>();
  source->Say({"a:1"});
  JobScraper job({.config = Config({}), .sources = {source}}, targets, nullptr, [] {});
  CHECK(job.Info()->unheard == std::vector<std::string>{"*"});
  CHECK(job.Begin(1'000'000, 1'000'000, store.appender()) == 1);
  CHECK(job.Info()->unheard.empty());
  Answer(kA, "load 1\n");
  job.AppendArrived(1'000'001, store.appender());
  source->Say({"b:1"});
  CHECK(job.Begin(1'015'000, 1'015'000, store.appender()) == 1);
  CHECK(Newest("load") == Values{{"a:1", "stale"}});
}

TEST_CASE_FIXTURE(Fixture,
                  "after a reload a target stays until its source has told of its namespace") {
  const auto source = std::make_shared<Told>();
  source->Say({"a:1", "b:1"});
  const JobScraper::Options options{.config = Config({"c:1"}), .sources = {source}};
  auto before = std::make_unique<JobScraper>(options, targets, nullptr, [] {});
  before->Begin(1'000'000, 1'000'000, store.appender());
  Answer(kA, "load 1\n");
  before->AppendArrived(1'000'001, store.appender());
  const auto next = std::make_shared<Told>();
  next->Say({}, {"a", "b"});
  JobScraper after({.config = Config({}), .sources = {next}}, targets, nullptr, [] {});
  after.TakeOver(*before, 1'004'000, store.appender());
  CHECK(after.target_count() == 2);  // c was written down: it is gone at once
  CHECK(after.Info()->unheard == std::vector<std::string>{"a", "b"});
  next->Say({}, {"a"});
  after.Begin(1'015'000, 1'015'000, store.appender());
  CHECK(after.target_count() == 1);
  CHECK(Newest("load") == Values{{"a:1", "1@1000000"}});
  next->Say({});
  after.Begin(1'030'000, 1'030'000, store.appender());
  CHECK(after.target_count() == 0);
  CHECK(Newest("load") == Values{{"a:1", "stale"}});
}

TEST_CASE_FIXTURE(Fixture, "a namespace that is never heard of keeps no target of any") {
  const auto source = std::make_shared<Told>();
  source->Say({"a:1", "b:1"}, {"a", "locked"});
  JobScraper job({.config = Config({}), .sources = {source}}, targets, nullptr, [] {});
  CHECK(job.Begin(1'000'000, 1'000'000, store.appender()) == 2);
  source->Say({}, {"a", "locked"});
  job.Begin(1'015'000, 1'015'000, store.appender());
  CHECK(job.target_count() == 0);
}

TEST_CASE_FIXTURE(Fixture, "what its source told of after a reload is not kept by the reload") {
  const auto source = std::make_shared<Told>();
  source->Say({"a:1"});
  JobScraper before({.config = Config({}), .sources = {source}}, targets, nullptr, [] {});
  before.Begin(1'000'000, 1'000'000, store.appender());
  const auto next = std::make_shared<Told>();
  next->Say({"a:1"}, {"a"});
  JobScraper after({.config = Config({}), .sources = {next}}, targets, nullptr, [] {});
  after.TakeOver(before, 1'004'000, store.appender());
  next->Say({}, {"a"});
  after.Begin(1'015'000, 1'015'000, store.appender());
  CHECK(after.target_count() == 0);
}

TEST_CASE_FIXTURE(Fixture, "an answer after the end of the job is ignored") {
  auto job = Job(Config({"a:1"}));
  job->Begin(1'000'000, 1'000'000, store.appender());
  job->End(1'000'500, store.appender());
  Answer(kA, "load 1\n");
  job->AppendArrived(1'000'501, store.appender());
  CHECK(Newest("load").empty());
  job = Job(Config({"a:1"}));
  job->Begin(1'015'000, 1'015'000, store.appender());
  job.reset();
  Answer(kA, "load 1\n");
}

TEST_CASE_FIXTURE(Fixture, "beyond the target limit every scrape of the job fails") {
  auto config = Config({"a:1", "b:1"});
  config->limits.targets = 1;
  const auto job = Job(config);
  CHECK(job->Begin(1'000'000, 1'000'000, store.appender()) == 0);
  CHECK(Asked().empty());
  CHECK(Newest("up") == Values{{"a:1", "0@1000000"}, {"b:1", "0@1000000"}});
}

}  // namespace
}  // namespace plimsoll::scrape
