// SPDX-License-Identifier: Apache-2.0
//
// Last good values as text, and from text.
#include "signals/keep.h"

#include <doctest/doctest.h>

#include "support/error_text.h"

namespace plimsoll::signals {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart = 1'767'225'600'000;  // 2026-01-01T00:00:00Z

Entry EntryOf(model::Labels labels, double value, Time source) {
  Entry entry;
  entry.labels = std::move(labels);
  entry.seen = {source + 500, 1s};
  entry.last_good = Good{value, {source, 1s}};
  return entry;
}

Snapshot OneMetric(std::vector<Entry> entries) {
  auto policy = std::make_shared<config::ExternalMetric>();
  policy->name = "m";
  Snapshot snapshot;
  Metric metric;
  metric.policy = policy;
  metric.namespaces = {"a", "b"};
  metric.entries = std::move(entries);
  snapshot.metrics = {metric};
  snapshot.BuildIndex();
  return snapshot;
}

std::string ErrorOf(std::string_view text) {
  const auto kept = RestoreKept(text, "f", {});
  return kept ? "" : kept.error().ToString();
}

}  // namespace

TEST_CASE("a last good value reads back with its labels, and its age goes on") {
  const auto before =
      OneMetric({EntryOf({{"q", "x\"\\\xC3\xA9"}}, 0.1, kStart), EntryOf({}, 1e300, kStart + 1)});
  const Moment now{kStart + 30000, 7s};  // of another process: its steady clock began anew
  const auto kept = RestoreKept(KeptText(before), "f", now);
  REQUIRE_MESSAGE(kept.has_value(), test::ErrorText(kept));
  for (const char* name_space : {"a", "b"}) {
    const Metric* metric = (*kept)->Find(name_space, "m");
    REQUIRE(metric != nullptr);
    REQUIRE(metric->entries.size() == 2);
    const Entry& entry = metric->entries[0];
    CHECK_FALSE(entry.present);
    CHECK(entry.labels == model::Labels{{"q", "x\"\\\xC3\xA9"}});
    CHECK(*entry.last_good == Good{0.1, {kStart, 7s - 30s}});
    CHECK(entry.seen == Moment{kStart + 500, 7s - 29500ms});
    CHECK(metric->entries[1].last_good->value == 1e300);
  }
}

TEST_CASE("a clock that was set back makes a value as old as now and no younger") {
  const auto kept =
      RestoreKept(KeptText(OneMetric({EntryOf({}, 1, kStart)})), "f", {kStart - 5000, 7s});
  REQUIRE(kept.has_value());
  CHECK((*kept)->metrics[0].entries[0].last_good->source.steady == 7s);
}

TEST_CASE("what has no last good value is not kept") {
  Entry entry = EntryOf({}, 1, kStart);
  entry.last_good.reset();
  CHECK(KeptText(OneMetric({entry})) == "");
  CHECK(KeptText({}) == "");
  const auto kept = RestoreKept("", "f", {});
  REQUIRE(kept.has_value());
  CHECK((*kept)->metrics.empty());
}

TEST_CASE("a text that says something else is an error with its file") {
  CHECK(ErrorOf("{").starts_with("f:1:"));
  CHECK(ErrorOf("[]") == "f: expected {\"external\":[...]} behind the last samples");
  CHECK(ErrorOf(R"({"external":[{"name":"m"}]})") ==
        "f: an external metric that was kept is not understood: \"m\"");
  CHECK(
      ErrorOf(
          R"({"external":[{"name":"m","namespaces":["n"],"series":[{"labels":{},"value":"x","source":1,"seen":1}]}]})") ==
      "f: an external metric that was kept is not understood: \"m\"");
}

}  // namespace plimsoll::signals
