// SPDX-License-Identifier: Apache-2.0
//
// Calls to a Kubernetes API server as values: a path and a body in, a status and a document out.
//
// The typed calls are pairs of pure functions (a body to send, an answer to read), so that tests
// need no server. Nothing here waits: an answer comes to a callback.
//
// Threads: every member of Api may be called from any thread; callbacks run on the HTTP client's io
//          thread and must not block.
// Bounds:  ApiLimits; an answer may not be larger. Calls are counted by name and status (telemetry
//          KubeRequests).
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "document/json.h"
#include "http/client.h"
#include "kube/client_config.h"

namespace plimsoll::kube {

// How requests leave: the HTTP client, or a test's answers.
struct Transport {
  std::function<http::FetchId(http::FetchRequest, http::FetchCallback)> start = {};
  std::function<void(http::FetchId)> cancel = {};
};
// Lives as long as: `client`.
Transport Over(http::Client& client);

struct ApiLimits {
  std::size_t answer_bytes = 8 << 20;
  std::chrono::milliseconds timeout = std::chrono::seconds(10);
};

struct Call {
  std::string_view name = "get";  // for telemetry: one of a few words
  std::string method = "GET";
  std::string path = {};   // "/api/v1/namespaces/x/configmaps/y"
  std::string query = {};  // without '?'
  std::string body = {};
  std::string content_type = "application/json";  // of the body
  std::chrono::milliseconds delay{0};
  std::optional<std::chrono::milliseconds> timeout = {};  // default: ApiLimits
  // As those of http::FetchRequest: the answer piece by piece, and that there is one.
  std::function<bool(std::string_view piece)> on_body = {};
  std::function<void()> on_success = {};
};

struct Answer {
  int status = 0;
  document::Json body = {};             // null when it was none, or went to on_body
  std::optional<base::Time> date = {};  // what the server's clock said, to the second
};

class Api {
 public:
  using Done = std::function<void(base::Result<Answer>)>;
  // Lives as long as: what `transport` leads to. `telemetry` may be null and must outlive it.
  Api(ClientConfig config, Transport transport, telemetry::Telemetry* telemetry,
      ApiLimits limits = {});

  // Calls back exactly once. An answer of any status is a success; see Succeeded.
  http::FetchId Start(Call call, Done done) const;
  void Cancel(http::FetchId id) const { transport_.cancel(id); }
  const ClientConfig& config() const { return config_; }

 private:
  const ClientConfig config_;
  const Transport transport_;
  telemetry::Telemetry* const telemetry_;
  const ApiLimits limits_;
};

// The document of a 2xx answer. Fails with: what failed before, or the message of the server's
// Status: kNotFound for 404, kUnavailable for 408, 429 and 5xx, else kExecution.
base::Result<document::Json> Succeeded(base::Result<Answer> answer);

// Who somebody is, as a TokenReview tells and a SubjectAccessReview asks.
struct UserInfo {
  std::string name = {};
  std::string uid = {};
  std::vector<std::string> groups = {};
  std::vector<std::pair<std::string, std::string>> extra = {};  // a key may come several times
  bool operator==(const UserInfo&) const = default;
};

struct TokenVerdict {
  bool authenticated = false;
  UserInfo user = {};
  std::string error = {};  // why not, in the server's words
};

std::string TokenReviewBody(std::string_view token);
base::Result<TokenVerdict> ReadTokenReview(const document::Json& review);

// Either a resource (metric of a group in a namespace) or a path.
struct AccessQuestion {
  UserInfo user = {};
  std::string verb = {};
  std::string name_space = {};
  std::string group = {};
  std::string version = {};
  std::string resource = {};  // "": a path
  std::string path = {};
  bool operator==(const AccessQuestion&) const = default;
};

struct AccessVerdict {
  bool allowed = false;
  std::string reason = {};
};

std::string AccessReviewBody(const AccessQuestion& question);
base::Result<AccessVerdict> ReadAccessReview(const document::Json& review);

struct ConfigMap {
  std::string name_space = {};
  std::string name = {};
  std::string resource_version = {};
  std::map<std::string, std::string, std::less<>> data = {};
};

// Fails with: kBadInput naming what is not a ConfigMap's.
base::Result<ConfigMap> ReadConfigMap(const document::Json& object);

}  // namespace plimsoll::kube
