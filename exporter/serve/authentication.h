// SPDX-License-Identifier: Apache-2.0
//
// Who asks, and what a rule alone says about what they may.
//
// The chain is an extension API server's, in its order: a front proxy (its certificate is of the
// request-header CA and its name is allowed) speaks for the user in X-Remote-User; a certificate of
// the client CA is its own user; a bearer token is whoever a TokenReview says; without any of these
// it is system:anonymous. A certificate that is presented and trusted by nobody, or a front proxy
// that names no user, is refused (401) unless a token speaks for it, and is never anonymous.
//
// Threads: pure functions.
// See:     kubernetes/apiserver pkg/authentication/request/{headerrequest,x509,bearertoken,union}
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.h"
#include "kube/api.h"

namespace plimsoll::serve {

// Names of the trust pools that the API listener gives to http::TlsCredentials.
constexpr std::string_view kRequestHeaderPool = "requestheader";
constexpr std::string_view kClientPool = "client";

using User = kube::UserInfo;  // keys of its extra are in lower case

struct AuthenticationOptions {
  std::vector<std::string> allowed_names = {};  // of front proxies; empty: any the CA has signed
  std::vector<std::string> username_headers = {"X-Remote-User"};
  std::vector<std::string> uid_headers = {};
  std::vector<std::string> group_headers = {"X-Remote-Group"};
  std::vector<std::string> extra_prefixes = {"X-Remote-Extra-"};
  bool operator==(const AuthenticationOptions&) const = default;
};

struct Identity {
  enum class Kind {
    kUser,     // `user`
    kToken,    // whoever `token` is; 401 when it is nobody
    kRefused,  // 401
  };
  Kind kind = Kind::kRefused;
  User user = {};
  bool forwarded = false;       // by a front proxy, which has authorised already
  std::string_view token = {};  // of the request
};

Identity Identify(const AuthenticationOptions& options, const http::Request& request);

// The user of a token that was reviewed, with the groups that every user has.
User Reviewed(User user);

// What is asked for: a metric in a namespace, or a path.
struct Access {
  std::string_view verb = "get";     // "list" for a metric, as an API server names it
  std::string_view name_space = {};  // of a metric
  std::string_view metric = {};      // empty: a path
  std::string_view path = {};
};

struct AccessRule {
  std::vector<std::string> admin_groups = {"system:masters"};
  // A last asterisk stands for any end. Also for callers who are nobody.
  std::vector<std::string> open_paths = {"/healthz", "/livez", "/readyz"};
  // Constant documents: for whomever a front proxy speaks, who has authorised already.
  std::vector<std::string> discovery_paths = {"/apis", "/apis/external.metrics.k8s.io",
                                              "/apis/external.metrics.k8s.io/v1beta1",
                                              "/openapi/v2", "/openapi/v3"};
  // Where no API server can be asked:
  std::vector<std::string> discovery_users = {"system:kube-aggregator", "system:aggregator"};
  std::vector<std::string> discovery_groups = {"system:authenticated"};
  std::vector<std::string> reader_groups = {"system:authenticated"};  // of metrics
};

// What is decided without asking anybody.
enum class Ruling { kAllowed, kDenied, kAsk };
// `can_ask`: whether there is an API server that decides the rest; otherwise the rule does.
Ruling Rule(const AccessRule& rule, const Identity& identity, const Access& access, bool can_ask);

}  // namespace plimsoll::serve
