// SPDX-License-Identifier: Apache-2.0
//
// Who asks, and whether they may.
//
// The chain is an extension API server's: a front proxy (its certificate is of the request-header
// CA and its name is allowed) speaks for the user in X-Remote-User; a certificate of the client CA
// is its own user; no certificate is system:anonymous. A certificate that is presented and trusted
// by nobody, or a front proxy that names no user, is refused (401), never taken for anonymous.
// Bearer tokens need a TokenReview, which this room does not do: they are refused.
//
// kube-apiserver has already authorised what it forwards; our own rule is for direct callers: any
// authenticated user may discover and read, system:masters may do all, anonymous may ask for
// health.
//
// Threads: pure functions.
// See:     kubernetes/apiserver pkg/authentication/request/{headerrequest,x509}
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.h"

namespace plimsoll::serve {

// Names of the trust pools that the API listener gives to http::TlsCredentials.
constexpr std::string_view kRequestHeaderPool = "requestheader";
constexpr std::string_view kClientPool = "client";

struct User {
  std::string name;
  std::vector<std::string> groups = {};
  std::vector<std::pair<std::string, std::string>> extra = {};  // keys in lower case
};

struct AuthenticationOptions {
  std::vector<std::string> allowed_names = {};  // of front proxies; empty: any the CA has signed
  std::vector<std::string> username_headers = {"X-Remote-User"};
  std::vector<std::string> group_headers = {"X-Remote-Group"};
  std::vector<std::string> extra_prefixes = {"X-Remote-Extra-"};
};

// Returns: nothing when the request must be answered by 401.
std::optional<User> Authenticate(const AuthenticationOptions& options,
                                 const http::Request& request);

// What is asked for: a metric in a namespace, or a path.
struct Access {
  std::string_view verb = "get";     // "list" for a metric, as an API server names it
  std::string_view name_space = {};  // of a metric
  std::string_view metric = {};      // empty: a path
  std::string_view path = {};
};

struct AccessRule {
  std::vector<std::string> admin_groups = {"system:masters"};
  std::vector<std::string> discovery_users = {"system:kube-aggregator", "system:aggregator"};
  std::vector<std::string> discovery_groups = {"system:authenticated"};
  std::vector<std::string> reader_groups = {"system:authenticated"};  // of metrics
  std::vector<std::string> open_paths = {"/healthz", "/livez", "/readyz"};
};

bool MayAccess(const AccessRule& rule, const User& user, const Access& access);

}  // namespace plimsoll::serve
