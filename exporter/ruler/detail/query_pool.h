// SPDX-License-Identifier: Apache-2.0
//
// A few threads that evaluate the queries of rules, so that a slow group holds up neither the
// writer nor the other groups.
//
// Only queries run here, each over a view of its own; what they yield is stored by the writer,
// which then posts the group's next rules. So a task never waits, and the store keeps its one
// writer.
//
// Threads: the constructor, Post, Stop and the destructor belong to one thread; tasks run on the
//          pool's.
// Bounds:  whoever posts has one task per group under way.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/guarded.h"

namespace plimsoll::ruler::detail {

class QueryPool {
 public:
  // Threads start with the first task. Requires: threads > 0.
  explicit QueryPool(int threads) : size_(threads) {}
  ~QueryPool() { Stop(); }
  QueryPool(const QueryPool&) = delete;
  QueryPool& operator=(const QueryPool&) = delete;

  void Post(std::function<void()> task);
  // Drops the tasks that wait and returns when those that run have ended. Nothing runs afterwards.
  void Stop();
  // For tasks to ask whether they should give up.
  bool stopping() const { return stop_.stop_requested(); }

 private:
  void Work();

  int size_;
  std::stop_source stop_;
  base::Guarded<std::deque<std::function<void()>>> waiting_;
  std::vector<std::jthread> threads_;
};

}  // namespace plimsoll::ruler::detail
