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

  ReviewCache(std::size_t remembered, std::size_t bytes, std::size_t in_flight, std::size_t waiters)
      : remembered_(remembered), bytes_(bytes), in_flight_(in_flight), waiters_(waiters) {}

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
    if (const auto found = entries_.find(key); found != entries_.end()) Forget(found);
    // What has run out and was asked first lies in front; it goes even when there is room.
    while (!order_.empty() && now >= Oldest()->second.until) Forget(Oldest());
    if (remembered_ == 0 || key.size() > bytes_ || now >= until) return false;
    bool evicted = false;
    while (entries_.size() >= remembered_ || used_ + key.size() > bytes_) {
      evicted = evicted || now < Oldest()->second.until;
      Forget(Oldest());
    }
    const auto [at, fresh] = entries_.emplace(key, Entry{std::move(verdict), until, {}});
    at->second.place = order_.insert(order_.end(), &at->first);
    used_ += key.size();
    return evicted;
  }

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Verdict verdict;
    base::Steady until;
    std::list<const std::string*>::iterator place;
  };
  using Entries = std::unordered_map<std::string, Entry>;
  typename Entries::iterator Oldest() { return entries_.find(*order_.front()); }
  void Forget(typename Entries::iterator entry) {
    used_ -= entry->first.size();
    order_.erase(entry->second.place);
    entries_.erase(entry);
  }

  const std::size_t remembered_;
  const std::size_t bytes_;
  const std::size_t in_flight_;
  const std::size_t waiters_;
  Entries entries_;
  std::list<const std::string*> order_;  // keys of the entries, oldest first
  std::size_t used_ = 0;                 // bytes of the keys
  std::unordered_map<std::string, std::vector<Done>> flights_;
  std::size_t waiting_ = 0;
};

}  // namespace plimsoll::kube::detail
