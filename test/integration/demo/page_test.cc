// SPDX-License-Identifier: Apache-2.0
//
// The simulated coordinator over a real socket, against the page that a real one gave.
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>

#include "base/guarded.h"
#include "demo/simulated_trino.h"
#include "doctest/doctest.h"
#include "integration/http/server_fixture.h"
#include "support/fake_clock.h"

using namespace plimsoll;  // NOLINT: a test names many of its things

namespace {

// The lines that declare families, the optimizer's apart: which of them are there says nothing.
std::set<std::string> Families(std::istream& page) {
  std::set<std::string> families;
  for (std::string line; std::getline(page, line);) {
    if (line.rfind("# TYPE ", 0) == 0 && line.find("IterativeOptimizer") == std::string::npos) {
      families.insert(line);
    }
  }
  return families;
}

std::string Get(const std::string& path, const std::string& headers) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "Connection: close\r\n\r\n";
}

const std::string kUser = "X-Trino-User: test\r\n";

struct Served {
  test::FakeClock clock{1'700'000'000'000};
  std::shared_ptr<base::Guarded<demo::SimulatedTrino>> trino;
  std::unique_ptr<test::TestServer> server;

  explicit Served(demo::TrinoOptions options = {}) {
    trino = std::make_shared<base::Guarded<demo::SimulatedTrino>>(
        demo::SimulatedTrino(options, clock.Now()));
    server = std::make_unique<test::TestServer>(test::ServerKind::kCivet,
                                                demo::ServeTrino(trino, clock));
    REQUIRE(server->started);
  }
};

}  // namespace

TEST_CASE("the served page declares the families of a recorded one, and one more for restarts") {
  Served served;
  std::ifstream file(PLIMSOLL_SOURCE_ROOT
                     "/test/fixtures/trino-483/06-running-1w/metrics-filtered.prom");
  REQUIRE(file.good());
  std::set<std::string> recorded = Families(file);
  recorded.insert("# TYPE io_airlift_node_name_NodeInfo_StartTime gauge");

  const auto answer = served.server->Ask(Get("/metrics", kUser));
  CHECK(answer.status == 200);
  CHECK(answer.Header("Content-Type") ==
        "application/openmetrics-text;charset=utf-8;version=1.0.0");
  std::istringstream page(answer.body);
  CHECK(Families(page) == recorded);
}

TEST_CASE("a scraper without a name or with a narrow Accept is refused as Trino refuses it") {
  Served served;
  const auto nameless = served.server->Ask(Get("/metrics", ""));
  CHECK(nameless.status == 401);
  CHECK(nameless.Header("WWW-Authenticate") == "Basic realm=\"Trino\"");
  CHECK(nameless.body ==
        "Basic authentication or X-Trino-Original-User or X-Trino-User must be sent");
  CHECK(served.server->Ask(Get("/metrics", kUser + "Accept: text/plain\r\n")).status == 406);
}

TEST_CASE("time passes between two requests by the clock alone") {
  demo::TrinoOptions options;
  options.load = {60, 60, std::chrono::minutes(1)};
  Served served(options);
  const std::string submitted =
      Get("/metrics?name[]=trino_execution_name_QueryManager_SubmittedQueries", kUser);
  const std::string before = served.server->Ask(submitted).body;
  CHECK(served.server->Ask(submitted).body == before);
  served.clock.Advance(std::chrono::seconds(10));
  CHECK(served.server->Ask(submitted).body ==
        "# TYPE trino_execution_name_QueryManager_SubmittedQueries counter\n"
        "trino_execution_name_QueryManager_SubmittedQueries 10\n# EOF\n");
}
