// SPDX-License-Identifier: Apache-2.0
//
// An API server without a network that holds one Secret and one APIService: versions, conflicts,
// watches, merge patches, and the failures that a test asks for.
//
// Threads: one. Requests wait until Pump answers them, so that a test decides who comes first.
#pragma once

#include <algorithm>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "document/json.h"
#include "http/detail/answer.h"
#include "kube/api.h"
#include "kube/detail/base64.h"
#include "telemetry/telemetry.h"

namespace plimsoll::test {

class FakeCluster {
 public:
  explicit FakeCluster(const base::Clock& clock) : clock_(clock) {}

  // One replica's way to it.
  std::shared_ptr<const kube::Api> Client(telemetry::Telemetry* telemetry = nullptr) {
    kube::ClientConfig config{.server = ""};
    config.http = std::make_shared<config::HttpClientConfig>();
    kube::Transport transport;
    transport.start = [this](http::FetchRequest request, http::FetchCallback done) {
      const base::Steady due = clock_.SteadyNow() + base::Steady(request.delay);
      asked.push_back({++last_, due, std::move(request), std::move(done)});
      return last_;
    };
    transport.cancel = [this](http::FetchId id) {
      std::erase_if(asked, [&](const Asked& each) { return each.id == id; });
    };
    return std::make_shared<kube::Api>(config, transport, telemetry);
  }

  // Answers what waits, and what comes of it, but for watches; a test may let some wait.
  void Pump(const std::function<bool(const http::FetchRequest&)>& lets_pass = {}) {
    for (bool more = true; more;) {
      more = false;
      for (auto at = asked.begin(); at != asked.end(); ++at) {
        if (at->due > clock_.SteadyNow() || (IsWatch(at->request) && status == 200)) continue;
        if (lets_pass && !lets_pass(at->request)) continue;
        Asked next = std::move(*at);
        asked.erase(at);
        Handle(std::move(next));
        more = true;
        break;
      }
    }
  }

  void SetSecret(std::map<std::string, std::string> data) {
    secret = std::move(data);
    Changed(true);
  }
  void RemoveSecret() {
    const std::string last = SecretObject();
    secret.reset();
    ++version_;
    Tell("/secrets", "DELETED", last);
  }
  // Of an earlier time, as after a restore from a backup: versions go back. Who watches is only
  // told when `ends_watches`.
  void Restore(std::map<std::string, std::string> data, std::string pem, bool ends_watches) {
    version_ = secret_version_ = service_version_ = 2;
    secret = std::move(data);
    bundle = std::move(pem);
    if (!ends_watches) return;
    std::list<Asked> watches;
    for (auto at = asked.begin(); at != asked.end();) {
      const auto next = std::next(at);
      if (IsWatch(at->request)) watches.splice(watches.end(), asked, at);
      at = next;
    }
    for (Asked& each : watches)
      each.done(http::FetchResponse{.status = 410, .body = "{}", .url = "url"});
  }
  void SetBundle(std::string pem) {
    bundle = std::move(pem);
    Changed(false);
  }
  void SetOwner(std::string name_space, std::string name) {
    owner = {std::move(name_space), std::move(name)};
    Changed(false);
  }

  std::optional<std::map<std::string, std::string>> secret = std::map<std::string, std::string>{};
  std::string bundle = {};
  std::pair<std::string, std::string> owner = {"n", "plimsoll"};
  int status = 200;                         // other: of every answer
  std::map<std::string, int> refused = {};  // status by "METHOD secrets" or "METHOD apiservices"
  std::optional<base::Time> date = {};      // what its clock says; default: the same as ours
  std::vector<std::string> writes = {};     // "secrets ca.crt,ca.key", "apiservices caBundle"
  int attempts = 0;                         // of writes, also of those that failed
  int reads = 0;                            // of one object
  struct Asked {
    http::FetchId id = 0;
    base::Steady due{};
    http::FetchRequest request = {};
    http::FetchCallback done = {};
  };
  std::list<Asked> asked = {};

 private:
  static bool IsWatch(const http::FetchRequest& request) {
    return request.url.find("watch=1") != std::string::npos;
  }
  static bool IsSecret(const http::FetchRequest& request) {
    return request.url.find("/secrets") != std::string::npos;
  }
  std::string SecretObject() const {
    std::string json = R"({"kind":"Secret","metadata":{"name":"s","resourceVersion":")" +
                       std::to_string(secret_version_) + R"("},"data":{)";
    for (const auto& [key, value] : secret.value_or(std::map<std::string, std::string>{})) {
      json += (json.back() == '{' ? "\"" : ",\"") + key + "\":\"" +
              kube::detail::EncodeBase64(value) + "\"";
    }
    return json + "}}";
  }
  std::string ServiceObject() const {
    return R"({"kind":"APIService","metadata":{"name":"v1beta1.external.metrics.k8s.io",)"
           R"("resourceVersion":")" +
           std::to_string(service_version_) + R"("},"spec":{"service":{"namespace":")" +
           owner.first + R"(","name":")" + owner.second + R"("},"caBundle":")" +
           kube::detail::EncodeBase64(bundle) + R"("}})";
  }
  void Changed(bool is_secret) {
    (is_secret ? secret_version_ : service_version_) = ++version_;
    is_secret ? Tell("/secrets", "MODIFIED", SecretObject())
              : Tell("/apiservices", "MODIFIED", ServiceObject());
  }
  void Tell(std::string_view where, const std::string& type, const std::string& object) {
    if (status != 200) return;
    for (Asked& each : asked) {
      if (IsWatch(each.request) && each.request.url.find(where) != std::string::npos)
        each.request.on_body(R"({"type":")" + type + R"(","object":)" + object + "}\n");
    }
  }

  void Handle(Asked next) {
    const auto answer = [&](int code, std::string body) {
      http::FetchResponse response{.status = code, .body = std::move(body), .url = "url"};
      response.headers.emplace_back("Date", http::detail::HttpDate(date.value_or(clock_.Now())));
      next.done(std::move(response));
    };
    const http::FetchRequest& request = next.request;
    const bool is_secret = IsSecret(request);
    const auto refusal = refused.find(request.method + (is_secret ? " secrets" : " apiservices"));
    if (request.method == "PATCH") ++attempts;
    if (status != 200) return answer(status, R"({"message":"out of order"})");
    if (refusal != refused.end()) return answer(refusal->second, R"({"message":"refused"})");
    const bool there = !is_secret || secret.has_value();
    const std::string object = is_secret ? SecretObject() : ServiceObject();
    if (request.url.find("fieldSelector") != std::string::npos) {
      return answer(200, R"({"metadata":{"resourceVersion":")" + std::to_string(version_) +
                             R"("},"items":[)" + (there ? object : "") + "]}");
    }
    if (!there) return answer(404, R"({"message":"not found"})");
    if (request.method == "GET") {
      ++reads;
      return answer(200, object);
    }
    Patch(request, is_secret, answer);
  }

  template <typename Answer>
  void Patch(const http::FetchRequest& request, bool is_secret, Answer&& answer) {
    const auto patch = document::ParseJson(request.body);
    const auto version = patch->At("metadata", "resourceVersion")->text;
    if (version != std::to_string(is_secret ? secret_version_ : service_version_))
      return answer(409, R"({"message":"the object has been modified"})");
    std::string keys;
    const document::Json* fields = patch->Find(is_secret ? "data" : "spec");
    for (const auto& [key, value] : fields->members) {
      keys += (keys.empty() ? "" : ",") + key;
      const std::string bytes = *kube::detail::DecodeBase64(value.text);
      (is_secret ? (*secret)[key] : bundle) = bytes;
    }
    writes.push_back((is_secret ? "secrets " : "apiservices ") + keys);
    Changed(is_secret);
    answer(200, is_secret ? SecretObject() : ServiceObject());
  }

  const base::Clock& clock_;
  http::FetchId last_ = 0;
  int version_ = 2;
  int secret_version_ = 1;
  int service_version_ = 2;
};

}  // namespace plimsoll::test
