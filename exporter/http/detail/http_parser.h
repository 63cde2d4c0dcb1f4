// SPDX-License-Identifier: Apache-2.0
//
// Bytes to requests and responses, by Beast's parser, into values whose memory is used again.
//
// Beast's own message type allocates for every field; these parsers refill the strings of the last
// request instead. They do no I/O, so they can be fuzzed and need no socket.
//
// Threads: a parser belongs to one thread at a time.
// Bounds:  HeadLimits; a refusal says which.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace plimsoll::http::detail {

struct HeadLimits {
  std::size_t header_bytes = 0;
  std::size_t url_bytes = 0;
  std::size_t body_bytes = 0;
};

// Parses one message after another out of a growing buffer.
class RequestParser {
 public:
  explicit RequestParser(const HeadLimits& limits);
  ~RequestParser();

  enum class State { kHead, kBody, kDone, kFailed };

  // Returns: how many of `bytes` were used; the rest must be offered again, with more, until Done.
  std::size_t Feed(std::string_view bytes);
  State state() const;
  // Forgets the request, keeps the memory.
  void Next();

  // Valid once the state is kBody (without body) or kDone.
  Request& request();
  bool keep_alive() const;
  bool expects_continue() const;
  // After kFailed: 400, 413, 414 or 431, the reason for telemetry and the text for the client.
  int status() const;
  std::string_view reason() const;
  std::string_view message() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The head of a response. The body goes to `sink` piece by piece.
class ResponseParser {
 public:
  // The sink returns false to stop: the parser then fails.
  using Sink = std::function<bool(std::string_view piece)>;
  ResponseParser(std::size_t header_bytes, bool head_request, Sink sink);
  ~ResponseParser();

  std::size_t Feed(std::string_view bytes);
  // The peer closed the connection: an end for a body of unknown length, an error otherwise.
  void End();
  bool head_done() const;
  bool done() const;
  bool failed() const;
  const std::string& error() const;

  int status() const;
  const std::string& phrase() const;
  const Pairs& headers() const;
  bool keep_alive() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plimsoll::http::detail
