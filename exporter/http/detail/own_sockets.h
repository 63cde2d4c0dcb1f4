// SPDX-License-Identifier: Apache-2.0
//
// The TCP sockets of this process, as the system lists them, for a library that keeps its own to
// itself.
//
// Threads: any. A socket that is found may be closed by whoever owns it.
// Bounds:  one look at every open file of the process, so not for each request.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "base/clock.h"

namespace plimsoll::http::detail {

// Wakes whoever waits on the listening socket of `port` or on a connection that came through it.
void CutConnections(std::uint16_t port);

// Takes the places of those who wait to say something, when there are more of them than places.
//
// Threads: Cut from one thread.
// Bounds:  one entry for each open connection.
class IdleCutter {
 public:
  using IsBusy = std::function<bool(const std::string& address, int remote_port)>;
  // Of the connections that came through `port`, ends those that are not busy, are older than
  // `patience` and have twice been seen with nothing that waits to be read, if there are more than
  // `places` in all. Returns: how many.
  std::size_t Cut(std::uint16_t port, std::size_t places, base::Steady patience,
                  const IsBusy& is_busy);

 private:
  struct Waiting {
    base::Steady since{};
    bool quiet = false;  // at the last look it had sent nothing that was not read
  };
  std::map<std::pair<std::string, int>, Waiting> waiting_;
};

// Whether the client of one request has closed its connection; it is asked often.
//
// Threads: that of the request's handler, during whose run the connection stays open.
class Peer {
 public:
  // The connection came from `address` (IPv4) and `remote_port` to our `port`.
  Peer(std::uint16_t port, std::string address, int remote_port)
      : port_(port), address_(std::move(address)), remote_port_(remote_port) {}

  // Looks after a while, so that short requests pay nothing, and then now and again. Once true,
  // always true; false also when the system does not list our sockets.
  bool Gone();

 private:
  static constexpr base::Steady kInterval = std::chrono::milliseconds(20);

  void Find();

  std::uint16_t port_;
  std::string address_;
  int remote_port_;
  int socket_ = -1;
  bool searched_ = false;
  bool gone_ = false;
  base::Steady next_ = base::SystemClock().SteadyNow() + kInterval;
};

}  // namespace plimsoll::http::detail
