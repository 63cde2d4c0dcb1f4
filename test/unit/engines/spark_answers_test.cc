// SPDX-License-Identifier: Apache-2.0
#include "engines/detail/spark_answers.h"

#include <doctest/doctest.h>

using namespace plimsoll::engines::detail;  // NOLINT: a test names many of its things

namespace {

const SparkLimits kLimits;

SparkSettings Settings(const std::string& properties, const std::string& rest = "") {
  const auto settings =
      ReadSparkSettings("{\"sparkProperties\":[" + properties + "]" + rest + "}", kLimits);
  REQUIRE(settings.has_value());
  return *settings;
}

}  // namespace

TEST_CASE("a driver lists its one application, or none before that has begun") {
  const auto one =
      ReadSparkApplications(R"([{"id":"app-1-0000","name":"a b","attempts":[)"
                            R"({"startTimeEpoch":1795266816414,"appSparkVersion":"3.5.9"}]}])",
                            kLimits);
  REQUIRE(one.has_value());
  REQUIRE(one->has_value());
  CHECK((*one)->id == "app-1-0000");
  CHECK((*one)->name == "a b");
  CHECK((*one)->version == "3.5.9");
  CHECK((*one)->start_time_seconds == 1795266816.414);
  const auto none = ReadSparkApplications("[]", kLimits);
  REQUIRE(none.has_value());
  CHECK_FALSE(none->has_value());
  const auto two = ReadSparkApplications(R"([{"id":"a"},{"id":"b"}])", kLimits);
  REQUIRE_FALSE(two.has_value());
  CHECK(two.error().message.find("history server") != std::string::npos);
}

TEST_CASE("an application's id goes into paths") {
  for (const char* bad : {"", "..", "a/b", "a..b", ".a", "a b", "a?b"}) {
    const std::string body = std::string(R"([{"id":")") + bad + R"("}])";
    CHECK_FALSE(ReadSparkApplications(body, kLimits).has_value());
  }
  CHECK(ReadSparkApplications(R"([{"id":"spark-0af.9_x"}])", kLimits).has_value());
}

TEST_CASE("tasks that are left are running or waiting, never both and never below zero") {
  const auto stages = ReadSparkStages(
      R"([{"numTasks":60,"numActiveTasks":2,"numCompleteTasks":2},)"
      R"({"numTasks":3,"numActiveTasks":3,"numCompleteTasks":2},)"
      R"({"numTasks":2,"numActiveTasks":1,"numCompleteTasks":3},)"
      R"({"numTasks":9,"numActiveTasks":1,"numCompleteTasks":8,"numCompletedIndices":6}])",
      kLimits);
  REQUIRE(stages.has_value());
  CHECK(stages->stages == 4);
  CHECK(stages->tasks_running == 4);
  CHECK(stages->tasks_waiting == 58);
  CHECK_FALSE(ReadSparkStages(R"([{"stageId":1}])", kLimits).has_value());
}

TEST_CASE("the driver is no executor, and neither is one that is gone") {
  const auto executors =
      ReadSparkExecutors(R"([{"id":"driver","isActive":true,"totalCores":0},)"
                         R"({"id":"0","isActive":true,"totalCores":4,"maxTasks":2,"activeTasks":3,)"
                         R"("memoryUsed":5,"maxMemory":100},)"
                         R"({"id":"1","isActive":false,"totalCores":4},{"id":"0","totalCores":4},)"
                         R"({"id":"2","totalCores":2,"maxTasks":1}])",
                         kLimits);
  REQUIRE(executors.has_value());
  CHECK(executors->count == 2);
  CHECK(executors->cores == 6);
  CHECK(executors->slots == 3);
  CHECK(executors->tasks == 3);
  CHECK(executors->memory_used == 5);
  CHECK(executors->memory_max == 100);
  CHECK(executors->widest_cores == 4);
  CHECK(executors->widest_slots == 2);
}

TEST_CASE("settings say how many executors there may be") {
  SparkSettings settings = Settings(
      R"(["spark.dynamicAllocation.enabled","true"],["spark.dynamicAllocation.minExecutors","1"],)"
      R"(["spark.dynamicAllocation.maxExecutors","6"],["spark.executor.cores","4"],)"
      R"(["spark.task.cpus","2"])");
  CHECK(settings.dynamic);
  CHECK(settings.executors_min == 1);
  CHECK(settings.executors_max == 6);
  CHECK(settings.executor_cores == 4.0);
  CHECK(settings.task_cpus == 2.0);
  settings = Settings(R"(["spark.dynamicAllocation.enabled","true"])");
  CHECK(settings.executors_min == 0);
  CHECK(settings.executors_max == kUnlimitedExecutors);
  CHECK_FALSE(settings.executor_cores.has_value());
}

TEST_CASE("without dynamic allocation the number of executors is fixed, or what fits") {
  SparkSettings settings = Settings(R"(["spark.executor.instances","5"])");
  CHECK_FALSE(settings.dynamic);
  CHECK(settings.executors_min == 5);
  CHECK(settings.executors_max == 5);
  settings = Settings(R"(["spark.master","k8s://https://kubernetes.default"])");
  CHECK(settings.executors_min == 2);
  CHECK(settings.executors_max == 2);
  settings = Settings(R"(["spark.master","spark://m:7077"],["spark.cores.max","10"],)"
                      R"(["spark.executor.cores","4"])");
  CHECK(settings.executors_min == 0);
  CHECK(settings.executors_max == 2);
  CHECK(Settings("").executors_max == kUnlimitedExecutors);
}

TEST_CASE("the default resource profile says what the properties do not") {
  const std::string profile =
      R"(,"resourceProfiles":[{"id":0,"executorResources":{"cores":{"amount":3}},)"
      R"("taskResources":{"cpus":{"amount":1.0}}}])";
  SparkSettings settings = Settings("", profile);
  CHECK(settings.executor_cores == 3.0);
  CHECK(settings.task_cpus == 1.0);
  settings = Settings(R"(["spark.executor.cores","2"])", profile);
  CHECK(settings.executor_cores == 2.0);
  CHECK_FALSE(ReadSparkSettings("{}", kLimits).has_value());
}

TEST_CASE("an application's id is no part of a metric's name") {
  const auto fold = [](const char* name, const char* id) {
    return FoldSparkName(name, id).value_or("none");
  };
  CHECK(fold("metrics_app_1_0000_driver_DAGScheduler_job_activeJobs", "app-1-0000") ==
        "DAGScheduler_job_activeJobs");
  // Another namespace, none, and an id that looks like the end of one.
  CHECK(fold("metrics_my_ns_driver_jvm_heap_used", "app-1-0000") == "jvm_heap_used");
  CHECK(fold("metrics_driver_jvm_heap_used", "app-1-0000") == "jvm_heap_used");
  CHECK(fold("metrics_a_driver_b_driver_x", "a-driver-b") == "x");
  CHECK(fold("metrics_a_driver_", "a") == "none");
  CHECK(fold("metrics_master_workers", "a") == "none");
  CHECK(fold("a_driver_x", "a") == "none");
}

TEST_CASE("the driver's metrics are the same from JSON and from a page") {
  const auto json =
      ReadSparkMetrics(R"({"gauges":{"app-1.driver.jvm.non-heap.used":{"value":7},)"
                       R"("app-1.driver.text":{"value":"none"},"app-1.other.x":{"value":1}},)"
                       R"("counters":{"app-1.driver.E.lost":{"count":2}},"timers":{}})",
                       "app-1", kLimits);
  const auto page = ReadSparkMetricsPage(
      "metrics_app_1_driver_jvm_non_heap_used_Number{type=\"gauges\"} 7\n"
      "metrics_app_1_driver_jvm_non_heap_used_Value{type=\"gauges\"} 7\n"
      "metrics_app_1_driver_text_Value{type=\"gauges\"} none\n"
      "metrics_app_1_driver_E_lost_Count{type=\"counters\"} 2\n"
      "metrics_app_1_driver_D_time_Count{type=\"timers\"} 9\n",
      "app-1", kLimits);
  REQUIRE(json.has_value());
  REQUIRE(page.has_value());
  const std::map<std::string, double> gauges = {{"jvm_non_heap_used", 7}};
  const std::map<std::string, double> counters = {{"E_lost", 2}};
  CHECK(json->gauges == gauges);
  CHECK(page->gauges == gauges);
  CHECK(json->counters == counters);
  CHECK(page->counters == counters);
  CHECK(page->unreadable == 1);
  CHECK_FALSE(ReadSparkMetrics("[]", "a", kLimits).has_value());
  CHECK_FALSE(ReadSparkMetricsPage("<html></html>\n", "a", kLimits).has_value());
  SparkLimits limits;
  limits.metrics = 1;
  const auto cut = ReadSparkMetrics(
      R"({"gauges":{"a.driver.x":{"value":1},"a.driver.y":{"value":2}},"counters":{}})", "a",
      limits);
  REQUIRE(cut.has_value());
  CHECK(cut->gauges.size() == 1);
  CHECK(cut->left_out == 1);
}

TEST_CASE("a page of executors says what the REST API would") {
  const std::string labels = "{application_id=\"a\", application_name=\"n\", executor_id=";
  const auto executors = ReadSparkExecutorsPage(
      "spark_info{version=\"3.5.9\", revision=\"7\"} 1.0\n"
      "metrics_executor_totalCores" +
          labels +
          "\"driver\"} 0\n"
          "metrics_executor_totalCores" +
          labels +
          "\"0\"} 2\n"
          "metrics_executor_maxTasks" +
          labels +
          "\"0\"} 2\n"
          "metrics_executor_activeTasks" +
          labels +
          "\"0\"} 1\n"
          "metrics_executor_totalCores" +
          labels +
          "\"3\"} 1\n"
          "metrics_executor_totalCores" +
          labels + "\"3\"} 1\n",
      kLimits);
  REQUIRE(executors.has_value());
  CHECK(executors->count == 2);
  CHECK(executors->cores == 3);
  CHECK(executors->slots == 2);
  CHECK(executors->tasks == 1);
  CHECK(executors->widest_cores == 2);
  CHECK_FALSE(ReadSparkExecutorsPage("up 1\n", kLimits).has_value());
}

TEST_CASE("a master counts its workers by state and sums only those that are alive") {
  const auto state = ReadSparkState(
      R"({"workers":[{"state":"ALIVE","cores":4},{"state":"DEAD","cores":8},)"
      R"({"state":"NEW","cores":8}],"cores":4,"coresused":1,"memory":2,"memoryused":1,)"
      R"("activeapps":[{"id":"a","name":"n","state":"WAITING","cores":0}],"status":"ALIVE"})",
      kLimits);
  REQUIRE(state.has_value());
  const auto& master = std::get<SparkMaster>(*state);
  CHECK(master.workers == std::map<std::string, double>{
                              {"alive", 1}, {"dead", 1}, {"decommissioned", 0}, {"unknown", 1}});
  CHECK(master.cores == 4);
  CHECK(master.memory_bytes == 2097152);
  CHECK(master.widest_worker_cores == 4);
  REQUIRE(master.applications.size() == 1);
  CHECK(master.applications[0].state == "WAITING");
  const auto worker = ReadSparkState(
      R"({"masterurl":"spark://m:1","cores":4,"coresused":3,"executors":[{},{}]})", kLimits);
  REQUIRE(worker.has_value());
  CHECK(std::get<SparkWorker>(*worker).executors == 2);
  CHECK_FALSE(ReadSparkState("{}", kLimits).has_value());
}

TEST_CASE("what is more than the limits is counted") {
  SparkLimits limits;
  limits.stages = limits.executors = limits.workers = limits.applications = 1;
  CHECK(ReadSparkStages(R"([{"numTasks":1},{"numTasks":1}])", limits)->left_out == 1);
  CHECK(ReadSparkExecutors(R"([{"id":"0"},{"id":"1"}])", limits)->left_out == 1);
  const auto page = ReadSparkExecutorsPage(
      "metrics_executor_maxTasks{executor_id=\"0\"} 1\n"
      "metrics_executor_maxTasks{executor_id=\"1\"} 1\n",
      limits);
  CHECK(page->left_out == 1);
  const auto state = ReadSparkState(
      R"({"workers":[{},{}],"activeapps":[{"id":"a"},{"id":"b"}],"status":"ALIVE"})", limits);
  CHECK(std::get<SparkMaster>(*state).left_out == 2);
}
