// SPDX-License-Identifier: Apache-2.0
//
// No lock, no value: a value that can be reached only while its mutex is held.
//
// Long work is done on a copy taken under the lock. For waiting, every wait has a predicate and a
// stop token, so that shutdown is prompt.
//
// Threads: every member may be called from any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <utility>

namespace plimsoll::base {

template <typename T>
class Guarded {
 public:
  Guarded() = default;
  explicit Guarded(T value) : value_(std::move(value)) {}

  // Calls f(T&) under the lock and returns what it returns (by value: nothing may leak out).
  template <typename F>
  auto With(F&& f) {
    const std::lock_guard lock(mutex_);
    return std::forward<F>(f)(value_);
  }
  template <typename F>
  auto With(F&& f) const {
    const std::lock_guard lock(mutex_);
    return std::forward<F>(f)(value_);
  }

  // Calls f(T&) under the lock, then wakes every waiter.
  template <typename F>
  void Change(F&& f) {
    {
      const std::lock_guard lock(mutex_);
      std::forward<F>(f)(value_);
    }
    changed_.notify_all();
  }

  // Waits until `ready(T&)` holds, `stop` is requested, or `timeout` has passed.
  // Returns: whether `ready` held.
  template <typename Ready>
  bool WaitFor(std::stop_token stop, std::chrono::nanoseconds timeout, Ready&& ready) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, stop, timeout, [&] { return ready(value_); });
  }
  template <typename Ready>
  bool Wait(std::stop_token stop, Ready&& ready) {
    std::unique_lock lock(mutex_);
    return changed_.wait(lock, stop, [&] { return ready(value_); });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  T value_{};
};

}  // namespace plimsoll::base
