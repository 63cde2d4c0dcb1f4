// SPDX-License-Identifier: Apache-2.0
//
// A collection from now on: pages of a list, then changes. What follows each end of a list or a
// watch is tested on one object (watch_test.cc), which is a collection too.
#include "kube/collection_watch.h"

#include <doctest/doctest.h>

#include "support/fake_api.h"
#include "support/fake_clock.h"

namespace plimsoll::kube {
namespace {

using Words = std::vector<std::string>;

std::string Object(const std::string& name) {
  return R"({"metadata":{"name":")" + name + R"(","resourceVersion":"7"}})";
}
std::string List(const std::string& items, const std::string& rest = "") {
  return R"({"metadata":{"resourceVersion":"5","continue":")" + rest + R"("},"items":[)" + items +
         "]}";
}

struct Desk {
  Desk() {
    CollectionWatch::Options options;
    options.collection = "/api/v1/pods";
    options.query = "labelSelector=a%3Db";
    options.page = 2;
    options.listed = [this](const std::vector<document::Json>& objects, bool first, bool last) {
      std::string text = first ? "[" : "+";
      for (const auto& object : objects) text += object.At("metadata", "name")->text;
      seen.push_back(text + (last ? "]" : ""));
    };
    options.changed = [this](const document::Json& object, bool gone) {
      seen.push_back((gone ? "-" : "") + object.At("metadata", "name")->text);
    };
    options.trouble = [this](const base::Error* error) {
      seen.push_back(error == nullptr ? "well" : "trouble");
    };
    options.random = [] { return 0.0; };
    options.clock = &clock;
    watch = std::make_unique<CollectionWatch>(server.Client(), &telemetry, options);
    watch->Start();
  }

  double Refused(std::string_view reason) {
    return telemetry.CounterOf(telemetry::MetricId::kKubeRefused, {reason}).Value();
  }

  test::FakeClock clock;
  telemetry::Telemetry telemetry;
  test::FakeApi server;
  Words seen;
  std::unique_ptr<CollectionWatch> watch;
};

TEST_CASE("a list comes page by page, then the watch begins at its version") {
  Desk desk;
  CHECK(desk.server.Front().url == "https://api/api/v1/pods?labelSelector=a%3Db&limit=2");
  desk.server.Answer(200, List(Object("a") + "," + Object("b"), "t/1"));
  CHECK(desk.server.Front().url ==
        "https://api/api/v1/pods?labelSelector=a%3Db&limit=2&continue=t%2F1");
  desk.server.Answer(200, List(Object("c")));
  CHECK(desk.seen == Words{"[ab", "+c]"});
  CHECK(desk.server.Front().url ==
        "https://api/api/v1/pods?labelSelector=a%3Db&watch=1&allowWatchBookmarks=true"
        "&resourceVersion=5&timeoutSeconds=60");
  desk.server.Piece(R"({"type":"ADDED","object":)" + Object("d") + "}\n");
  desk.server.Piece(R"({"type":"DELETED","object":)" + Object("a") + "}\n");
  CHECK(desk.seen == Words{"[ab", "+c]", "d", "-a"});
}

TEST_CASE("a list whose rest is gone begins anew") {
  Desk desk;
  desk.server.Answer(200, List(Object("a"), "t"));
  desk.server.Answer(410, R"({"kind":"Status","code":410,"message":"expired"})");
  CHECK(desk.server.Front().url == "https://api/api/v1/pods?labelSelector=a%3Db&limit=2");
  desk.server.Answer(200, List(Object("b")));
  CHECK(desk.seen == Words{"[a", "trouble", "well", "[b]"});
}

TEST_CASE("a list that breaks off behind its first page is asked for ever more slowly") {
  Desk desk;
  std::string waits;
  for (int i = 0; i < 3; ++i) {
    desk.server.Answer(200, List(Object("a"), "t"));
    desk.server.Fail(base::Error::Kind::kUnavailable, "cut off");
    waits += std::to_string(desk.server.Front().delay.count()) + " ";
  }
  CHECK(waits == "800 1600 3200 ");
  CHECK(desk.seen == Words{"[a", "trouble", "[a", "trouble", "[a", "trouble"});
  desk.server.Answer(200, List(Object("a"), "t"));
  desk.server.Answer(200, List(Object("b")));
  CHECK(desk.seen.back() == "+b]");
  CHECK(desk.seen[desk.seen.size() - 2] == "well");
}

TEST_CASE(
    "a page that is too large is halved at once; a single object that is too large is trouble") {
  Desk desk;
  desk.server.Answer(200, List(Object("a") + "," + Object("b"), "t"));
  desk.server.Fail(base::Error::Kind::kLimit, "body size limit exceeded");
  CHECK(desk.server.Front().url == "https://api/api/v1/pods?labelSelector=a%3Db&limit=1");
  CHECK(desk.server.Front().delay.count() == 0);
  CHECK(desk.seen == Words{"[ab"});
  CHECK(desk.Refused("list_bytes") == 1);
  desk.server.Fail(base::Error::Kind::kLimit, "body size limit exceeded");
  CHECK(desk.server.Front().delay.count() == 800);
  CHECK(desk.seen == Words{"[ab", "trouble"});
  CHECK(desk.Refused("list_bytes") == 1);
  desk.server.Answer(200, List(Object("a")));
  CHECK(desk.seen == Words{"[ab", "trouble", "well", "[a]"});
}

}  // namespace
}  // namespace plimsoll::kube
