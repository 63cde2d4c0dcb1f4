// SPDX-License-Identifier: Apache-2.0
//
// A few threads and a short queue in front of them.
//
// Threads: every member may be called from any thread, Stop from one.
// Bounds:  the queue; Submit refuses when it is full.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/guarded.h"

namespace plimsoll::http::detail {

class WorkerPool {
 public:
  WorkerPool(unsigned threads, std::size_t queue) : limit_(queue), wanted_(threads) {}
  ~WorkerPool() { Stop(); }

  void Start() {
    for (unsigned i = 0; i < wanted_; ++i)
      threads_.emplace_back([this](std::stop_token stop) { Run(stop); });
  }
  // Returns: false when the queue is full.
  bool Submit(std::function<void()> job) {
    bool taken = false;
    jobs_.Change([&](auto& jobs) {
      if (jobs.size() < limit_) {
        jobs.push_back(std::move(job));
        taken = true;
      }
    });
    return taken;
  }
  // Jobs that wait are forgotten; returns when none runs.
  void Stop() {
    for (auto& thread : threads_) thread.request_stop();
    threads_.clear();
    jobs_.With([](auto& jobs) { jobs.clear(); });
  }

 private:
  void Run(std::stop_token stop) {
    while (!stop.stop_requested()) {
      if (!jobs_.Wait(stop, [](const auto& jobs) { return !jobs.empty(); })) return;
      std::function<void()> job;
      jobs_.With([&](auto& jobs) {
        if (jobs.empty()) return;
        job = std::move(jobs.front());
        jobs.pop_front();
      });
      if (job) job();
    }
  }

  const std::size_t limit_;
  const unsigned wanted_;
  base::Guarded<std::deque<std::function<void()>>> jobs_;
  std::vector<std::jthread> threads_;
};

}  // namespace plimsoll::http::detail
