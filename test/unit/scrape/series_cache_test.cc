// SPDX-License-Identifier: Apache-2.0
#include "scrape/series_cache.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using plimsoll::scrape::SeriesCache;

namespace {
// One scrape of these series; each new one gets a ref.
void Scrape(SeriesCache& cache, const std::vector<std::string>& series) {
  static plimsoll::store::SeriesRef next = 0;
  cache.Begin();
  for (const std::string& name : series) {
    bool repeated = false;
    auto& entry = cache.Find(name, repeated);
    if (entry.ref == 0) entry.ref = ++next;
  }
}
std::vector<std::string> Vanished(SeriesCache& cache) {
  std::vector<std::string> names;
  cache.ForEachVanished([&](SeriesCache::Entry& entry) { names.emplace_back(entry.key()); });
  return names;
}
plimsoll::store::SeriesRef RefOf(SeriesCache& cache, std::string_view name) {
  bool repeated = false;
  return cache.Find(name, repeated).ref;
}
}  // namespace

TEST_CASE("a series keeps its ref in whatever order the page comes") {
  SeriesCache cache;
  Scrape(cache, {"a", "b", "c"});
  cache.Accept();
  cache.Begin();
  const auto c = RefOf(cache, "c");
  const auto a = RefOf(cache, "a");
  cache.Accept();
  cache.Begin();
  CHECK(RefOf(cache, "a") == a);
  CHECK(RefOf(cache, "c") == c);
  CHECK(a != c);
}

TEST_CASE("what the last page had and this one has not has vanished, once") {
  SeriesCache cache;
  Scrape(cache, {"a", "b"});
  cache.Accept();
  Scrape(cache, {"b", "c"});
  CHECK(Vanished(cache) == std::vector<std::string>{"a"});
  cache.Accept();
  Scrape(cache, {"b", "c"});
  CHECK(Vanished(cache).empty());
}

TEST_CASE("a series that stands twice on a page is noticed") {
  SeriesCache cache;
  cache.Begin();
  bool repeated = false;
  cache.Find("a", repeated);
  CHECK_FALSE(repeated);
  cache.Find("a", repeated);
  CHECK(repeated);
}

TEST_CASE("a rejected page takes its new refs back and leaves the order of the page before") {
  SeriesCache cache;
  Scrape(cache, {"a"});
  cache.Accept();
  cache.Begin();
  bool repeated = false;
  auto& entry = cache.Find("new", repeated);
  entry.ref = 99;
  cache.NoteCreated(entry);
  cache.Reject();
  CHECK(RefOf(cache, "new") == 0);
  std::vector<std::string> last;
  cache.ForEachLast([&](SeriesCache::Entry& e) { last.emplace_back(e.key()); });
  CHECK(last == std::vector<std::string>{"a"});
}

TEST_CASE("series that do not come back are forgotten, and the others keep their bytes and refs") {
  SeriesCache cache;
  std::vector<std::string> many;
  for (int i = 0; i < 1000; ++i) many.push_back("pod_" + std::to_string(i) + std::string(300, 'x'));
  many.emplace_back("stays");
  Scrape(cache, many);
  cache.Accept();
  bool repeated = false;
  cache.Begin();
  const auto ref = cache.Find("stays", repeated).ref;
  cache.Accept();
  CHECK(cache.size() == 1);
  cache.Begin();
  CHECK(RefOf(cache, "stays") == ref);
}
