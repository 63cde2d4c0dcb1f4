// SPDX-License-Identifier: Apache-2.0
//
// A Kubernetes API server without a network: a test sees each request and writes its answer.
//
// Threads: one; callbacks run inside Answer, Piece and Fail.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kube/api.h"
#include "telemetry/telemetry.h"

namespace plimsoll::test {

class FakeApi {
 public:
  struct Asked {
    http::FetchId id = 0;
    http::FetchRequest request;
    http::FetchCallback done;
  };

  std::shared_ptr<const kube::Api> Client(telemetry::Telemetry* telemetry = nullptr) {
    kube::ClientConfig config{.server = "https://api"};
    config.http = std::make_shared<config::HttpClientConfig>();
    kube::Transport transport;
    transport.start = [this](http::FetchRequest request, http::FetchCallback done) {
      asked.push_back({++last_, std::move(request), std::move(done)});
      ++total;
      return last_;
    };
    transport.cancel = [this](http::FetchId id) { canceled.push_back(id); };
    return std::make_shared<kube::Api>(config, transport, telemetry);
  }

  // The oldest request that has no answer yet.
  const http::FetchRequest& Front() const { return asked.front().request; }
  void Answer(int status, std::string body) {
    Asked next = Take();
    next.done(http::FetchResponse{.status = status, .body = std::move(body), .url = "url"});
  }
  void Fail(base::Error::Kind kind, std::string message) {
    Asked next = Take();
    next.done(base::Error{kind, std::move(message)});
  }
  // The head of a watch's answer.
  void Begin() { asked.front().request.on_success(); }
  // A piece of the body of a watch. Returns: whether the client wants more.
  bool Piece(std::string_view piece) { return asked.front().request.on_body(piece); }

  std::deque<Asked> asked;
  std::vector<http::FetchId> canceled;
  int total = 0;

 private:
  Asked Take() {
    Asked next = std::move(asked.front());
    asked.pop_front();
    return next;
  }
  http::FetchId last_ = 0;
};

}  // namespace plimsoll::test
