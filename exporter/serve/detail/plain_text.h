// SPDX-License-Identifier: Apache-2.0
//
// An answer that is a line of text.
#pragma once

#include <string>

#include "http/message.h"

namespace plimsoll::serve {

inline http::Response PlainText(int code, std::string text) {
  return {.status = code, .content_type = "text/plain; charset=utf-8", .body = std::move(text)};
}

// As Go's http.Error: a line, and browsers shall not guess what it is.
inline http::Response PlainError(int code, std::string text) {
  http::Response response = PlainText(code, std::move(text) + "\n");
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return response;
}

}  // namespace plimsoll::serve
