// SPDX-License-Identifier: Apache-2.0
//
// Targets without a network: a fetcher whose pages a test writes down.
//
// A target answers at once by default; held, it answers when the test says so.
//
// Threads: one; callbacks run inside Start or Release.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "scrape/fetcher.h"

namespace plimsoll::test {

class FakeTargets final : public scrape::Fetcher {
 public:
  // What the next and all later scrapes of `url` get.
  void Serve(const std::string& url, std::string body,
             std::string content_type = "text/plain; version=0.0.4") {
    Answer(url, scrape::Page{200, "200 OK", std::move(content_type), std::move(body)});
  }
  void ServeStatus(const std::string& url, int status, std::string text, std::string body = "") {
    Answer(url, scrape::Page{status, std::move(text), "text/plain", std::move(body)});
  }
  void Fail(const std::string& url, base::Error error) { Answer(url, std::move(error)); }
  void Hold(const std::string& url) { held_[url]; }
  // Every address that was not given an answer of its own is answered by `answer`.
  void AnswerBy(std::function<scrape::Fetched(const scrape::PageRequest&)> answer) {
    answer_by_ = std::move(answer);
  }
  // Lets the oldest waiting fetch of a held target end, with what it serves now.
  void Release(const std::string& url) {
    auto done = std::move(held_[url].front());
    held_[url].pop_front();
    done(AnswerOf(url));
  }

  void Start(scrape::PageRequest request, std::function<void(scrape::Fetched)> done) override {
    requests.push_back(request);
    const std::string url = request.url;
    if (const auto held = held_.find(url); held != held_.end()) {
      held->second.push_back(std::move(done));
      return;
    }
    if (answer_by_ && !answers_.contains(url)) return done(answer_by_(request));
    done(AnswerOf(url));
  }

  std::vector<scrape::PageRequest> requests;

 private:
  void Answer(const std::string& url, base::Result<scrape::Page> page) {
    answers_.insert_or_assign(url, scrape::Fetched{.page = std::move(page)});
  }
  // A target that was never given a page refuses the connection.
  scrape::Fetched AnswerOf(const std::string& url) const {
    const auto found = answers_.find(url);
    if (found != answers_.end()) return found->second;
    return {base::Error{base::Error::Kind::kUnavailable,
                        "Get \"" + url + "\": connect: connection refused"}};
  }

  std::function<scrape::Fetched(const scrape::PageRequest&)> answer_by_;
  std::map<std::string, scrape::Fetched> answers_;
  std::map<std::string, std::deque<std::function<void(scrape::Fetched)>>> held_;
};

}  // namespace plimsoll::test
