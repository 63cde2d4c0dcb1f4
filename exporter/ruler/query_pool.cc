// SPDX-License-Identifier: Apache-2.0
//
// See ruler/detail/query_pool.h.
#include "ruler/detail/query_pool.h"

#include <utility>

namespace plimsoll::ruler::detail {

void QueryPool::Post(std::function<void()> task) {
  if (stopping()) return;
  waiting_.Change([&](auto& waiting) { waiting.push_back(std::move(task)); });
  if (threads_.size() < static_cast<std::size_t>(size_)) {
    threads_.emplace_back([this] { Work(); });
  }
}

void QueryPool::Stop() {
  stop_.request_stop();
  threads_.clear();  // joins
  waiting_.With([](auto& waiting) { waiting.clear(); });
}

void QueryPool::Work() {
  for (;;) {
    std::function<void()> task;
    waiting_.Wait(stop_.get_token(), [&](auto& waiting) {
      if (waiting.empty() || stop_.stop_requested()) return false;
      task = std::move(waiting.front());
      waiting.pop_front();
      return true;
    });
    if (!task) return;
    task();
  }
}

}  // namespace plimsoll::ruler::detail
