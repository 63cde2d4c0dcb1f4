// SPDX-License-Identifier: Apache-2.0
//
// An immutable value that one thread replaces and many read: the seam between a tick and a request.
//
// The critical section is one pointer copy, so a reader never waits for a scrape or a rule.
// std::atomic<std::shared_ptr> of libstdc++ 12 reports a race under ThreadSanitizer (its lock bit
// is a relaxed load in the reader), hence a spin lock of our own that the sanitizer understands.
//
// Threads: every member may be called from any thread.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

namespace plimsoll::base {

template <typename T>
class Published {
 public:
  Published() = default;
  explicit Published(std::shared_ptr<const T> first) : current_(std::move(first)) {}

  // Returns: the newest value, kept alive by the caller; null before the first Publish.
  std::shared_ptr<const T> Get() const {
    const Hold hold(lock_);
    return current_;
  }

  void Publish(std::shared_ptr<const T> next) {
    {
      const Hold hold(lock_);
      current_.swap(next);
    }
    // The old value, if nobody else holds it, is destroyed here: outside the lock.
  }

 private:
  struct Hold {
    explicit Hold(std::atomic_flag& flag) : held(flag) {
      while (held.test_and_set(std::memory_order_acquire))
        held.wait(true, std::memory_order_relaxed);
    }
    ~Hold() {
      held.clear(std::memory_order_release);
      held.notify_one();
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    std::atomic_flag& held;
  };

  mutable std::atomic_flag lock_;
  std::shared_ptr<const T> current_;
};

}  // namespace plimsoll::base
