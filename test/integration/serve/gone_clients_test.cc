// SPDX-License-Identifier: Apache-2.0
//
// A query whose client has gone makes room for the next one, on every server.
#include <doctest/doctest.h>

#include <atomic>
#include <future>

#include "http/message.h"
#include "integration/http/server_fixture.h"
#include "serve/prometheus_api.h"
#include "store/memory_store.h"
#include "unit/serve/api_under_test.h"

using namespace plimsoll;  // NOLINT: a test names many of its things
using namespace std::chrono_literals;

namespace {

// One series, few enough samples, and minutes of sorting.
constexpr std::string_view kLong =
    "/api/v1/query_range?start=0&end=11000&step=1&query="
    "quantile_over_time(0.5,(vector(time())%25100)[100000s:1s])";

std::string Get(std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

}  // namespace

TEST_CASE("a client that closes during a long query frees its place") {
  for (const test::ServerKind kind : test::kEveryServer) {
    store::MemoryStore storage;
    serve::OneTarget status;
    telemetry::Telemetry telemetry;
    const serve::PrometheusApi api(storage, status, base::SystemClock(), &telemetry,
                                   {.gate = {.running = 1, .patience = 100s}});
    std::promise<void> entered;
    std::atomic<int> handled = 0;
    http::ServerOptions options;
    options.slow = &serve::PrometheusApi::IsSlow;
    test::TestServer server(
        kind,
        [&](const http::Request& request) {
          if (handled++ == 0) entered.set_value();
          return api.Handle(request);
        },
        options);
    auto client = server.Connect();
    client->Send(Get(kLong));
    entered.get_future().wait();
    client.reset();
    // The first of these may still come before the long one has taken its place.
    const auto canceled = [&] {
      return telemetry.CounterOf(telemetry::MetricId::kQueriesRefused, {"canceled"}).Value();
    };
    for (int asked = 0; canceled() == 0 && asked < 1000; ++asked) {
      const test::RawAnswer answer = server.Ask(Get("/api/v1/query?time=4&query=1%2B1"));
      REQUIRE(answer.status == 200);
      REQUIRE(answer.body ==
              R"({"status":"success","data":{"resultType":"scalar","result":[4,"2"]}})");
    }
    CHECK(canceled() == 1);
  }
}
