// SPDX-License-Identifier: Apache-2.0
//
// What both servers do with a request besides reading and writing it: call the handler, name the
// refusal, write the head, count.
//
// Threads: every function may be called from any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"
#include "http/server.h"
#include "telemetry/telemetry.h"

namespace plimsoll::http::detail {

struct Address {
  std::string host;  // an IP address; "" is every interface
  std::uint16_t port = 0;
};
// "127.0.0.1:80", "[::1]:80", "localhost:80", ":80".
// Fails with: kBadInput naming the address.
base::Result<Address> ParseAddress(std::string_view text);

std::string_view ReasonPhrase(int status);
// Whether an answer of this status may have a body.
bool HasBody(int status);
// Appends status line, headers and the empty line. Line breaks in header values become blanks.
void AppendHead(const Response& response, bool keep_alive, std::string_view date, std::string& out);
// "Sun, 06 Nov 1994 08:49:37 GMT".
std::string HttpDate(base::Time now);
// Returns: nothing when it is written in another way.
std::optional<base::Time> ParseHttpDate(std::string_view text);

// Calls the handler; an exception from it becomes a 500. Does not wait for an answer that comes
// later. `whole`: the answer's rest is taken into its body.
Response Call(const Handler& handler, const ServerOptions& options, const Request& request,
              bool whole);
Response Refuse(const ServerOptions& options, int status, std::string_view message);

// Handles to the telemetry of one listener.
class ServerCounters {
 public:
  ServerCounters(telemetry::Telemetry* telemetry, std::string listener);
  void Answered(int status, base::Steady took);
  void Refused(std::string_view reason);

 private:
  struct Slot {
    std::atomic<bool> ready = false;
    telemetry::Counter counter;
  };
  telemetry::Telemetry* telemetry_;
  std::string listener_;
  telemetry::Histogram duration_;
  std::mutex creating_;
  std::array<Slot, 500> by_code_;  // codes 100 to 599; created when first seen
};

}  // namespace plimsoll::http::detail
