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

}  // namespace plimsoll::serve
