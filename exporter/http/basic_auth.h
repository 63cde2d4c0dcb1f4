// SPDX-License-Identifier: Apache-2.0
//
// Who knows the password of one of a few users, whose passwords are bcrypt hashes.
//
// A hash is slow on purpose, and a scrape comes every few seconds: what was computed is remembered,
// under a keyed digest, so that no password stays in memory. Right answers and wrong ones are
// remembered apart, so that guessing does not push out who knows. One hash is computed at a time,
// and only a few may wait for it. A user who does not exist costs as much as one who does.
//
// Threads: every member may be called from any thread. Check may take as long as a hash, times
//          those that wait.
// Bounds:  BasicAuthLimits.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "http/message.h"

namespace plimsoll::http {

struct BasicAuthLimits {
  std::size_t remembered = 1000;  // answers of each kind; the oldest goes
  std::size_t waiting = 8;        // callers in Check
};

class BasicAuth {
 public:
  using Users = std::map<std::string, std::string, std::less<>>;  // bcrypt hashes by name
  enum class Verdict {
    kAllowed,
    kRefused,
    kUnknown,  // of Known: it has to be computed
    kBusy,     // of Check: too many wait
  };

  // Requires: each hash begins with $2a$, $2b$ or $2y$ and a cost.
  explicit BasicAuth(Users users, BasicAuthLimits limits = {});
  ~BasicAuth();
  BasicAuth(const BasicAuth&) = delete;
  BasicAuth& operator=(const BasicAuth&) = delete;

  Verdict Known(const Request& request) const;
  Verdict Check(const Request& request);
  const Users& users() const;
  // How many hashes were computed.
  std::size_t computed() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plimsoll::http
