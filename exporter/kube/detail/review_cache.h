// SPDX-License-Identifier: Apache-2.0
//
// Answers by question, for as long as they are good; and who waits for those under way.
//
// Bookkeeping alone: what a question is, and how it is asked, is the caller's business.
//
// Threads: none of its own: the caller holds a lock, and calls the Done lists it gets without one.
// Bounds:  the constructor's; each refusal has a word.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace plimsoll::kube::detail {

template <typename Verdict>
class ReviewCache {
 public:
  using Done = std::function<void(const base::Result<Verdict>&)>;
  enum class Join { kFirst, kJoined, kTooManyQuestions, kTooManyWaiters };

  ReviewCache(std::size_t remembered, std::size_t in_flight, std::size_t waiters)
      : remembered_(remembered), in_flight_(in_flight), waiters_(waiters) {}

  // Returns: null when there is none that is still good; valid until the next call.
  const Verdict* Find(const std::string& key, base::Steady now) const {
    const auto found = entries_.find(key);
    return found != entries_.end() && now < found->second.until ? &found->second.verdict : nullptr;
  }

  // Puts `done` in line; takes it only when the answer is kFirst (ask now) or kJoined.
  Join Wait(const std::string& key, Done& done) {
    const auto found = flights_.find(key);
    if (found == flights_.end() && flights_.size() >= in_flight_) return Join::kTooManyQuestions;
    if (waiting_ >= waiters_) return Join::kTooManyWaiters;
    ++waiting_;
    flights_[key].push_back(std::move(done));
    return found == flights_.end() ? Join::kFirst : Join::kJoined;
  }

  // Returns: those who waited.
  std::vector<Done> Land(const std::string& key) {
    const auto found = flights_.find(key);
    if (found == flights_.end()) return {};
    std::vector<Done> done = std::move(found->second);
    waiting_ -= done.size();
    flights_.erase(found);
    return done;
  }

  // Returns: whether an older answer had to go although it was still good.
  bool Remember(const std::string& key, Verdict verdict, base::Steady now, base::Steady until) {
    Forget(key);
    bool evicted = false;
    while (!order_.empty() && entries_.size() >= remembered_) {
      const std::string oldest = order_.front();
      evicted = evicted || now < entries_.at(oldest).until;
      Forget(oldest);
    }
    // What has run out and was asked first lies in front; it goes even when there is room.
    while (!order_.empty() && now >= entries_.at(order_.front()).until)
      Forget(std::string(order_.front()));
    if (remembered_ == 0 || now >= until) return evicted;
    order_.push_back(key);
    entries_.insert_or_assign(key, Entry{std::move(verdict), until, std::prev(order_.end())});
    return evicted;
  }

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Verdict verdict;
    base::Steady until;
    std::list<std::string>::iterator place;
  };
  void Forget(const std::string& key) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    order_.erase(found->second.place);
    entries_.erase(found);
  }

  const std::size_t remembered_;
  const std::size_t in_flight_;
  const std::size_t waiters_;
  std::unordered_map<std::string, Entry> entries_;
  std::list<std::string> order_;  // oldest first
  std::unordered_map<std::string, std::vector<Done>> flights_;
  std::size_t waiting_ = 0;
};

}  // namespace plimsoll::kube::detail
