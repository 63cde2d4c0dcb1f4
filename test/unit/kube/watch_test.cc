// SPDX-License-Identifier: Apache-2.0
//
// One object from now on: what is asked after each way in which a list or a watch can end.
#include "kube/watch.h"

#include <doctest/doctest.h>

#include "kube/detail/watch_event.h"
#include "support/fake_api.h"
#include "support/fake_clock.h"

namespace plimsoll::kube {
namespace {

using namespace std::chrono_literals;
using base::Error;
using Words = std::vector<std::string>;

std::string Object(const std::string& version, const std::string& value) {
  return R"({"metadata":{"name":"n","resourceVersion":")" + version + R"("},"data":{"v":")" +
         value + R"("}})";
}
std::string List(const std::string& version, const std::string& items) {
  return R"({"kind":"ConfigMapList","metadata":{"resourceVersion":")" + version +
         R"("},"items":[)" + items + "]}";
}
std::string Event(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}
const std::string kGone =
    Event("ERROR", R"({"kind":"Status","code":410,"message":"too old resource version"})");

struct Desk {
  explicit Desk(WatchLimits limits = {}) {
    ObjectWatch::Options options;
    options.collection = "/api/v1/namespaces/s/configmaps";
    options.name = "n";
    options.changed = [this](const document::Json* object) {
      seen.push_back(object == nullptr ? "none" : std::string(*object->Find("data")->String("v")));
    };
    options.trouble = [this](const Error* error) {
      seen.push_back(error == nullptr ? "well again" : "trouble: " + error->message);
    };
    options.random = [] { return 0.5; };
    options.clock = &clock;
    options.limits = limits;
    watch = std::make_unique<ObjectWatch>(server.Client(&telemetry), &telemetry, options);
    watch->Start();
  }
  // "list after 0" or "watch of 5 after 1200".
  std::string Asked() const {
    if (server.asked.size() != 1) return std::to_string(server.asked.size()) + " requests";
    const std::string& url = server.Front().url;
    const std::string after = " after " + std::to_string(server.Front().delay.count());
    const std::size_t version = url.find("resourceVersion=");
    if (version == std::string::npos) return "list" + after;
    return "watch of " + url.substr(version + 16, url.find('&', version) - version - 16) + after;
  }
  Words Seen() { return std::exchange(seen, {}); }

  test::FakeClock clock;
  telemetry::Telemetry telemetry;
  test::FakeApi server;
  Words seen;
  std::unique_ptr<ObjectWatch> watch;
};

TEST_CASE("it lists one object by name, then watches from the list's version") {
  Desk desk;
  CHECK(desk.server.Front().url ==
        "https://api/api/v1/namespaces/s/configmaps?fieldSelector=metadata.name%3Dn");
  desk.server.Answer(200, List("5", Object("3", "a")));
  CHECK(desk.Seen() == Words{"a"});
  CHECK(desk.server.Front().url ==
        "https://api/api/v1/namespaces/s/configmaps?fieldSelector=metadata.name%3Dn&watch=1"
        "&allowWatchBookmarks=true&resourceVersion=5&timeoutSeconds=90");
  CHECK(desk.server.Front().timeout == 105s);
  CHECK_FALSE(desk.server.Front().accept_gzip);
}

TEST_CASE("changes are told as they come, whatever the pieces") {
  Desk desk;
  desk.server.Answer(200, List("5", ""));
  CHECK(desk.Seen() == Words{"none"});
  const std::string all = Event("ADDED", Object("6", "a")) + "\n" +
                          Event("MODIFIED", Object("7", "b")) + Event("DELETED", Object("8", "b"));
  for (const char& byte : all) CHECK(desk.server.Piece({&byte, 1}));
  CHECK(desk.Seen() == Words{"a", "b", "none"});
  desk.server.Answer(200, "");
  CHECK(desk.Asked() == "watch of 8 after 0");
}

TEST_CASE("a bookmark moves the version and changes nothing") {
  Desk desk;
  desk.server.Answer(200, List("5", Object("3", "a")));
  desk.Seen();
  desk.server.Piece(Event("BOOKMARK", R"({"metadata":{"resourceVersion":"9"}})"));
  CHECK(desk.seen.empty());
  desk.clock.Advance(90s);
  desk.server.Answer(200, "");
  CHECK(desk.Asked() == "watch of 9 after 0");
}

TEST_CASE("another object's events are not ours") {
  Desk desk;
  desk.server.Answer(200, List("5", R"({"metadata":{"name":"other"},"data":{"v":"x"}})"));
  CHECK(desk.Seen() == Words{"none"});
  desk.server.Piece(
      Event("ADDED", R"({"metadata":{"name":"other","resourceVersion":"6"},"data":{"v":"x"}})"));
  CHECK(desk.seen.empty());
}

TEST_CASE("a watch that ends in time goes on at once, however often") {
  Desk desk;
  desk.server.Answer(200, List("5", ""));
  for (int i = 0; i < 5; ++i) {
    desk.clock.Advance(90s);
    desk.server.Answer(200, "");
    CHECK(desk.Asked() == "watch of 5 after 0");
  }
}

TEST_CASE("watches that end at once are asked for ever more slowly") {
  Desk desk;
  desk.server.Answer(200, List("5", ""));
  desk.server.Answer(200, "");
  CHECK(desk.Asked() == "watch of 5 after 1200");
}

TEST_CASE("410 Gone lists again at once, and a second one waits") {
  Desk desk;
  desk.server.Answer(200, List("5", Object("3", "a")));
  CHECK_FALSE(desk.server.Piece(kGone));
  desk.server.Fail(Error::Kind::kCanceled, "stopped by the reader");
  CHECK(desk.Asked() == "list after 0");
  desk.server.Answer(200, List("9", Object("3", "a")));
  CHECK(desk.Asked() == "watch of 9 after 0");
  desk.server.Answer(410, R"({"kind":"Status","code":410})");
  CHECK(desk.Asked() == "list after 1200");
  CHECK(desk.Seen() == Words{"a", "a"});
}

TEST_CASE("failures in a row wait twice as long, up to the longest, with jitter") {
  Desk desk;
  std::string waits;
  for (int i = 0; i < 8; ++i) {
    desk.server.Fail(Error::Kind::kUnavailable, "refused");
    waits += desk.Asked() + "; ";
  }
  CHECK(waits ==
        "list after 1200; list after 2400; list after 4800; list after 9600; list after 19200; "
        "list after 38400; list after 45000; list after 45000; ");
  CHECK(desk.Seen() == Words(8, "trouble: refused"));
  desk.server.Answer(200, List("5", ""));
  CHECK(desk.Seen() == Words{"well again", "none"});
  desk.server.Fail(Error::Kind::kUnavailable, "cut off");
  CHECK(desk.Asked() == "watch of 5 after 1200");
}

TEST_CASE("a watch that may not be is not mended by lists that may") {
  Desk desk;
  desk.server.Answer(200, List("5", Object("3", "a")));
  desk.Seen();
  desk.server.Answer(403, R"({"message":"cannot watch"})");
  CHECK(desk.Seen() == Words{"trouble: the API server answered 403: cannot watch"});
  CHECK(desk.Asked() == "list after 1200");
  desk.server.Answer(200, List("5", Object("3", "a")));
  CHECK(desk.Seen() == Words{"a"});
  desk.server.Answer(403, R"({"message":"cannot watch"})");
  CHECK(desk.Asked() == "list after 2400");
}

TEST_CASE("a watch that is answered is well before its first event") {
  Desk desk;
  desk.server.Answer(200, List("5", Object("3", "a")));
  desk.server.Answer(503, R"({"message":"not now"})");
  CHECK(desk.Seen() == Words{"a", "trouble: the API server answered 503: not now"});
  desk.server.Answer(200, List("5", Object("3", "a")));
  CHECK(desk.Seen() == Words{"a"});
  desk.server.Begin();
  CHECK(desk.Seen() == Words{"well again"});
}

TEST_CASE("watches that are answered and cut off are asked for ever more slowly") {
  Desk desk;
  desk.server.Answer(200, List("5", ""));
  std::string waits;
  for (int i = 0; i < 3; ++i) {
    desk.server.Begin();
    desk.server.Fail(Error::Kind::kUnavailable, "cut off");
    waits += desk.Asked() + "; ";
  }
  CHECK(waits == "watch of 5 after 1200; watch of 5 after 2400; watch of 5 after 4800; ");
  CHECK(desk.Seen() == Words{"none", "trouble: cut off", "well again", "trouble: cut off",
                             "well again", "trouble: cut off"});
}

TEST_CASE("a watch that nobody ends is given up and begun again where it was") {
  Desk desk;
  desk.server.Answer(200, List("5", ""));
  desk.server.Fail(Error::Kind::kTimeout, "context deadline exceeded");
  CHECK(desk.Asked() == "watch of 5 after 1200");
}

TEST_CASE("an event of the longest length is read, a longer one ends the watch") {
  const std::string event = Event("MODIFIED", Object("6", "b"));
  Desk desk({.line_bytes = event.size() - 1});
  desk.server.Answer(200, List("5", Object("3", "a")));
  CHECK(desk.server.Piece(event));
  CHECK(desk.Seen() == Words{"a", "b"});
  CHECK_FALSE(desk.server.Piece("x" + event));
  desk.server.Fail(Error::Kind::kCanceled, "stopped by the reader");
  CHECK(desk.Asked() == "list after 1200");
  CHECK(desk.telemetry.CounterOf(telemetry::MetricId::kKubeRefused, {"watch_line_bytes"}).Value() ==
        1);
}

TEST_CASE("a line that is no event ends the watch") {
  for (const char* line : {"{\n", "[]\n", "{}\n", "{\"type\":\"OTHER\",\"object\":{}}\n",
                           "{\"type\":\"ADDED\"}\n", "{\"type\":\"ADDED\",\"object\":{}}\n"}) {
    CAPTURE(line);
    Desk desk;
    desk.server.Answer(200, List("5", ""));
    CHECK_FALSE(desk.server.Piece(line));
    desk.server.Fail(Error::Kind::kCanceled, "stopped by the reader");
    CHECK(desk.Asked() == "list after 1200");
    CHECK(desk.telemetry.CounterOf(telemetry::MetricId::kKubeRefused, {"watch_event"}).Value() ==
          1);
  }
}

TEST_CASE("a list that is none is trouble") {
  Desk desk;
  desk.server.Answer(200, "{}");
  CHECK(desk.Seen() == Words{"trouble: list: expected a resourceVersion"});
  desk.server.Answer(200, R"({"metadata":{"resourceVersion":"1"},"items":{}})");
  CHECK(desk.Seen() == Words{"trouble: list: expected a list of items"});
}

TEST_CASE("after the watch is gone nobody is told") {
  Desk desk;
  desk.server.Answer(200, List("5", ""));
  desk.Seen();
  desk.watch.reset();
  CHECK(desk.server.canceled == std::vector<http::FetchId>{2});
  CHECK_FALSE(desk.server.Piece(Event("ADDED", Object("6", "a"))));
  desk.server.Answer(200, "");
  CHECK(desk.seen.empty());
  CHECK(desk.server.asked.empty());
}

}  // namespace
}  // namespace plimsoll::kube
