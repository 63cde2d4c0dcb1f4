// SPDX-License-Identifier: Apache-2.0
//
// A server that says exactly what a script tells it to: for clients that must survive bad ones.
//
// Threads: one thread serves connection after connection with the script. The destructor cuts off
//          whatever the script waits for and joins.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace plimsoll::test {

// One accepted connection, as the script sees it.
class RawPeer {
 public:
  explicit RawPeer(int socket) : socket_(socket) {}
  // Returns: false once the peer is gone.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // Returns: the next request's head; "" once the peer is gone.
  std::string Head() {
    std::size_t end = std::string::npos;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      char piece[4096];
      const auto got = ::recv(socket_, piece, sizeof piece, 0);
      if (got <= 0) return "";
      buffer_.append(piece, static_cast<std::size_t>(got));
    }
    std::string head = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    return head;
  }
  // Waits until the peer closes.
  void WaitForClose() {
    while (!Head().empty()) {
    }
  }

 private:
  int socket_;
  std::string buffer_;
};

class RawServer {
 public:
  using Script = std::function<void(RawPeer&)>;

  explicit RawServer(Script script)
      : script_(std::move(script)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at = {};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at);
    ::listen(listener_, 16);
    socklen_t size = sizeof at;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~RawServer() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      ::shutdown(listener_, SHUT_RDWR);
      if (current_ >= 0) ::shutdown(current_, SHUT_RDWR);
    }
    thread_.join();
    ::close(listener_);
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::string Url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  int connections() const { return connections_; }

 private:
  void Run() {
    for (;;) {
      const int socket = ::accept(listener_, nullptr, nullptr);
      {
        const std::lock_guard lock(mutex_);
        if (stopping_ || socket < 0) {
          if (socket >= 0) ::close(socket);
          return;
        }
        current_ = socket;
      }
      ++connections_;
      RawPeer peer(socket);
      script_(peer);
      const std::lock_guard lock(mutex_);
      current_ = -1;
      ::close(socket);
    }
  }

  const Script script_;
  const int listener_;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;
  bool stopping_ = false;  // guarded by mutex_, as is current_
  int current_ = -1;
  std::thread thread_;
};

}  // namespace plimsoll::test
