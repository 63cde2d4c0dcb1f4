// SPDX-License-Identifier: Apache-2.0
//
// Names to addresses on a few threads that can be abandoned.
//
// getaddrinfo may hang for as long as the system's resolver likes and cannot be interrupted. Its
// threads own what they touch, so the resolver can go away while one of them still hangs.
//
// Threads: Ask from any thread; the answer comes on a resolver thread, or never once the resolver
// is gone. Bounds:  threads and names that wait. Askers of the same name share one call.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace plimsoll::http::detail {

class Resolver {
 public:
  using Addresses = std::vector<std::string>;  // IP addresses, in the order to try
  using Answer = std::function<void(const base::Result<Addresses>&)>;
  using Lookup = std::function<base::Result<Addresses>(const std::string& host)>;

  // `lookup` is a parameter for tests only.
  Resolver(unsigned threads, std::size_t queue, Lookup lookup = &SystemLookup);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Answers at once with kLimit when too many names wait.
  void Ask(const std::string& host, Answer answer);

  // Names under "localhost" are the loopback addresses whatever the system says (RFC 6761 6.3).
  static base::Result<Addresses> SystemLookup(const std::string& host);

 private:
  struct State;
  static void Run(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace plimsoll::http::detail
