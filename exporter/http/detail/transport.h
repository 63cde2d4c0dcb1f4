// SPDX-License-Identifier: Apache-2.0
//
// A non-blocking socket, with or without TLS on top, behind one set of calls.
//
// OpenSSL works on the socket itself: Asio's stream would carry every byte through two more
// buffers. Its stock socket BIO writes without MSG_NOSIGNAL, so a client that goes away would kill
// the process; hence a BIO of our own.
//
// Threads: belongs to one thread at a time. Does not own the socket.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

struct ssl_st;

namespace plimsoll::http::detail {

struct SslFree {
  void operator()(ssl_st* ssl) const;
};
using SslPtr = std::unique_ptr<ssl_st, SslFree>;

class Transport {
 public:
  enum class Io { kDone, kWantRead, kWantWrite, kClosed, kFailed };

  Transport() = default;
  // `ssl` null: plain. Fails only for lack of memory (std::bad_alloc).
  Transport(int socket, SslPtr ssl);

  Io Handshake();
  Io Read(char* into, std::size_t room, std::size_t& got);
  Io Write(std::string_view bytes, std::size_t& put);
  // Whether a Read may return something although the socket has nothing new.
  bool Pending() const;
  // Whether the other side of a TLS connection has sent anything.
  bool HasReceived() const;
  // Whether it has asked for another handshake, which it does not get.
  bool Renegotiates() const;
  // Says goodbye in TLS; never waits.
  void SayGoodbye();

  SslPtr& session() { return ssl_; }
  // Why the last call returned kFailed.
  std::string ErrorText() const;

 private:
  Io Explain(int result);

  int socket_ = -1;
  SslPtr ssl_;
  int saved_errno_ = 0;
  unsigned long ssl_error_ = 0;
};

}  // namespace plimsoll::http::detail
