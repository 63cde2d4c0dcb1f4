// SPDX-License-Identifier: Apache-2.0
//
// The parts of an http or https URL, as far as a client needs them.
//
// Threads: values.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace plimsoll::http::detail {

struct Url {
  bool tls = false;
  std::string host;    // without brackets, lower case
  std::string port;    // digits
  std::string target;  // path and query, begins with '/'

  std::string Authority() const;  // for the Host header: without a default port
  std::string ToString() const;
};

// Fails with: kBadInput naming the URL.
base::Result<Url> ParseUrl(std::string_view text);
// Where a Location header leads.
base::Result<Url> Resolve(const Url& base, std::string_view location);

}  // namespace plimsoll::http::detail
