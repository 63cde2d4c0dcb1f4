// SPDX-License-Identifier: Apache-2.0
//
// Selecting by matchers, compared with looking at every series.
#include <algorithm>
#include <random>

#include "store_fixture.h"

namespace plimsoll::store {
namespace {

Matcher Make(Matcher::Type type, std::string name, std::string value) {
  auto matcher = Matcher::Make(type, std::move(name), std::move(value));
  REQUIRE(matcher.has_value());
  return *matcher;
}

std::vector<Labels> Selected(const MemoryStore& store, const model::Matchers& matchers) {
  std::vector<Labels> labels;
  const auto querier = store.Open();
  for (const auto& series : querier->Select(matchers, kMin, kMax)) labels.push_back(*series.labels);
  return labels;
}

TEST_CASE("selection is sorted by labels, across batches") {
  MemoryStore store;
  for (const char* name : {"c", "a", "d", "b", "e", "aa"}) Put(store, Named(name), 1, 1);
  std::vector<std::string> names;
  for (const Labels& labels : Selected(store, {})) names.emplace_back(labels.MetricName());
  CHECK(names == std::vector<std::string>{"a", "aa", "b", "c", "d", "e"});
}

TEST_CASE("series without samples in the range may be left out, those with one never") {
  MemoryStore store;
  Put(store, Named("old"), 1000, 1);
  Put(store, Named("new"), 5000, 1);
  const auto querier = store.Open();
  const auto selected = querier->Select({}, 2000, 6000);
  REQUIRE(selected.size() == 1);
  CHECK(selected[0].labels->MetricName() == "new");
}

TEST_CASE("an empty value matches a missing label") {
  MemoryStore store;
  Put(store, Labels{{"__name__", "m"}, {"a", "1"}}, 1, 1);
  Put(store, Labels{{"__name__", "m"}}, 1, 1);
  using Type = Matcher::Type;
  CHECK(Selected(store, {Make(Type::kEqual, "a", "")}).size() == 1);
  CHECK(Selected(store, {Make(Type::kNotEqual, "a", "")}).size() == 1);
  CHECK(Selected(store, {Make(Type::kNotEqual, "a", "2")}).size() == 2);
  CHECK(Selected(store, {Make(Type::kRegex, "a", "1?")}).size() == 2);
  CHECK(Selected(store, {Make(Type::kEqual, "nowhere", "x")}).empty());
}

TEST_CASE("any matchers select what looking at every series selects") {
  std::mt19937 random(42);
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  MemoryStore store;
  std::vector<Labels> all;
  for (int batch = 0; batch < 30; ++batch) {
    store.appender().Begin(1000);
    for (int i = 0; i < 40; ++i) {
      model::LabelsBuilder builder;
      builder.Set("__name__", Numbered("m", pick(4)));
      builder.Set("id", std::to_string(pick(400)));
      if (pick(3) != 0) builder.Set("x", std::string(1, static_cast<char>('a' + pick(3))));
      if (pick(9) == 0) builder.Set("y", Numbered("rare", pick(5)));
      const Labels labels = builder.Build();
      const Resolved resolved = store.appender().Resolve(labels);
      if (resolved.created) all.push_back(labels);
      store.appender().Append(resolved.ref, 1000, 1);
    }
    store.appender().Commit();
  }
  std::sort(all.begin(), all.end());
  const std::string names[] = {"__name__", "id", "x", "y", "z"};
  const std::string values[] = {"",  "m1", "m2",    "a",     "b",      "17",
                                "9", "",   "rare1", "rare2", "absent", "m"};
  const std::string regexes[] = {"",    ".*", ".+",        "m1|m2", "m[12]",  "a|b",
                                 "1.*", "a?", "rare[1-3]", "a|",    "absent", "[0-9]"};
  for (int round = 0; round < 1000; ++round) {
    model::Matchers matchers;
    for (int i = pick(4); i >= 0; --i) {
      const auto type = static_cast<Matcher::Type>(pick(4));
      const bool regex = type == Matcher::Type::kRegex || type == Matcher::Type::kNotRegex;
      matchers.push_back(Make(type, names[pick(5)], regex ? regexes[pick(12)] : values[pick(12)]));
    }
    std::vector<Labels> expected;
    for (const Labels& labels : all) {
      if (model::MatchesAll(matchers, labels)) expected.push_back(labels);
    }
    REQUIRE(Selected(store, matchers) == expected);
  }
}

}  // namespace
}  // namespace plimsoll::store
