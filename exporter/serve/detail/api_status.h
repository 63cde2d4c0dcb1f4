// SPDX-License-Identifier: Apache-2.0
//
// Errors of the Kubernetes faces: a metav1.Status whose message an HPA shows word for word.
//
// None carries Retry-After: client-go would sleep and repeat inside the HPA's worker.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"

namespace plimsoll::serve {

// What an error is about; empty parts are left out.
struct StatusDetails {
  std::string_view name = {};
  std::string_view group = {};
  std::string_view kind = {};
  std::string_view cause = {};  // a word for machines: "stale"
};

// The reason follows from the code: 503 is "ServiceUnavailable".
http::Response ApiStatus(int code, std::string_view message, const StatusDetails& details = {});

// Whether plain JSON satisfies an Accept header.
bool AcceptsJson(std::string_view accept);

// "type/subtype;a=b;c=d" of an Accept header.
struct MediaRange {
  std::string_view type = {};        // without parameters
  std::string_view parameters = {};  // as written
  double weight = 1;

  // Returns: the value of a parameter; "" when absent.
  std::string_view Parameter(std::string_view name) const;
};

// Reads the first media range off `accept`.
MediaRange TakeMediaRange(std::string_view& accept);

}  // namespace plimsoll::serve
