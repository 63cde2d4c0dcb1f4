// SPDX-License-Identifier: Apache-2.0
//
// /federate: pages as a Prometheus 3.15 server was seen to write them, and in OpenMetrics too.
#include "api_under_test.h"

namespace plimsoll::serve {
namespace {

TEST_CASE("the newest sample, under its own time, with the external labels and an empty instance") {
  Api api;
  api.storage.Add({{"__name__", "up"}, {"instance", "i"}, {"site", "own"}}, kStart - 1000, 5);
  CHECK(api.Get("/federate?match[]=up") ==
        "200 # TYPE up untyped\n"
        "up{instance=\"i\",site=\"own\"} 5 1767225599000\n"
        "up{job=\"a\",instance=\"\",site=\"s\"} 2 1767225600000\n"
        "up{job=\"b\",instance=\"\",site=\"s\"} 2 1767225600000\n");
}

TEST_CASE("series that several selectors find stand there once, sorted by name") {
  Api api;
  api.storage.Add({{"__name__", "a"}, {"job", "b"}}, kStart, 1e6);
  CHECK(api.Get("/federate?match[]={job=%22b%22}&match[]=up") ==
        "200 # TYPE a untyped\n"
        "a{job=\"b\",instance=\"\",site=\"s\"} 1e+06 1767225600000\n"
        "# TYPE up untyped\n"
        "up{job=\"a\",instance=\"\",site=\"s\"} 2 1767225600000\n"
        "up{job=\"b\",instance=\"\",site=\"s\"} 2 1767225600000\n");
}

TEST_CASE("without a selector the page is empty") {
  Api api;
  CHECK(api.Get("/federate") == "200 ");
}

TEST_CASE("what is older than the lookback, stale, or has no name is left out") {
  Api api;
  api.storage.Add({{"__name__", "old"}}, kStart - 300'001, 1);
  api.storage.Add({{"__name__", "just"}}, kStart - 300'000, 1);
  api.storage.Add({{"__name__", "gone"}}, kStart - 2, 1);
  api.storage.Add({{"__name__", "gone"}}, kStart - 1, model::StaleNaN());
  api.storage.Add({{"nameless", "x"}}, kStart, 1);
  api.storage.Add({{"__name__", "zero"}}, kStart, -0.0);  // a zero loses its sign
  CHECK(api.Get("/federate?match[]=zero") ==
        "200 # TYPE zero untyped\nzero{instance=\"\",site=\"s\"} 0 1767225600000\n");
  CHECK(api.Get("/federate?match[]={__name__=~%22old|just|gone%22}&match[]={nameless=%22x%22}") ==
        "200 # TYPE just untyped\njust{instance=\"\",site=\"s\"} 1 1767225300000\n");
}

TEST_CASE("a selector that does not parse is refused in plain text") {
  Api api;
  const auto response = api.Ask("GET", "/federate?match[]={a=");
  CHECK(response.status == 400);
  CHECK(response.content_type == "text/plain; charset=utf-8");
  CHECK(response.body == "1:4: parse error: unexpected end of input inside braces\n");
}

TEST_CASE("names of any UTF-8 are spelled as Accept asks") {
  Api api;
  api.storage.Add({{"__name__", "a.b"}, {"c d", "e"}}, kStart, 1);
  const auto ask = [&](const char* accept) {
    api.request.headers = {{"Accept", accept}};
    const auto response = api.Ask("GET", "/federate?match[]={%22a.b%22}");
    return response.content_type + "\n" + response.body;
  };
  const std::string text = "text/plain; version=0.0.4; charset=utf-8; escaping=";
  const std::string rest = ",instance=\"\",site=\"s\"} 1 1767225600000\n";
  CHECK(ask("") == text + "underscores\n# TYPE a_b untyped\na_b{c_d=\"e\"" + rest);
  CHECK(ask("text/plain;version=0.0.4;escaping=allow-utf-8") ==
        text + "allow-utf-8\n# TYPE \"a.b\" untyped\n{\"a.b\",\"c d\"=\"e\"" + rest);
  CHECK(ask("text/plain;escaping=dots") ==
        text + "dots\n# TYPE a_dot_b untyped\na_dot_b{c__d=\"e\"" + rest);
  CHECK(ask("application/x-unknown;escaping=values,*/*;q=0.5") ==
        text + "values\n# TYPE U__a_2e_b untyped\nU__a_2e_b{U__c_20_d=\"e\"" + rest);
}

TEST_CASE("OpenMetrics for those who like it better") {
  Api api;
  api.request.headers = {{"Accept",
                          "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                          "application/openmetrics-text;version=0.0.1;q=0.5,text/"
                          "plain;version=0.0.4;q=0.3,*/*;q=0.2"}};
  const auto response = api.Ask("GET", "/federate?match[]=up{job=%22a%22}");
  CHECK(response.content_type ==
        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8");
  CHECK(response.body ==
        "# TYPE up unknown\nup{job=\"a\",instance=\"\",site=\"s\"} 2 1767225600\n# EOF\n");
}

TEST_CASE("other methods are refused, and scripts of other pages get no permission") {
  Api api;
  const auto response = api.Ask("POST", "/federate?match[]=up");
  CHECK(response.status == 405);
  CHECK(response.headers ==
        http::Pairs{{"X-Content-Type-Options", "nosniff"}, {"Allow", "GET, OPTIONS"}});
  CHECK(api.Ask("GET", "/federate?match[]=up").headers == http::Pairs{{"Vary", "Accept-Encoding"}});
}

}  // namespace
}  // namespace plimsoll::serve
