// SPDX-License-Identifier: Apache-2.0
//
// The query API: bodies and errors byte for byte as a Prometheus 3.15 server was seen to give them.
#include "serve/prometheus_api.h"

#include <doctest/doctest.h>

#include "api_under_test.h"

namespace plimsoll::serve {
namespace {

TEST_CASE("an instant query answers at the time that was asked, or now") {
  Api api;
  CHECK(api.Get("/query?query=1%2B1&time=4") ==
        Good(R"({"resultType":"scalar","result":[4,"2"]})"));
  CHECK(
      api.Get("/query?query=up{job=%22a%22}") ==
      Good(
          R"({"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a"},"value":[1767225600,"2"]}]})"));
  CHECK(api.Get("/query?query=up&time=1") == Good(R"({"resultType":"vector","result":[]})"));
}

TEST_CASE("a query may be posted as a form") {
  Api api;
  api.request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  api.request.body = "query=1%2B1&time=4";
  CHECK(api.Ask("POST", "/query").body ==
        R"({"status":"success","data":{"resultType":"scalar","result":[4,"2"]}})");
}

TEST_CASE("a range query answers at every step") {
  Api api;
  CHECK(api.Get("/query_range?query=up{job=%22a%22}&start=1767225585&end=1767225600&step=15") ==
        Good(R"({"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"a"},)"
             R"("values":[[1767225585,"1"],[1767225600,"2"]]}]})"));
}

TEST_CASE("a limit cuts and says so") {
  Api api;
  CHECK(
      api.Get("/query?query=up&limit=1") ==
      R"(200 {"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a"},)"
      R"("value":[1767225600,"2"]}]},"warnings":["results truncated due to limit"]})");
  CHECK(api.Get("/query?query=up&limit=2").find("warnings") == std::string::npos);
}

TEST_CASE("parameters are refused in Prometheus's words") {
  Api api;
  CHECK(
      api.Get("/query") ==
      Bad(R"(invalid parameter \"query\": unknown position: parse error: no expression found in input)"));
  CHECK(
      api.Get("/query?query=up&time=x") ==
      Bad(R"(invalid parameter \"time\": invalid time value for 'time': cannot parse \"x\" to a valid timestamp)"));
  CHECK(api.Get("/query?query=up&limit=x") ==
        Bad(R"(invalid parameter \"limit\": strconv.Atoi: parsing \"x\": invalid syntax)"));
  CHECK(api.Get("/query?query=up&limit=-1") ==
        Bad(R"(invalid parameter \"limit\": limit must be non-negative)"));
  CHECK(api.Get("/query?query=up&timeout=x") ==
        Bad(R"(invalid parameter \"timeout\": cannot parse \"x\" to a valid duration)"));
  CHECK(api.Get("/query?query=up&lookback_delta=x") ==
        Bad(R"(error parsing lookback delta duration: cannot parse \"x\" to a valid duration)"));
  CHECK(
      api.Get("/query?query=up[") ==
      Bad(R"(invalid parameter \"query\": 1:4: parse error: unexpected end of input in duration expression)"));
}

TEST_CASE("ranges are refused in Prometheus's words") {
  Api api;
  CHECK(api.Get("/query_range?query=up") ==
        Bad(R"(invalid parameter \"start\": cannot parse \"\" to a valid timestamp)"));
  CHECK(api.Get("/query_range?query=up&start=1&end=0") ==
        Bad(R"(invalid parameter \"end\": end timestamp must not be before start time)"));
  CHECK(
      api.Get("/query_range?query=up&start=1&end=2&step=0") ==
      Bad(R"(invalid parameter \"step\": zero or negative query resolution step widths are not accepted. )"
          R"(Try a positive integer)"));
  CHECK(api.Get("/query_range?query=up&start=1&end=11002&step=1") ==
        Bad("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
            "resolution "
            "(?step=XX)"));
  CHECK(api.Get("/query_range?query=1&start=1&end=11001&step=1").substr(0, 3) == "200");
  CHECK(
      api.Get("/query_range?query=up[1m]&start=1&end=2&step=1") ==
      Bad(R"(invalid parameter \"query\": invalid expression type \"range vector\" for range query, must be Scalar )"
          R"(or instant Vector)"));
}

TEST_CASE("a lookback of the request's own") {
  Api api;
  CHECK(api.Get("/query?query=up{job=%22a%22}&time=1767225660&lookback_delta=1m") ==
        Good(R"({"resultType":"vector","result":[]})"));
  CHECK(api.Get("/query?query=up{job=%22a%22}&time=1767225660").find(R"("2")") !=
        std::string::npos);
}

TEST_CASE("what a query took and read stands beside its result") {
  Api api;
  const std::string timings =
      R"("stats":{"timings":{"evalTotalTime":0,"resultSortTime":0,"queryPreparationTime":0,)"
      R"("innerEvalTime":0,"execQueueTime":0,"execTotalTime":0},"samples":)";
  CHECK(api.Get("/query?query=sum(up)&stats=true") ==
        Good(R"({"resultType":"vector","result":[{"metric":{},"value":[1767225600,"4"]}],)" +
             timings + R"({"totalQueryableSamples":2,"samplesRead":2,"peakSamples":2}}})"));
  // A window counts whole at every step, what is read of it once.
  CHECK(api.Get("/query_range?query=sum_over_time(up{job=%22a%22}[30s])&start=1767225585&end="
                "1767225600&step=15&stats=all") ==
        Good(R"({"resultType":"matrix","result":[{"metric":{"job":"a"},"values":[[1767225585,"1"],)"
             R"([1767225600,"3"]]}],)" +
             timings + R"({"totalQueryableSamples":4,"samplesRead":3,"peakSamples":4}}})"));
  CHECK(
      api.Get("/query?query=1&time=4&stats=x%3Cy") ==
      R"(200 {"status":"success","data":{"resultType":"scalar","result":[4,"1"],)" + timings +
          R"({"totalQueryableSamples":0,"samplesRead":0,"peakSamples":1}}},"warnings":["value )"
          R"(\"x\u003cy\" for parameter \"stats\" is deprecated and will be rejected in the next )"
          R"(major release, use \"true\" or \"all\""]})");
}

TEST_CASE("scalars and strings are written by other rules than samples") {
  Api api;
  CHECK(api.Get("/query?query=1e21&time=1.5") ==
        Good(R"({"resultType":"scalar","result":[1.5,"1000000000000000000000"]})"));
  CHECK(api.Get("/query?query=vector(1e21)&time=1.5") ==
        Good(R"({"resultType":"vector","result":[{"metric":{},"value":[1.500,"1e+21"]}]})"));
  CHECK(api.Get("/query?query=%22a%3Cb%22&time=1.5") ==
        Good(R"({"resultType":"string","result":[1.5,"a\u003cb"]})"));
}

TEST_CASE("a malformed pair of a form is left out, and some endpoints say so") {
  Api api;
  CHECK(api.Get("/query?query=1%2B1&time=%zz&time=4") ==
        Good(R"({"resultType":"scalar","result":[4,"2"]})"));
  CHECK(
      api.Get("/query?query=1;time=4") ==
      Bad(R"(invalid parameter \"query\": unknown position: parse error: no expression found in input)"));
  CHECK(api.Get("/series?match[]=up&x=%zz") ==
        Bad(R"(error parsing form values: invalid URL escape \"%zz\")"));
  CHECK(api.Get("/rules?a;b") ==
        Bad("error parsing form values: invalid semicolon separator in query"));
}

TEST_CASE("a query that fails while it runs is 422") {
  Api api;
  CHECK(
      api.Get("/query?query=up*on()up").substr(0, 101) ==
      R"(422 {"status":"error","errorType":"execution","error":"found duplicate series for the match group {} )");
}

TEST_CASE("a timeout of nothing is over at once, is 503 and is counted") {
  Api api;
  const std::string answer = api.Get("/query?query=up&timeout=0");
  CHECK(answer.substr(0, 46) == R"(503 {"status":"error","errorType":"timeout","e)");
  CHECK(api.telemetry.CounterOf(telemetry::MetricId::kQueriesRefused, {"timeout"}).Value() == 1);
}

TEST_CASE("an asker who has gone ends the query") {
  Api api;
  api.request.gone = [] { return true; };
  CHECK(api.Get("/query?query=up").substr(0, 47) ==
        R"(499 {"status":"error","errorType":"canceled","e)");
  CHECK(api.telemetry.CounterOf(telemetry::MetricId::kQueriesRefused, {"canceled"}).Value() == 1);
}

TEST_CASE("without a place a query is 503") {
  Api api;
  api.options.gate = {.running = 0, .waiting = 0};
  CHECK(
      api.Get("/query?query=up") ==
      R"(503 {"status":"error","errorType":"unavailable","error":"too many queries are running, try again later )"
      R"j((--web.query-concurrency)"})j");
  CHECK(api.telemetry.CounterOf(telemetry::MetricId::kQueriesRefused, {"concurrency"}).Value() ==
        1);
  CHECK(api.Get("/status/buildinfo").substr(0, 3) == "200");
}

TEST_CASE("a query that reaches before what is kept gets a warning") {
  Api api;
  api.storage.SetOldestComplete(kStart - 300'000);
  CHECK(api.Get("/query?query=up{job=%22a%22}").find("warnings") == std::string::npos);
  CHECK(
      api.Get("/query?query=up{job=%22a%22}&time=1767225599") ==
      R"(200 {"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a"},)"
      R"("value":[1767225599,"1"]}]},"warnings":["the query reads samples from before 2025-12-31T23:55:00Z, which )"
      R"j(are no longer kept (storage.retention.time)"]})j");
  CHECK(api.Get("/query?query=1&time=4").find("warnings") == std::string::npos);
}

TEST_CASE("series, label names and label values") {
  Api api;
  CHECK(api.Get("/series?match[]=up") ==
        Good(R"([{"__name__":"up","job":"a"},{"__name__":"up","job":"b"}])"));
  CHECK(api.Get("/series?match[]=up&match[]={job=%22b%22}") ==
        Good(R"([{"__name__":"up","job":"a"},{"__name__":"up","job":"b"}])"));
  CHECK(
      api.Get("/series?match[]=up&limit=1") ==
      R"(200 {"status":"success","data":[{"__name__":"up","job":"a"}],"warnings":["results truncated due to )"
      R"(limit"]})");
  CHECK(api.Get("/labels") == Good(R"(["__name__","job","version"])"));
  CHECK(
      api.Get("/labels?match[]=up&limit=1") ==
      R"(200 {"status":"success","data":["__name__"],"warnings":["results truncated due to limit"]})");
  CHECK(api.Get("/label/job/values") == Good(R"(["a","b"])"));
  CHECK(api.Get("/label/job/values?match[]={job!=%22a%22,job!=%22%22}") == Good(R"(["b"])"));
  CHECK(api.Get("/label/__name__/values") == Good(R"(["go\u003cinfo\u003e","up"])"));
  CHECK(api.Get("/label/U__job/values") == Good(R"(["a","b"])"));
  CHECK(api.Get("/label/a%20b/values") == Good("[]"));
}

TEST_CASE("label sets are not escaped for HTML, other strings are") {
  Api api;
  CHECK(api.Get("/series?match[]={version=~%22.%2B%22}") ==
        Good(R"([{"__name__":"go<info>","version":"é<1>"}])"));
  CHECK(api.Get("/label/version/values") == Good(R"(["é\u003c1\u003e"])"));
}

TEST_CASE("selections are refused in Prometheus's words") {
  Api api;
  CHECK(api.Get("/series") == Bad("no match[] parameter provided"));
  CHECK(api.Get("/series?match[]={a=%22}") ==
        Bad(R"(invalid parameter \"match[]\": 1:4: parse error: unterminated quoted string)"));
  CHECK(
      api.Get("/series?match[]={a=%22%22}") ==
      Bad(R"(invalid parameter \"match[]\": match[] must contain at least one non-empty matcher)"));
  CHECK(api.Get("/labels?match[]={a=%22%22}") ==
        Bad("match[] must contain at least one non-empty matcher"));
  CHECK(api.Get("/label/%ff/values") == Bad(R"(invalid label name: \"\\xff\")"));
}

TEST_CASE("targets") {
  Api api;
  const std::string active =
      R"({"activeTargets":[{"discoveredLabels":{"__address__":"127.0.0.1:1","job":"dead"},"labels":{"instance":)"
      R"("127.0.0.1:1","job":"dead"},"scrapePool":"dead","scrapeUrl":"http://127.0.0.1:1/metrics","globalUrl":)"
      R"("http://127.0.0.1:1/metrics","lastError":"Get \"http://127.0.0.1:1/metrics\": connection refused",)"
      R"("lastScrape":"2026-01-01T00:00:00.461Z","lastScrapeDuration":0.000786214,"health":"down","scrapeInterval":)"
      R"("2s","scrapeTimeout":"2s"}],)";
  const std::string dropped =
      R"("droppedTargets":[{"discoveredLabels":{"__address__":"dropped:1"},"scrapePool":"dead"}],)"
      R"("droppedTargetCounts":{"dead":1}})";
  CHECK(api.Get("/targets") == Good(active + dropped));
  CHECK(api.Get("/targets?state=active") ==
        Good(active + R"("droppedTargets":[],"droppedTargetCounts":null})"));
  CHECK(api.Get("/targets?state=dropped") == Good(R"({"activeTargets":[],)" + dropped));
  CHECK(api.Get("/targets?state=active&scrapePool=x") ==
        Good(R"({"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":null})"));
}

TEST_CASE("rules") {
  Api api;
  const std::string first =
      R"j({"name":"g\u003c1\u003e","file":"a.yml","rules":[{"name":"job:up:sum","query":"sum by (job) (up)","labels":)j"
      R"({},"health":"ok","evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z","type":"recording"},{"name":)"
      R"("bad","query":"up * on () up","labels":{"team":"a<b>"},"health":"err","lastError":"twice","evaluationTime":)"
      R"(0,"lastEvaluation":"0001-01-01T00:00:00Z","type":"recording"}],"interval":2,"limit":0,"evaluationTime":0.5,)"
      R"("lastEvaluation":"0001-01-01T00:00:00Z"})";
  const std::string recording =
      R"j({"name":"x","query":"vector(1)","labels":{},"health":"ok",)j"
      R"("evaluationTime":0,"lastEvaluation":"2026-01-01T00:00:00Z","type":"recording"})";
  // What Prometheus says of an alerting rule that it has not evaluated yet, with an error beside
  // it.
  const std::string alerting =
      R"({"state":"unknown","name":"Down","query":"up == 0","duration":300,"keepFiringFor":60,"labels":)"
      R"({"s":"page"},"annotations":{"summary":"down"},"alerts":[],"health":"unknown","lastError":"not supported",)"
      R"("evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z","type":"alerting"})";
  const auto second = [](const std::string& rules) {
    return R"({"name":"g2","file":"b.yml","rules":[)" + rules +
           R"(],"interval":5,"limit":3,"evaluationTime":0,"lastEvaluation":"2026-01-01T00:00:00Z"})";
  };
  CHECK(api.Get("/rules") ==
        Good(R"({"groups":[)" + first + "," + second(recording + "," + alerting) + "]}"));
  CHECK(api.Get("/rules?rule_name[]=x") == Good(R"({"groups":[)" + second(recording) + "]}"));
  CHECK(api.Get("/rules?type=alert") == Good(R"({"groups":[)" + second(alerting) + "]}"));
  CHECK(api.Get("/rules?type=record") ==
        Good(R"({"groups":[)" + first + "," + second(recording) + "]}"));
  CHECK(api.Get("/rules?file[]=c.yml") == Good(R"({"groups":[]})"));
  CHECK(api.Get("/rules?type=x") ==
        Bad(R"(invalid parameter \"type\": not supported value \"x\")"));
  CHECK(
      api.Get("/rules?group_limit=x") ==
      Bad(R"(invalid parameter \"group_limit\": group_limit needs to be a valid number: strconv.ParseInt: )"
          R"(parsing \"x\": invalid syntax)"));
  CHECK(
      api.Get("/rules?group_next_token=1") ==
      Bad(R"(invalid parameter \"group_next_token\": group_limit needs to be present in order to paginate over )"
          R"(the groups)"));
}

TEST_CASE("rule groups come in pages") {
  Api api;
  const std::string page = api.Get("/rules?group_limit=1");
  const std::size_t at = page.find(R"("groupNextToken":")");
  REQUIRE(at != std::string::npos);
  const std::string token = page.substr(at + 18, 32);
  const std::string rest = api.Get("/rules?group_limit=1&group_next_token=" + token);
  CHECK(rest.find(R"("name":"g2")") != std::string::npos);
  CHECK(rest.find("groupNextToken") == std::string::npos);
}

TEST_CASE("metadata, alerts, build and exemplars") {
  Api api;
  CHECK(api.Get("/metadata?metric=go_goroutines") ==
        Good(R"({"go_goroutines":[{"type":"gauge","unit":"","help":"Number of goroutines."}]})"));
  CHECK(api.Get("/metadata?limit_per_metric=1&metric=up_total") ==
        Good(R"({"up_total":[{"type":"counter","unit":"","help":"A"}]})"));
  CHECK(api.Get("/metadata?limit=0") == Good("{}"));
  CHECK(api.Get("/metadata?limit=x") == Bad("limit must be a number"));
  CHECK(api.Get("/alerts") == Good(R"({"alerts":[]})"));
  CHECK(
      api.Get("/status/buildinfo") ==
      Good(
          R"({"version":"3.15.0","revision":"0.1.0","branch":"plimsoll","buildUser":"","buildDate":"",)"
          R"("goVersion":""})"));
  CHECK(api.Get("/query_exemplars?query=up") == Good("[]"));
  CHECK(api.Get("/query_exemplars?query=1") == "204 ");
  CHECK(api.Get("/query_exemplars?query=(") == Bad("1:2: parse error: unclosed left parenthesis"));
}

TEST_CASE("other paths are 404, other methods are 405") {
  Api api;
  CHECK(api.Get("/nosuch") == "404 404 page not found\n");
  CHECK(api.Get("/label//values") == "404 404 page not found\n");
  const auto response = api.Ask("DELETE", "/query");
  CHECK(response.status == 405);
  CHECK(response.body == "Method Not Allowed\n");
  CHECK(response.headers ==
        http::Pairs{{"X-Content-Type-Options", "nosniff"}, {"Allow", "GET, OPTIONS, POST"}});
  CHECK(api.Ask("POST", "/targets").status == 405);
  CHECK(api.Ask("OPTIONS", "/query").status == 204);
}

TEST_CASE("what may take long is known before it runs") {
  CHECK(PrometheusApi::IsSlow({.raw_path = "/api/v1/query"}));
  CHECK(PrometheusApi::IsSlow({.raw_path = "/api/v1/label/job/values"}));
  CHECK_FALSE(PrometheusApi::IsSlow({.raw_path = "/api/v1/status/buildinfo"}));
  CHECK_FALSE(PrometheusApi::IsSlow({.raw_path = "/metrics"}));
}

}  // namespace
}  // namespace plimsoll::serve
