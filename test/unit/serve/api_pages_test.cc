// SPDX-License-Identifier: Apache-2.0
//
// Endpoints about the process, its targets and what it can do: bodies as a Prometheus 3.15 server
// was seen to give them.
#include "api_under_test.h"

namespace plimsoll::serve {
namespace {

TEST_CASE("a query is printed for people") {
  Api api;
  CHECK(api.Get("/format_query?query=sum%20by(a)(foo%20/%20bar)") ==
        Good(R"j("sum by (a) (foo / bar)")j"));
  CHECK(api.Get("/format_query?query=a%3Eb") == Good(R"("a \u003e b")"));
  CHECK(api.Get("/format_query?query=(") ==
        Bad(R"(invalid parameter \"query\": 1:2: parse error: unclosed left parenthesis)"));
}

TEST_CASE("the tree of a query") {
  Api api;
  CHECK(
      api.Get("/parse_query?query=-sum%20by(a)(x{b=%22c%3C%22}%20offset%201m)") ==
      Good(
          R"({"expr":{"expr":{"anchored":false,"matchers":[{"name":"b","type":"=","value":"c\u003c"},)"
          R"({"name":"__name__","type":"=","value":"x"}],"name":"x","offset":60000,"offsetExpr":null,)"
          R"("smoothed":false,"startOrEnd":null,"timestamp":null,"type":"vectorSelector"},"grouping":)"
          R"(["a"],"op":"sum","param":null,"type":"aggregation","without":false},"op":"-","type":)"
          R"("unaryExpr"})"));
  CHECK(
      api.Get("/parse_query?query=a[(5)]%20@%20start()")
          .find(
              R"("range":0,"rangeExpr":{"lhs":null,"op":"+","rhs":{"duration":false,"type":)"
              R"("numberLiteral","val":"5"},"type":"durationExpr","wrapped":true},"smoothed":false,)"
              R"("startOrEnd":"start","timestamp":null,"type":"matrixSelector")") !=
      std::string::npos);
  CHECK(
      api.Get("/parse_query?query=a%20%3E%20bool%20on(b)%20group_left(c)%20pi()") ==
      Bad(R"(invalid parameter \"query\": 1:1: parse error: vector matching only allowed between instant vectors)"));
  CHECK(api.Get("/parse_query?query=(") ==
        Bad(R"(invalid parameter \"query\": 1:2: parse error: unclosed left parenthesis)"));
}

TEST_CASE("scrape pools and their configuration") {
  Api api;
  CHECK(api.Get("/scrape_pools") == Good(R"({"scrapePools":["dead","other"]})"));
  CHECK(api.Get("/scrape_pools/config?scrapePool=dead") == Good(R"({"yaml":"job_name: dead\n"})"));
  CHECK(api.Get("/scrape_pools/config") == Bad("no scrapePool parameter provided"));
  CHECK(api.Get("/scrape_pools/config?scrapePool=x") ==
        Bad(R"(error retrieving scrape config: scrape pool \"x\" not found)"));
}

TEST_CASE("metadata by target") {
  Api api;
  const std::string target = R"({"target":{"instance":"127.0.0.1:1","job":"dead"},)";
  CHECK(
      api.Get("/targets/metadata") ==
      Good("[" + target +
           R"("metric":"go_goroutines","type":"gauge","help":"Number of goroutines.","unit":""},)" +
           target + R"("metric":"up_total","type":"counter","help":"A","unit":""}])"));
  CHECK(api.Get("/targets/metadata?metric=up_total&match_target={job=%22dead%22}") ==
        Good("[" + target + R"("type":"counter","help":"A","unit":""}])"));
  CHECK(api.Get("/targets/metadata?match_target={job=%22x%22}") == Good("[]"));
  CHECK(api.Get("/targets/metadata?metric=nobody") == Good("[]"));
  CHECK(api.Get("/targets/metadata?limit=0") == Good("[]"));
  CHECK(api.Get("/targets/metadata?limit=x") == Bad("limit must be a number"));
  CHECK(
      api.Get("/targets/metadata?match_target={") ==
      Bad(R"(invalid parameter \"match_target\": 1:2: parse error: unexpected end of input inside braces)"));
}

TEST_CASE("the process") {
  Api api;
  CHECK(api.Get("/alertmanagers") ==
        Good(R"({"activeAlertmanagers":[],"droppedAlertmanagers":[]})"));
  CHECK(api.Get("/status/config") == Good(R"({"yaml":"global: {}\n"})"));
  CHECK(api.Get("/status/flags") == Good(R"({"config.file":"a.yml","web.cors.origin":".*"})"));
  CHECK(api.Get("/status/runtimeinfo") ==
        Good(R"({"startTime":"2026-01-01T00:00:00Z","CWD":"/","hostname":"h","serverTime":)"
             R"("2026-01-01T00:00:00Z","reloadConfigSuccess":true,"lastConfigTime":)"
             R"("2026-01-01T00:00:00Z","corruptionCount":0,"goroutineCount":7,"GOMAXPROCS":2,)"
             R"("GOMEMLIMIT":0,"GOGC":"","GODEBUG":"","storageRetention":"15m"})"));
  CHECK(api.Get("/status/walreplay") == Good(R"({"min":0,"max":0,"current":0})"));
  CHECK(api.Get("/status/tsdb/blocks") == Good(R"({"blocks":[]})"));
  CHECK(api.Get("/notifications") == Good("[]"));
  CHECK(api.Get("/notifications/live") == "204 ");
}

TEST_CASE("what the window is made of") {
  Api api;
  CHECK(api.Get("/status/tsdb?limit=2") ==
        Good(R"({"headStats":{"numSeries":3,"numLabelPairs":5,"chunkCount":3,"minTime":)"
             R"(1767225570000,"maxTime":1767225600000},"seriesCountByMetricName":[{"name":"up",)"
             R"("value":2},{"name":"go\u003cinfo\u003e","value":1}],"labelValueCountByLabelName":)"
             R"([{"name":"__name__","value":2},{"name":"job","value":2}],)"
             R"("memoryInBytesByLabelName":[{"name":"__name__","value":42},{"name":"version",)"
             R"("value":14}],"seriesCountByLabelValuePair":[{"name":"__name__=up","value":2},)"
             R"({"name":"__name__=go\u003cinfo\u003e","value":1}]})"));
  api.storage.Clear();
  CHECK(api.Get("/status/tsdb") ==
        Good(R"({"headStats":{"numSeries":0,"numLabelPairs":0,"chunkCount":0,"minTime":)"
             R"(9223372036854775807,"maxTime":-9223372036854775808},"seriesCountByMetricName":[],)"
             R"("labelValueCountByLabelName":[],"memoryInBytesByLabelName":[],)"
             R"("seriesCountByLabelValuePair":[]})"));
  CHECK(api.Get("/status/tsdb?limit=0") == Bad("limit must be a positive number"));
  CHECK(api.Get("/status/tsdb?limit=10001") == Bad("limit must not exceed 10000"));
}

TEST_CASE("features are those of the tables") {
  Api api;
  const std::string all = api.Get("/features");
  CHECK(all.starts_with(R"(200 {"status":"success","data":{"api":{"admin":false,)"));
  CHECK(all.find(R"("rate":true)") != std::string::npos);
  CHECK(all.find(R"("limitk":false)") != std::string::npos);
  CHECK(all.find(R"(">=":true)") != std::string::npos);
  api.options.parse.experimental_functions = true;
  CHECK(api.Get("/features").find(R"("limitk":true)") != std::string::npos);
}

TEST_CASE("what stands behind a flag in Prometheus answers as if the flag were not set") {
  Api api;
  CHECK(api.Get("/search/metric_names") ==
        R"(500 {"status":"error","errorType":"unavailable","error":"search API disabled"})");
  const auto admin = api.Ask("POST", "/admin/tsdb/snapshot");
  CHECK(admin.status == 500);
  CHECK(admin.body ==
        R"({"status":"error","errorType":"unavailable","error":"admin APIs disabled"})");
  const auto write = api.Ask("POST", "/write");
  CHECK(write.status == 404);
  CHECK(write.body ==
        "remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n");
  CHECK(api.Ask("POST", "/otlp/v1/metrics").status == 404);
}

TEST_CASE("alerts may be left out of rules") {
  Api api;
  CHECK(api.Get("/rules?exclude_alerts=TRUE&rule_name[]=nobody") == Good(R"({"groups":[]})"));
  CHECK(api.Get("/rules?exclude_alerts=t").find(R"("alerts":null,)") != std::string::npos);
  CHECK(api.Get("/rules?exclude_alerts=0").find(R"("alerts":[],)") != std::string::npos);
  CHECK(api.Get("/rules?group_limit=2147483648") ==
        Bad(R"(invalid parameter \"group_limit\": group_limit needs to be a valid number: )"
            R"(strconv.ParseInt: parsing \"2147483648\": value out of range)"));
  CHECK(api.Get("/rules?exclude_alerts=x") ==
        Bad(R"(invalid parameter \"exclude_alerts\": error converting exclude_alerts: )"
            R"(strconv.ParseBool: parsing \"x\": invalid syntax)"));
}

TEST_CASE("scripts of other origins may read") {
  Api api;
  CHECK(api.Ask("GET", "/alerts").headers ==
        http::Pairs{{"Vary", "Accept-Encoding"}, {"Vary", "Origin"}});
  api.request.headers = {{"Origin", "http://x.example"}};
  http::Pairs headers = {
      {"Vary", "Accept-Encoding"},
      {"Vary", "Origin"},
      {"Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, Origin"},
      {"Access-Control-Allow-Methods", "GET, POST, OPTIONS"},
      {"Access-Control-Expose-Headers", "Date"}};
  CHECK(api.Ask("GET", "/alerts").headers == headers);
  const auto origins = model::Regex::Compile("http://x.*");
  REQUIRE(origins);
  api.options.cors_origin = std::make_shared<const model::Regex>(*origins);
  headers.emplace_back("Access-Control-Allow-Origin", "http://x.example");
  CHECK(api.Ask("GET", "/alerts").headers == headers);
  const auto preflight = api.Ask("OPTIONS", "/nosuch");
  CHECK(preflight.status == 204);
  CHECK(preflight.headers == headers);
  api.request.headers = {{"Origin", "http://y.example"}};
  headers.pop_back();
  CHECK(api.Ask("GET", "/alerts").headers == headers);
}

TEST_CASE("a view that expired meanwhile is an error everywhere, never a shorter answer") {
  Api api;
  api.storage.BreakViews();
  constexpr const char* kExpired =
      R"(500 {"status":"error","errorType":"internal","error":"the query took so long that its samples have expired"})";
  for (const char* target :
       {"/query?query=up", "/query_range?query=up&start=0&end=1&step=1", "/series?match[]=up",
        "/labels", "/label/job/values", "/status/tsdb"}) {
    CAPTURE(target);
    CHECK(api.Get(target) == kExpired);
  }
  CHECK(api.Get("/federate?match[]=up") ==
        "500 the query took so long that its samples have expired\n");
}

}  // namespace
}  // namespace plimsoll::serve
