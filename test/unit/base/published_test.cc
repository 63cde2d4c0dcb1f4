// SPDX-License-Identifier: Apache-2.0
#include "base/published.h"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

using plimsoll::base::Published;

TEST_CASE("a reader keeps its value while the writer replaces it") {
  Published<int> published(std::make_shared<const int>(1));
  const auto held = published.Get();
  published.Publish(std::make_shared<const int>(2));
  CHECK(*held == 1);
  CHECK(*published.Get() == 2);
}

TEST_CASE("readers see whole values and never an older one after a newer one") {
  Published<std::pair<int, int>> published(std::make_shared<const std::pair<int, int>>(0, 0));
  constexpr int kRounds = 20000;
  std::vector<std::jthread> readers;
  std::atomic<bool> torn = false, backwards = false;
  for (int reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&] {
      int last = 0;
      while (last < kRounds) {
        const auto value = published.Get();
        if (value->first != value->second) torn = true;
        if (value->first < last) backwards = true;
        last = value->first;
      }
    });
  }
  for (int i = 1; i <= kRounds; ++i)
    published.Publish(std::make_shared<const std::pair<int, int>>(i, i));
  readers.clear();
  CHECK_FALSE(torn);
  CHECK_FALSE(backwards);
}
