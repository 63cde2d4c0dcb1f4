// SPDX-License-Identifier: Apache-2.0
#include "engines/spark.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

using namespace plimsoll;  // NOLINT: a test names many of its things
using engines::Answer;
using engines::Ask;

namespace {

const std::string kApplication = "/api/v1/applications/app-1";

// A process of Spark's that answers what it is told to; anything else is a web page, as Spark's own
// servers have it.
struct Process {
  std::map<std::string, std::string> answers;
  std::map<std::string, int> statuses;
  std::vector<std::string> asked;
  engines::Collected last{base::Error{}};

  std::string Round(engines::Collector& collector, base::Time now = 1'000'000) {
    asked.clear();
    std::vector<Ask> open = collector.Begin(now);
    while (!open.empty()) {
      const Ask ask = std::move(open.back());
      open.pop_back();
      asked.push_back(ask.path);
      Answer answer{200, "200 OK", "text/html;charset=utf-8", "<html>"};
      if (const auto status = statuses.find(ask.path); status != statuses.end()) {
        answer = {status->second, std::to_string(status->second) + " Refused", "text/plain", ""};
      } else if (const auto found = answers.find(ask.path); found != answers.end()) {
        answer = {200, "200 OK", "application/json", found->second};
      }
      for (Ask& next : collector.Take(ask, std::move(answer))) open.push_back(std::move(next));
    }
    last = collector.End();
    return last.page ? last.page->body : last.page.error().message;
  }
  bool Asked(const std::string& path) const {
    return std::find(asked.begin(), asked.end(), path) != asked.end();
  }
  std::uint64_t Refused(std::string_view reason) const {
    for (const auto& [name, count] : last.refused) {
      if (name == reason) return count;
    }
    return 0;
  }
};

// A driver with dynamic allocation, one executor and a backlog.
Process Driver() {
  return {.answers = {
              {"/api/v1/applications", R"([{"id":"app-1","name":"n","attempts":[)"
                                       R"({"startTimeEpoch":900000,"appSparkVersion":"3.5.9"}]}])"},
              {kApplication + "/executors",
               R"([{"id":"driver"},{"id":"0","totalCores":2,"maxTasks":2,"activeTasks":2}])"},
              {kApplication + "/stages?status=active",
               R"([{"numTasks":60,"numActiveTasks":2,"numCompleteTasks":3}])"},
              {kApplication + "/stages?status=pending", R"([{"numTasks":15}])"},
              {kApplication + "/environment",
               R"({"sparkProperties":[["spark.dynamicAllocation.enabled","true"],)"
               R"(["spark.dynamicAllocation.maxExecutors","6"],["spark.executor.cores","2"]]})"},
              {"/metrics/json/",
               R"({"gauges":{"app-1.driver.DAGScheduler.job.activeJobs":{"value":1}},)"
               R"("counters":{"app-1.driver.ExecutorAllocationManager.executors.)"
               R"(numberExecutorsExitedUnexpectedly":{"count":3}}})"},
          }};
}

bool Has(const std::string& page, const std::string& line) {
  return ("\n" + page).find("\n" + line + "\n") != std::string::npos;
}
bool Names(const std::string& page, const std::string& name) {
  return page.find("\n" + name + "{") != std::string::npos ||
         page.find("\n" + name + " ") != std::string::npos;
}

const std::string kLabels = R"({application_id="app-1",application_name="n"})";

}  // namespace

TEST_CASE("a driver's answers become one page, in which the application is a label") {
  Process spark = Driver();
  engines::SparkCollector collector;
  const std::string page = spark.Round(collector);
  CHECK(Has(page,
            R"(spark_driver_info{application_id="app-1",application_name="n",version="3.5.9"} 1)"));
  CHECK(Has(page, "spark_driver_start_time_seconds" + kLabels + " 900"));
  CHECK(Has(page, "spark_driver_executors" + kLabels + " 1"));
  CHECK(Has(page, "spark_driver_executor_cores" + kLabels + " 2"));
  CHECK(Has(page, "spark_driver_executor_slots" + kLabels + " 2"));
  CHECK(Has(page, "spark_driver_executors_min" + kLabels + " 0"));
  CHECK(Has(page, "spark_driver_executors_max" + kLabels + " 6"));
  CHECK(Has(page, "spark_driver_dynamic_allocation" + kLabels + " 1"));
  CHECK(Has(page, "spark_driver_tasks_running" + kLabels + " 2"));
  CHECK(Has(page, "spark_driver_tasks_waiting" + kLabels + " 55"));
  CHECK(Has(
      page,
      R"(spark_driver_stages{application_id="app-1",application_name="n",status="pending"} 1)"));
  CHECK(Has(page, "spark_metrics_DAGScheduler_job_activeJobs" + kLabels + " 1"));
  CHECK(Has(page,
            "# TYPE spark_metrics_ExecutorAllocationManager_executors_"
            "numberExecutorsExitedUnexpectedly_total counter"));
  CHECK(Has(page,
            "spark_metrics_ExecutorAllocationManager_executors_"
            "numberExecutorsExitedUnexpectedly_total" +
                kLabels + " 3"));
  CHECK(Has(page, "spark_rest_success{part=\"metrics\"} 1"));
  CHECK_FALSE(Names(page, "spark_master_alive"));
  CHECK(Has(page, "spark_rest_requests 7"));
  CHECK(spark.last.refused.empty());
}

TEST_CASE("what stands at the address is found out once") {
  Process spark = Driver();
  engines::SparkCollector collector;
  (void)spark.Round(collector);
  CHECK(spark.Asked("/json/"));
  (void)spark.Round(collector, 1'005'000);
  CHECK_FALSE(spark.Asked("/json/"));
  CHECK_FALSE(spark.Asked(kApplication + "/environment"));
  CHECK(spark.asked.size() == 5);
  CHECK(Has(spark.last.page->body, "spark_driver_executors_max" + kLabels + " 6"));
  // It died and something else took its address.
  spark.answers.clear();
  (void)spark.Round(collector, 1'010'000);
  CHECK_FALSE(spark.last.page.has_value());
  spark.answers["/json/"] = R"({"workers":[],"activeapps":[],"status":"ALIVE"})";
  CHECK(Has(spark.Round(collector, 1'015'000), "spark_master_alive 1"));
}

TEST_CASE("a new application has settings of its own") {
  Process spark = Driver();
  engines::SparkCollector collector;
  (void)spark.Round(collector);
  spark.answers["/api/v1/applications"] = R"([{"id":"app-2","name":"n"}])";
  const std::string page = spark.Round(collector, 1'005'000);
  CHECK(spark.Asked("/api/v1/applications/app-2/environment"));
  CHECK_FALSE(Names(page, "spark_driver_executors_max"));
  CHECK_FALSE(Names(page, "spark_driver_tasks_waiting"));
  CHECK(page.find("app-1") == std::string::npos);
}

TEST_CASE("a driver without an application yet is up and says nothing") {
  Process spark;
  spark.answers["/api/v1/applications"] = "[]";
  engines::SparkCollector collector;
  const std::string page = spark.Round(collector);
  CHECK(Has(page, "spark_rest_success{part=\"application\"} 1"));
  CHECK_FALSE(Names(page, "spark_driver_info"));
}

TEST_CASE("each part has a second source where Spark has one, and costs only itself where not") {
  Process spark = Driver();
  spark.answers.erase("/metrics/json/");
  spark.answers["/metrics/prometheus/"] =
      "metrics_app_1_driver_DAGScheduler_job_activeJobs_Value{type=\"gauges\"} 1\n";
  spark.statuses[kApplication + "/executors"] = 403;
  spark.answers["/metrics/executors/prometheus/"] =
      "metrics_executor_totalCores{application_id=\"app-1\", executor_id=\"0\"} 2\n";
  spark.statuses[kApplication + "/stages?status=active"] = 500;
  engines::SparkCollector collector;
  std::string page = spark.Round(collector);
  CHECK(Has(page, "spark_metrics_DAGScheduler_job_activeJobs" + kLabels + " 1"));
  CHECK(Has(page, "spark_driver_executors" + kLabels + " 1"));
  CHECK_FALSE(Names(page, "spark_driver_tasks_running"));
  CHECK(Has(page, "spark_driver_executors_max" + kLabels + " 6"));
  CHECK(Has(page, "spark_rest_success{part=\"metrics\"} 1"));
  CHECK(Has(page, "spark_rest_success{part=\"executors\"} 1"));
  CHECK(Has(page, "spark_rest_success{part=\"stages\"} 0"));
  CHECK(spark.Refused("web_page") == 1);
  CHECK(spark.Refused("failed_request") == 2);
  // The page is asked first from now on.
  page = spark.Round(collector, 1'005'000);
  CHECK_FALSE(spark.Asked("/metrics/json/"));
  CHECK(spark.Refused("web_page") == 0);
  spark.answers.erase("/metrics/prometheus/");
  page = spark.Round(collector, 1'010'000);
  CHECK(Has(page, "spark_rest_success{part=\"metrics\"} 0"));
  (void)spark.Round(collector, 1'015'000);
  CHECK(spark.Asked("/metrics/json/"));
}

TEST_CASE("settings that cannot be read are left alone for a minute, and no bound is made up") {
  Process spark = Driver();
  spark.statuses[kApplication + "/environment"] = 403;
  engines::SparkCollector collector;
  CHECK_FALSE(Names(spark.Round(collector, 1'000'000), "spark_driver_executors_max"));
  CHECK(spark.Asked(kApplication + "/environment"));
  const std::string page = spark.Round(collector, 1'059'999);
  CHECK_FALSE(spark.Asked(kApplication + "/environment"));
  CHECK(Has(page, "spark_rest_success{part=\"settings\"} 0"));
  CHECK(Has(page, "spark_driver_executor_cores" + kLabels + " 2"));  // as the executor has it
  spark.statuses.clear();
  CHECK(Has(spark.Round(collector, 1'060'000), "spark_driver_executors_max" + kLabels + " 6"));
}

TEST_CASE("a sum of some executors is no sum") {
  Process spark = Driver();
  engines::detail::SparkLimits limits;
  limits.executors = 1;
  spark.answers[kApplication + "/executors"] = R"([{"id":"0"},{"id":"1"}])";
  engines::SparkCollector collector(limits);
  const std::string page = spark.Round(collector);
  CHECK_FALSE(Names(page, "spark_driver_executors"));
  CHECK(Has(page, "spark_rest_success{part=\"executors\"} 0"));
  CHECK(spark.Refused("limit") == 1);
}

TEST_CASE("a master that stands by says nothing of workers") {
  Process spark;
  spark.answers["/json/"] =
      R"({"workers":[{"state":"ALIVE","cores":4}],"cores":4,"activeapps":[],"status":"STANDBY"})";
  engines::SparkCollector collector;
  std::string page = spark.Round(collector);
  CHECK(Has(page, "spark_master_alive 0"));
  CHECK_FALSE(Names(page, "spark_master_cores"));
  spark.answers["/json/"] =
      R"({"workers":[{"state":"ALIVE","cores":4}],"cores":4,"coresused":1,)"
      R"("activeapps":[{"id":"a","name":"n","state":"WAITING","cores":0}],"status":"ALIVE"})";
  page = spark.Round(collector, 1'005'000);
  CHECK_FALSE(spark.Asked("/api/v1/applications"));
  CHECK(Has(page, "spark_master_workers{state=\"alive\"} 1"));
  CHECK(Has(page, "spark_master_cores_used 1"));
  CHECK(Has(page, "spark_master_worker_cores 4"));
  CHECK(Has(page, "spark_master_applications_waiting 1"));
}

TEST_CASE("what is not Spark is refused with what was expected") {
  Process web;
  engines::SparkCollector collector;
  (void)web.Round(collector);
  REQUIRE_FALSE(web.last.page.has_value());
  CHECK(web.last.page.error().message ==
        "/api/v1/applications answered with a web page (text/html;charset=utf-8), /json/ answered "
        "with a web page (text/html;charset=utf-8): expected JSON from the web port of a Spark "
        "driver (4040), a standalone master (8080) or a worker (8081)");
  // A proxy that wants to know who asks.
  web.statuses["/api/v1/applications"] = 401;
  (void)web.Round(collector);
  REQUIRE(web.last.page.has_value());
  CHECK(web.last.page->status == 401);
  (void)collector.Begin(1'000'000);
  CHECK(collector.End().page.error().kind == base::Error::Kind::kTimeout);
  for (const Ask& ask : collector.Begin(1'000'000))
    (void)collector.Take(ask, base::Error{base::Error::Kind::kUnavailable, "connection refused"});
  CHECK(collector.End().page.error().message == "connection refused");
}

TEST_CASE("what a driver does not answer in time is missing, and counted") {
  Process spark = Driver();
  engines::SparkCollector collector;
  for (const Ask& ask : collector.Begin(1'000'000)) {
    if (ask.path == "/api/v1/applications")
      (void)collector.Take(ask, Answer{200, "200 OK", "application/json", spark.answers[ask.path]});
  }
  const engines::Collected collected = collector.End();
  REQUIRE(collected.page.has_value());
  CHECK(Has(collected.page->body, "spark_rest_success{part=\"executors\"} 0"));
  CHECK(collected.refused ==
        std::vector<std::pair<std::string_view, std::uint64_t>>{{"not_answered", 5}});
}
