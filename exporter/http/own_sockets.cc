// SPDX-License-Identifier: Apache-2.0
//
// What /proc/self/fd lists, asked for its addresses.
#include "http/detail/own_sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace plimsoll::http::detail {
namespace {

using NameCall = int (*)(int, sockaddr*, socklen_t*);

// Returns: false unless the socket has an IPv4 address of this kind.
bool AddressOf(int socket, NameCall call, sockaddr_in& address) {
  socklen_t size = sizeof address;
  return call(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
         address.sin_family == AF_INET;
}

// Calls body(socket) for the sockets whose own port this is, until it returns true.
template <typename Body>
void EachOn(std::uint16_t port, Body&& body) {
  std::error_code failure;
  std::filesystem::directory_iterator entry("/proc/self/fd", failure);
  for (; !failure && entry != std::filesystem::directory_iterator(); entry.increment(failure)) {
    const int socket = std::atoi(entry->path().filename().c_str());
    sockaddr_in here = {};
    if (!AddressOf(socket, &getsockname, here) || ntohs(here.sin_port) != port) continue;
    if (body(socket)) return;
  }
}

}  // namespace

void CutConnections(std::uint16_t port) {
  EachOn(port, [](int socket) {
    shutdown(socket, SHUT_RDWR);
    return false;
  });
}

std::size_t IdleCutter::Cut(std::uint16_t port, std::size_t places, base::Steady patience,
                            const IsBusy& is_busy) {
  struct Found {
    int socket;
    std::pair<std::string, int> from;
  };
  std::vector<Found> found;
  EachOn(port, [&](int socket) {
    sockaddr_in there = {};
    char text[INET_ADDRSTRLEN] = {};
    if (AddressOf(socket, &getpeername, there) &&
        inet_ntop(AF_INET, &there.sin_addr, text, sizeof text) != nullptr)
      found.push_back({socket, {text, ntohs(there.sin_port)}});
    return false;
  });
  const base::Steady now = base::SystemClock().SteadyNow();
  std::map<std::pair<std::string, int>, Waiting> waiting;
  std::size_t cut = 0;
  for (const Found& each : found) {
    // Before the question whether it is busy: who was read meanwhile is, or will be at the next
    // look.
    int unread = 0;
    const bool quiet = ioctl(each.socket, FIONREAD, &unread) != 0 || unread == 0;
    if (is_busy(each.from.first, each.from.second)) continue;
    const auto known = waiting_.find(each.from);
    const Waiting before = known == waiting_.end() ? Waiting{now, false} : known->second;
    waiting.insert_or_assign(each.from, Waiting{before.since, quiet});
    if (found.size() <= places || now - before.since < patience || !quiet || !before.quiet)
      continue;
    sockaddr_in there = {};  // it may have been closed meanwhile, and its number be another's
    if (!AddressOf(each.socket, &getpeername, there) || ntohs(there.sin_port) != each.from.second)
      continue;
    shutdown(each.socket, SHUT_RDWR);
    ++cut;
  }
  waiting_.swap(waiting);
  return cut;
}

void Peer::Find() {
  in_addr address = {};
  if (inet_pton(AF_INET, address_.c_str(), &address) != 1) return;
  bool listed = false;
  EachOn(port_, [&](int socket) {
    listed = true;
    sockaddr_in there = {};
    if (!AddressOf(socket, &getpeername, there)) return false;
    if (there.sin_addr.s_addr != address.s_addr || ntohs(there.sin_port) != remote_port_)
      return false;
    socket_ = socket;
    return true;
  });
  // The listener is there and the connection is not: both ends have closed it.
  gone_ = listed && socket_ < 0;
}

bool Peer::Gone() {
  const base::Steady now = base::SystemClock().SteadyNow();
  if (gone_ || now < next_) return gone_;
  next_ = now + kInterval;
  if (!std::exchange(searched_, true)) Find();
  if (socket_ < 0) return gone_;
  pollfd ask = {socket_, POLLRDHUP, 0};
  gone_ = poll(&ask, 1, 0) > 0 && (ask.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
  return gone_;
}

}  // namespace plimsoll::http::detail
