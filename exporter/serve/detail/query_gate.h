// SPDX-License-Identifier: Apache-2.0
//
// How many queries run at a time: some run, some wait for a moment, the rest are refused.
//
// Threads: Enter from any thread.
// Bounds:  Limits.
#pragma once

#include <chrono>
#include <cstddef>
#include <utility>

#include "base/guarded.h"

namespace plimsoll::serve {

class QueryGate {
 public:
  struct Limits {
    std::size_t running = 4;
    std::size_t waiting = 64;
    std::chrono::milliseconds patience = std::chrono::seconds(10);
  };
  // Holds a place until it is destroyed; false when there was none.
  class Place {
   public:
    explicit Place(QueryGate* gate) : gate_(gate) {}
    Place(Place&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Place& operator=(Place&&) = delete;
    ~Place();
    explicit operator bool() const { return gate_ != nullptr; }

   private:
    QueryGate* gate_;
  };

  explicit QueryGate(const Limits& limits) : limits_(limits) {}
  Place Enter();
  // Refuses everybody from now on, those who wait too: for shutdown.
  void Close();

 private:
  struct Count {
    std::size_t running = 0;
    std::size_t waiting = 0;
    bool closed = false;
  };
  Limits limits_;
  base::Guarded<Count> count_;
};

}  // namespace plimsoll::serve
