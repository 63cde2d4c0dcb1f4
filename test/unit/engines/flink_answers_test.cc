// SPDX-License-Identifier: Apache-2.0
#include "engines/detail/flink_answers.h"

#include <doctest/doctest.h>

using namespace plimsoll::engines::detail;  // NOLINT: a test names many of its things

namespace {

const FlinkLimits kLimits;

std::string Job(const std::string& state, const std::string& vertices) {
  return R"({"jid":"ab","state":")" + state +
         R"(","job-type":"STREAMING","now":9000,"timestamps":{"RUNNING":5000},"vertices":[)" +
         vertices + R"(],"plan":{"nodes":[{"id":"01"},{"id":"02","inputs":[)" +
         R"({"id":"01","ship_strategy":"HASH"},{"id":"01","ship_strategy":"REBALANCE"}]}]}})";
}
std::string Vertex(const std::string& id, int parallelism, int running, int finished = 0) {
  return R"({"id":")" + id + R"(","name":"v)" + id + R"(","maxParallelism":128,"parallelism":)" +
         std::to_string(parallelism) + R"(,"start-time":6000,"tasks":{"RUNNING":)" +
         std::to_string(running) + R"(,"FINISHED":)" + std::to_string(finished) + "}}";
}

}  // namespace

TEST_CASE("a job runs when its own body says that every task does") {
  const auto runs = [](const std::string& state, const std::string& vertices) {
    const auto job = ReadJob(Job(state, vertices), kLimits);
    REQUIRE(job.has_value());
    return job->AllTasksRun();
  };
  CHECK(runs("RUNNING", Vertex("01", 2, 2) + "," + Vertex("02", 1, 1)));
  CHECK_FALSE(runs("RUNNING", Vertex("01", 2, 1) + "," + Vertex("02", 1, 1)));
  CHECK_FALSE(runs("CREATED", Vertex("01", 128, 0)));
  CHECK_FALSE(runs("RUNNING", Vertex("01", 128, 0)));
  CHECK_FALSE(runs("RESTARTING", Vertex("01", 1, 1)));
  CHECK_FALSE(runs("RUNNING", ""));
  // A bounded source that has come to its end.
  CHECK(runs("RUNNING", Vertex("01", 2, 0, 2) + "," + Vertex("02", 1, 1)));
  CHECK_FALSE(runs("RUNNING", Vertex("01", 2, 0, 2)));
}

TEST_CASE("the plan says who reads from whom") {
  const auto job = ReadJob(Job("RUNNING", Vertex("01", 1, 1) + "," + Vertex("02", 1, 1)), kLimits);
  REQUIRE(job.has_value());
  CHECK(job->vertices[0].is_source);
  CHECK_FALSE(job->vertices[1].is_source);
  REQUIRE(job->vertices[1].inputs.size() == 1);
  CHECK(job->vertices[1].inputs[0].vertex == "01");
  CHECK(job->vertices[1].inputs[0].ship_strategy == "HASH");
}

TEST_CASE("ids go into paths and so are hexadecimal") {
  CHECK(ReadJobs(R"({"jobs":[{"jid":"0af9","state":"RUNNING"}]})", kLimits).has_value());
  CHECK_FALSE(ReadJobs(R"({"jobs":[{"jid":"../config","state":"RUNNING"}]})", kLimits).has_value());
  CHECK_FALSE(ReadJob(R"({"jid":"ab","vertices":[{"id":"a/b"}]})", kLimits).has_value());
}

TEST_CASE("jobs that ended are not read, and no more than the limit") {
  FlinkLimits limits;
  limits.jobs = 2;
  const auto jobs = ReadJobs(
      R"({"jobs":[{"jid":"1","state":"FINISHED"},{"jid":"2","state":"RUNNING"},)"
      R"({"jid":"3","state":"FAILED"},{"jid":"4","state":"CREATED"},{"jid":"2","state":"RUNNING"},)"
      R"({"jid":"5","state":"RUNNING"}]})",
      limits);
  REQUIRE(jobs.has_value());
  REQUIRE(jobs->unfinished.size() == 2);
  CHECK(jobs->unfinished[0].id == "2");
  CHECK(jobs->unfinished[1].id == "4");
  CHECK(jobs->left_out == 1);
}

TEST_CASE("a job of more vertices than the limit does not run, as far as is known") {
  FlinkLimits limits;
  limits.vertices = 1;
  const auto job = ReadJob(Job("RUNNING", Vertex("01", 1, 1) + "," + Vertex("02", 1, 1)), limits);
  REQUIRE(job.has_value());
  CHECK(job->vertices.size() == 1);
  CHECK(job->left_out == 1);
  CHECK_FALSE(job->AllTasksRun());
}

TEST_CASE("a list of names is read once each, and to the limit") {
  FlinkLimits limits;
  limits.names = 2;
  const auto listed =
      ReadNames(R"([{"id":"a"},{"id":"a"},{"id":"b"},{"x":1},{"id":"c"},{"id":"d"}])", limits);
  REQUIRE(listed.has_value());
  CHECK(listed->names == std::vector<std::string>{"a", "b"});
  CHECK(listed->left_out == 2);
}

TEST_CASE("a page that is no JobManager's says what was expected") {
  CHECK(ReadOverview("<html>").error().kind == plimsoll::base::Error::Kind::kBadInput);
  CHECK(ReadOverview("{}").error().message ==
        "/overview: expected the number \"taskmanagers\": is this a Flink JobManager?");
  CHECK(ReadOverview("[]").error().message == "/overview: expected an object, found a list");
  CHECK(ReadJobs(R"({"jobs":{}})", kLimits).error().message ==
        "/jobs/overview: expected the list \"jobs\"");
}

TEST_CASE("aggregates that are no numbers are absent") {
  const auto values = ReadAggregates(
      R"([{"id":"busyTimeMsPerSecond","min":"NaN","max":7.5,"sum":1e999}])", kLimits);
  if (values) {
    const FlinkAggregates& busy = values->at("busyTimeMsPerSecond");
    CHECK_FALSE(busy.min.has_value());
    CHECK(busy.max == 7.5);
    CHECK_FALSE(busy.avg.has_value());
    CHECK_FALSE(busy.sum.has_value());
  }
  CHECK(ReadAggregates("[]", kLimits)->empty());
  CHECK(ReadValues(R"([{"id":"numRestarts","value":"7"},{"id":"x","value":"NaN"}])", kLimits)
            .value() == std::map<std::string, double>{{"numRestarts", 7}});
}

TEST_CASE("checkpoints that only a hand starts have no interval") {
  CHECK(ReadCheckpointInterval(R"({"interval":5000})").value() == 5000);
  CHECK_FALSE(ReadCheckpointInterval(R"({"interval":9223372036854775807})").value().has_value());
  CHECK_FALSE(ReadCheckpointInterval("{}").has_value());
}

TEST_CASE("partitions are counted once, whatever is measured of them") {
  CHECK(CountPartitions({"Source__k.KafkaSourceReader.topic.a.partition.0.currentOffset",
                         "Source__k.KafkaSourceReader.topic.a.partition.1.currentOffset",
                         "Source__k.KafkaSourceReader.topic.b.partition.0.currentOffset",
                         "Source__k.KafkaSourceReader.topic.a.partition.0.committedOffset",
                         "Source__k.numRecordsIn"}) == 3);
  CHECK(CountPartitions({"Source__p.PulsarConsumer.t-partition-0.c1.numMsgsReceived",
                         "Source__p.PulsarConsumer.t-partition-1.c1.numMsgsReceived",
                         "Source__p.PulsarConsumer.t-partition-1.c2.numMsgsReceived"}) == 2);
  CHECK(CountPartitions({}) == 0);
}

TEST_CASE("a long name is cut between characters") {
  CHECK(CutLabel("abc", 3) == "abc");
  CHECK(CutLabel("abcd", 3) == "abc");
  CHECK(CutLabel("ab\xC3\xA4", 3) == "ab");
}
