// SPDX-License-Identifier: Apache-2.0
#include "engines/flink.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "config/load.h"

using namespace plimsoll;  // NOLINT: a test names many of its things
using engines::Answer;
using engines::Ask;
using namespace std::chrono_literals;

namespace {

// A JobManager with one job of a source and a keyed vertex; a test changes an answer and looks.
struct JobManager {
  std::map<std::string, std::string> answers = {
      {"/overview", R"({"taskmanagers":2,"slots-total":4,"slots-available":0,"jobs-running":1,)"
                    R"("flink-version":"1.20.0"})"},
      {"/jobs/overview", R"({"jobs":[{"jid":"a1","name":"j","state":"RUNNING","start-time":1000,)"
                         R"("tasks":{"total":4,"running":4,"scheduled":0}}]})"},
      {"/jobmanager/config", R"([{"key":"taskmanager.numberOfTaskSlots","value":"2"}])"},
      {"/taskmanagers/metrics", R"([{"id":"Status.JVM.CPU.Load"},{"id":"other"}])"},
      {"/taskmanagers/metrics?get=Status.JVM.CPU.Load&agg=min,max,avg,sum",
       R"([{"id":"Status.JVM.CPU.Load","min":0.1,"max":0.5,"avg":0.3,"sum":0.6}])"},
      {"/jobs/a1",
       R"({"jid":"a1","state":"RUNNING","job-type":"STREAMING","now":90000,)"
       R"("timestamps":{"RUNNING":50000},"vertices":[)"
       R"({"id":"01","name":"Source: s","slotSharingGroupId":"g","maxParallelism":6,)"
       R"("parallelism":2,"start-time":50000,"tasks":{"RUNNING":2}},)"
       R"({"id":"02","name":"m","slotSharingGroupId":"g","maxParallelism":6,"parallelism":2,)"
       R"("start-time":50000,"tasks":{"RUNNING":2}}],)"
       R"("plan":{"nodes":[{"id":"01"},{"id":"02","inputs":[{"id":"01","ship_strategy":"HASH"}]}]}})"},
      {"/jobs/a1/checkpoints/config", R"({"interval":10000})"},
      {"/jobs/a1/checkpoints",
       R"({"counts":{"completed":3},"latest":{"completed":{"latest_ack_timestamp":80000,)"
       R"("end_to_end_duration":40}}})"},
      {"/jobs/a1/metrics", R"([{"id":"numRestarts"}])"},
      {"/jobs/a1/metrics?get=numRestarts", R"([{"id":"numRestarts","value":"2"}])"},
      {"/jobs/a1/vertices/01/subtasks/metrics",
       R"([{"id":"busyTimeMsPerSecond"},{"id":"numRecordsInPerSecond"},)"
       R"({"id":"Source__s.numRecordsInPerSecond"},{"id":"Source__s.pendingRecords"},)"
       R"({"id":"map.numRecordsInPerSecond"}])"},
      {"/jobs/a1/vertices/01/subtasks/metrics?get=busyTimeMsPerSecond,"
       "Source__s.numRecordsInPerSecond,Source__s.pendingRecords&agg=min,max,avg,sum",
       R"([{"id":"busyTimeMsPerSecond","max":20},)"
       R"({"id":"Source__s.numRecordsInPerSecond","sum":100},)"
       R"({"id":"Source__s.pendingRecords","sum":7}])"},
      {"/jobs/a1/vertices/02/subtasks/metrics", R"([{"id":"busyTimeMsPerSecond"}])"},
      {"/jobs/a1/vertices/02/subtasks/metrics?get=busyTimeMsPerSecond&agg=min,max,avg,sum",
       R"([{"id":"busyTimeMsPerSecond","max":900}])"},
  };
  std::map<std::string, int> refused = {};  // status by path, instead of an answer
  std::vector<Ask> asked;
  engines::Collected last{base::Error{}};

  // Answers everything, the last question first.
  std::string Round(engines::Collector& collector, base::Time now) {
    asked.clear();
    std::vector<Ask> open = collector.Begin(now);
    while (!open.empty()) {
      const Ask ask = std::move(open.back());
      open.pop_back();
      asked.push_back(ask);
      base::Result<Answer> answer = Answer{404, "404 Not Found", "application/json", "{}"};
      if (const auto found = answers.find(Plain(ask.path)); found != answers.end())
        answer = Answer{200, "200 OK", "application/json", found->second};
      if (const auto found = refused.find(Plain(ask.path)); found != refused.end())
        answer = Answer{found->second, "refused", "application/json", "{}"};
      for (Ask& next : collector.Take(ask, std::move(answer))) open.push_back(std::move(next));
    }
    last = collector.End();
    return last.page ? last.page->body : last.page.error().message;
  }
  static std::string Plain(std::string path) {
    for (auto at = path.find("%2C"); at != std::string::npos; at = path.find("%2C"))
      path.replace(at, 3, ",");
    return path;
  }
  bool Asked(std::string_view path) const {
    return std::any_of(asked.begin(), asked.end(),
                       [&](const Ask& ask) { return Plain(ask.path) == path; });
  }
  std::uint64_t Refused(std::string_view reason) const {
    for (const auto& [name, count] : last.refused) {
      if (name == reason) return count;
    }
    return 0;
  }
};

bool Has(const std::string& page, const std::string& line) {
  return ("\n" + page).find("\n" + line + "\n") != std::string::npos;
}
bool Names(const std::string& page, const std::string& name) {
  return page.find("\n" + name + "{") != std::string::npos;
}

const std::string kJob = R"({job_id="a1",job_name="j"})";

}  // namespace

TEST_CASE("a configuration may name every collector that there is") {
  std::vector<std::string> names = {"exposition"};
  for (const std::string_view name : engines::CollectorNames()) names.emplace_back(name);
  CHECK(config::LoadOptions{}.collectors == names);
  CHECK(engines::MakeCollector("flink") != nullptr);
  CHECK(engines::MakeCollector("pravega") != nullptr);
  CHECK(engines::MakeCollector("exposition") == nullptr);
}

TEST_CASE("answers in any order become one page") {
  JobManager flink;
  engines::FlinkCollector collector;
  const std::string page = flink.Round(collector, 1'000'000);
  CHECK(Has(page, "flink_taskmanagers 2"));
  CHECK(Has(page, "flink_slots_per_taskmanager_configured 2"));
  CHECK(Has(page, "flink_taskmanagers_cpu_load{agg=\"max\"} 0.5"));
  CHECK(Has(page, "flink_job_running" + kJob + " 1"));
  CHECK(Has(page, "flink_job_slots_requested" + kJob + " 2"));
  CHECK(Has(page, "flink_job_restarts" + kJob + " 2"));
  CHECK(Has(page, "flink_job_checkpointing" + kJob + " 1"));
  CHECK(Has(page, "flink_job_checkpoint_timestamp_seconds" + kJob + " 80"));
  const auto vertex = [](const std::string& id, const std::string& name, const std::string& source,
                         const std::string& first = "") {
    return "{" + first + "is_source=\"" + source + "\",job_id=\"a1\",job_name=\"j\",vertex_id=\"" +
           id + "\",vertex_name=\"" + name + "\"}";
  };
  CHECK(Has(page,
            "flink_vertex_busyTimeMsPerSecond" + vertex("02", "m", "0", "agg=\"max\",") + " 900"));
  // The source's own count, not that of the map that is chained behind it.
  CHECK(Has(page, "flink_vertex_numRecordsInPerSecond" +
                      vertex("01", "Source: s", "1", "agg=\"sum\",") + " 100"));
  CHECK(Has(page,
            "flink_vertex_pendingRecords" + vertex("01", "Source: s", "1", "agg=\"sum\",") + " 7"));
  // Six key groups: what four subtasks would leave uneven, six spread.
  CHECK(Has(page,
            "flink_vertex_alignment{is_source=\"0\",job_id=\"a1\",job_name=\"j\",step=\"3\","
            "vertex_id=\"02\",vertex_name=\"m\"} 6"));
  CHECK(Has(page,
            "flink_vertex_alignment_upto{is_source=\"0\",job_id=\"a1\",job_name=\"j\","
            "step=\"2\",vertex_id=\"02\",vertex_name=\"m\"} 3"));
  CHECK(Has(page, "flink_vertex_level" + vertex("02", "m", "0") + " 1"));
  CHECK(Has(page, "flink_vertex_outputs" + vertex("01", "Source: s", "1") + " 1"));
  CHECK(Has(page, "flink_rest_success{part=\"vertex_metrics\"} 1"));
}

TEST_CASE("after a silence metrics are asked for two seconds late, and then at once") {
  JobManager flink;
  engines::FlinkCollector collector;
  const auto delays = [&] {
    std::map<std::string, std::chrono::milliseconds> found;
    for (const Ask& ask : flink.asked) {
      if (ask.delay > 0ms) found[ask.path] = ask.delay;
    }
    return found;
  };
  const std::map<std::string, std::chrono::milliseconds> cold = {
      {"/jobs/a1/metrics", 2000ms},
      {"/jobs/a1/vertices/01/subtasks/metrics", 2000ms},
      {"/jobs/a1/vertices/02/subtasks/metrics", 2000ms}};
  (void)flink.Round(collector, 1'000'000);
  CHECK(delays() == cold);
  CHECK(flink.Asked("/taskmanagers/metrics"));
  (void)flink.Round(collector, 1'010'000);
  CHECK(delays().empty());
  CHECK_FALSE(flink.Asked("/taskmanagers/metrics"));
  CHECK_FALSE(flink.Asked("/jobs/a1/vertices/01/subtasks/metrics"));
  (void)flink.Round(collector, 1'020'001);
  CHECK(delays() == cold);
}

TEST_CASE("an empty list is nothing known, and is not remembered") {
  JobManager flink;
  flink.answers["/jobs/a1/vertices/02/subtasks/metrics"] = "[]";
  engines::FlinkCollector collector;
  std::string page = flink.Round(collector, 1'000'000);
  CHECK(page.find("vertex_id=\"02\",vertex_name=\"m\"} 900") == std::string::npos);
  CHECK(Has(page, "flink_rest_success{part=\"vertex_metrics\"} 1"));
  flink.answers["/jobs/a1/vertices/02/subtasks/metrics"] = R"([{"id":"busyTimeMsPerSecond"}])";
  page = flink.Round(collector, 1'005'000);
  CHECK(flink.Asked("/jobs/a1/vertices/02/subtasks/metrics"));
  CHECK_FALSE(flink.Asked("/jobs/a1/vertices/01/subtasks/metrics"));
  CHECK(page.find("vertex_id=\"02\",vertex_name=\"m\"} 900") != std::string::npos);
}

TEST_CASE("an empty answer to known names throws the names away") {
  JobManager flink;
  engines::FlinkCollector collector;
  (void)flink.Round(collector, 1'000'000);
  const std::string values =
      "/jobs/a1/vertices/02/subtasks/metrics?get=busyTimeMsPerSecond&agg=min,max,avg,sum";
  const std::string before = std::exchange(flink.answers[values], "[]");
  (void)flink.Round(collector, 1'005'000);
  CHECK(flink.Asked(values));
  flink.answers[values] = before;
  (void)flink.Round(collector, 1'010'000);
  CHECK(flink.Asked("/jobs/a1/vertices/02/subtasks/metrics"));
}

TEST_CASE("a job that does not run says nothing of its tasks") {
  const auto silent = [](JobManager& flink) {
    engines::FlinkCollector collector;
    const std::string page = flink.Round(collector, 1'000'000);
    CHECK_FALSE(flink.Asked("/jobs/a1/checkpoints"));
    return Has(page, "flink_job_running" + kJob + " 0") &&
           !Names(page, "flink_vertex_parallelism") && !Names(page, "flink_job_restarts") &&
           !Names(page, "flink_job_running_since_seconds");
  };
  JobManager waits;
  waits.answers["/jobs/overview"] =
      R"({"jobs":[{"jid":"a1","name":"j","state":"RUNNING","tasks":{"total":4,"scheduled":4}}]})";
  CHECK(silent(waits));
  JobManager restarts;
  restarts.answers["/jobs/overview"] =
      R"({"jobs":[{"jid":"a1","name":"j","state":"RESTARTING","tasks":{"total":4}}]})";
  CHECK(silent(restarts));
  JobManager gone;
  gone.answers.erase("/jobs/a1");
  CHECK(silent(gone));
  CHECK(gone.Refused("gone") == 1);
  CHECK(Has(gone.last.page->body, "flink_rest_success{part=\"job\"} 1"));
  JobManager broken;
  broken.refused["/jobs/a1"] = 500;
  CHECK(silent(broken));
  CHECK(broken.Refused("failed_request") == 1);
  CHECK(Has(broken.last.page->body, "flink_rest_success{part=\"job\"} 0"));
}

TEST_CASE("a batch job has slots and no vertices") {
  JobManager flink;
  std::string& body = flink.answers["/jobs/a1"];
  body.replace(body.find("STREAMING"), 9, "BATCH");
  const auto second = body.rfind("\"tasks\":{\"RUNNING\":2}");
  body.replace(second, 21, "\"tasks\":{\"CREATED\":2}");
  engines::FlinkCollector collector;
  const std::string page = flink.Round(collector, 1'000'000);
  CHECK(Has(page, "flink_job_batch" + kJob + " 1"));
  CHECK(Has(page, "flink_job_running" + kJob + " 0"));
  CHECK(Has(page, "flink_job_slots_requested" + kJob + " 2"));
  CHECK_FALSE(Names(page, "flink_vertex_parallelism"));
}

TEST_CASE("resource requirements say what the adaptive scheduler would take") {
  JobManager flink;
  flink.answers["/jobs/a1/resource-requirements"] =
      R"({"01":{"parallelism":{"lowerBound":1,"upperBound":3}},)"
      R"("02":{"parallelism":{"lowerBound":1,"upperBound":5}}})";
  engines::FlinkCollector collector;
  CHECK(Has(flink.Round(collector, 1'000'000), "flink_job_slots_requested" + kJob + " 5"));
  flink.answers["/jobmanager/config"] = R"([{"key":"scheduler-mode","value":"reactive"}])";
  engines::FlinkCollector reactive;
  const std::string page = flink.Round(reactive, 1'000'000);
  CHECK_FALSE(Names(page, "flink_job_slots_requested"));
  CHECK(Has(page, "flink_reactive 1"));
  CHECK(Has(page, "flink_slots_per_taskmanager_configured 1"));
}

TEST_CASE("requirements that cannot be told are not a fixed parallelism") {
  const std::string path = "/jobs/a1/resource-requirements";
  const std::string said = "flink_job_slots_requested" + kJob;
  const std::string well = "flink_rest_success{part=\"resource_requirements\"} ";
  for (const int status : {404, 500}) {  // an old release, the default scheduler
    JobManager flink;
    flink.refused[path] = status;
    engines::FlinkCollector collector;
    const std::string page = flink.Round(collector, 1'000'000);
    CHECK(Has(page, said + " 2"));
    CHECK(Has(page, well + "1"));
    (void)flink.Round(collector, 1'005'000);
    CHECK_FALSE(flink.Asked(path));
  }
  for (const int status : {204, 302, 429, 503}) {
    CAPTURE(status);
    JobManager flink;
    flink.refused[path] = status;
    engines::FlinkCollector collector;
    const std::string page = flink.Round(collector, 1'000'000);
    CHECK_FALSE(Names(page, "flink_job_slots_requested"));
    CHECK(Has(page, well + "0"));
    flink.refused.clear();
    flink.answers[path] = R"({"01":{"parallelism":{"lowerBound":1,"upperBound":3}},)"
                          R"("02":{"parallelism":{"lowerBound":1,"upperBound":5}}})";
    CHECK(Has(flink.Round(collector, 1'005'000), said + " 5"));
  }
}

TEST_CASE("who had bounds has no fixed parallelism in the same execution") {
  const std::string path = "/jobs/a1/resource-requirements";
  JobManager flink;
  flink.answers[path] = R"({"01":{"parallelism":{"lowerBound":1,"upperBound":3}},)"
                        R"("02":{"parallelism":{"lowerBound":1,"upperBound":5}}})";
  engines::FlinkCollector collector;
  CHECK(Has(flink.Round(collector, 1'000'000), "flink_job_slots_requested" + kJob + " 5"));
  flink.refused[path] = 500;
  CHECK_FALSE(Names(flink.Round(collector, 1'060'000), "flink_job_slots_requested"));
  CHECK_FALSE(Names(flink.Round(collector, 1'065'000), "flink_job_slots_requested"));
  flink.refused.clear();
  CHECK(Has(flink.Round(collector, 1'070'000), "flink_job_slots_requested" + kJob + " 5"));
  flink.refused[path] = 500;
  std::string& body = flink.answers["/jobs/a1"];
  body.replace(body.find("\"RUNNING\":50000"), 15, "\"RUNNING\":60000");
  CHECK(Has(flink.Round(collector, 1'075'000), "flink_job_slots_requested" + kJob + " 2"));
}

TEST_CASE("a job without checkpoints says so, and is not asked again") {
  JobManager flink;
  flink.answers.erase("/jobs/a1/checkpoints");
  flink.answers.erase("/jobs/a1/checkpoints/config");
  engines::FlinkCollector collector;
  for (const base::Time now : {1'000'000, 1'005'000}) {
    const std::string page = flink.Round(collector, now);
    CHECK(Has(page, "flink_job_checkpointing" + kJob + " 0"));
    CHECK_FALSE(Names(page, "flink_job_checkpoint_timestamp_seconds"));
    CHECK(Has(page, "flink_rest_success{part=\"checkpoints\"} 1"));
  }
  CHECK_FALSE(flink.Asked("/jobs/a1/checkpoints/config"));
}

TEST_CASE("a new execution has new names, and a job that is gone is forgotten") {
  JobManager flink;
  engines::FlinkCollector collector;
  (void)flink.Round(collector, 1'000'000);
  std::string& body = flink.answers["/jobs/a1"];
  body.replace(body.find("\"RUNNING\":50000"), 15, "\"RUNNING\":60000");
  (void)flink.Round(collector, 1'005'000);
  CHECK(flink.Asked("/jobs/a1/vertices/01/subtasks/metrics"));
  const std::string jobs = std::exchange(flink.answers["/jobs/overview"], R"({"jobs":[]})");
  CHECK(Has(flink.Round(collector, 1'010'000), "flink_jobs_unfinished 0"));
  flink.answers["/jobs/overview"] = jobs;
  (void)flink.Round(collector, 1'015'000);
  CHECK(flink.Asked("/jobs/a1/vertices/01/subtasks/metrics"));
}

TEST_CASE("metrics that tell of more time than their tasks have run are of an earlier execution") {
  JobManager flink;
  flink.answers["/jobs/a1/vertices/02/subtasks/metrics"] =
      R"([{"id":"busyTimeMsPerSecond"},{"id":"accumulateBusyTimeMs"},{"id":"accumulateIdleTimeMs"}])";
  const std::string values =
      "/jobs/a1/vertices/02/subtasks/metrics?get=busyTimeMsPerSecond,accumulateBusyTimeMs,"
      "accumulateIdleTimeMs&agg=min,max,avg,sum";
  const auto page = [&](int idle) {
    flink.answers[values] = R"([{"id":"busyTimeMsPerSecond","max":900},)"
                            R"({"id":"accumulateBusyTimeMs","avg":30000},)"
                            R"({"id":"accumulateIdleTimeMs","avg":)" +
                            std::to_string(idle) + "}]";
    engines::FlinkCollector collector;
    return flink.Round(collector, 1'000'000);
  };
  // They began 40 s ago, by a body that may be three seconds old.
  CHECK(Names(page(15'000), "flink_vertex_busyTimeMsPerSecond"));
  CHECK(flink.Refused("earlier_execution") == 0);
  const std::string old = page(15'001);
  CHECK_FALSE(Names(old, "flink_vertex_busyTimeMsPerSecond"));
  CHECK_FALSE(Names(old, "flink_job_restarts"));
  CHECK(Names(old, "flink_vertex_parallelism"));
  CHECK(flink.Refused("earlier_execution") == 1);
}

TEST_CASE("more names than fit one address are asked for in several") {
  JobManager flink;
  std::string list = "[";
  for (int i = 0; i < 90; ++i)
    list += "{\"id\":\"Source__s" + std::to_string(i) + ".pendingRecords\"},";
  list.back() = ']';
  flink.answers["/jobs/a1/vertices/01/subtasks/metrics"] = list;
  engines::FlinkCollector collector;
  (void)flink.Round(collector, 1'000'000);
  const auto requests = std::count_if(flink.asked.begin(), flink.asked.end(), [](const Ask& ask) {
    return ask.path.starts_with("/jobs/a1/vertices/01/subtasks/metrics?get=");
  });
  CHECK(requests == 3);
}

TEST_CASE("of thousands of names those that are asked for are kept") {
  JobManager flink;
  std::string& list = flink.answers["/jobs/a1/vertices/01/subtasks/metrics"];
  list.pop_back();
  for (int i = 0; i < 5000; ++i)
    list += ",{\"id\":\"Source__s.KafkaSourceReader.topic.t.partition." + std::to_string(i) +
            ".currentOffset\"}";
  list += "]";
  engines::FlinkCollector collector;
  const std::string page = flink.Round(collector, 1'000'000);
  const std::string partitions =
      "flink_vertex_source_partitions{is_source=\"1\",job_id=\"a1\",job_name=\"j\","
      "vertex_id=\"01\",vertex_name=\"Source: s\"} 5000";
  CHECK(Has(page, partitions));
  CHECK(collector.names_kept() == 6);  // one of the task managers and the job each, three, one
  CHECK(Has(flink.Round(collector, 1'005'000), partitions));
  CHECK_FALSE(flink.Asked("/jobs/a1/vertices/01/subtasks/metrics"));
}

TEST_CASE("without an overview the scrape has failed, and says how") {
  JobManager flink;
  flink.answers.erase("/overview");
  engines::FlinkCollector collector;
  (void)flink.Round(collector, 1'000'000);
  REQUIRE(flink.last.page.has_value());
  CHECK(flink.last.page->status == 404);
  flink.answers["/overview"] = "<html>";
  (void)flink.Round(collector, 1'005'000);
  CHECK_FALSE(flink.last.page.has_value());
  (void)collector.Begin(1'010'000);
  CHECK(collector.End().page.error().kind == base::Error::Kind::kTimeout);
}

TEST_CASE("what is not answered in time is missing, and counted") {
  JobManager flink;
  engines::FlinkCollector collector;
  const std::vector<Ask> first = collector.Begin(1'000'000);
  for (const Ask& ask : first) {
    if (ask.path == "/overview")
      (void)collector.Take(ask, Answer{200, "200 OK", "application/json", flink.answers[ask.path]});
  }
  const engines::Collected collected = collector.End();
  REQUIRE(collected.page.has_value());
  CHECK(Has(collected.page->body, "flink_taskmanagers 2"));
  CHECK(Has(collected.page->body, "flink_rest_success{part=\"jobs\"} 0"));
  CHECK(collected.refused ==
        std::vector<std::pair<std::string_view, std::uint64_t>>{{"not_answered", 3}});
}
