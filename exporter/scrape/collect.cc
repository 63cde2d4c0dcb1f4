// SPDX-License-Identifier: Apache-2.0
//
// The life of one round. A fetcher may call back from inside Start, so nothing is started while the
// lock is held.
#include "scrape/collect.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "http/message.h"

namespace plimsoll::scrape {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using telemetry::MetricId;

// The part of an address before the path, and the path without a last slash: what a collector's
// paths are appended to.
std::string BaseOf(const std::string& url) {
  std::string base = url.substr(0, url.find_first_of("?#"));
  while (base.ends_with('/')) base.pop_back();
  return base;
}

// What the target's address says behind the question mark.
engines::Collector::Params ParamsOf(const std::string& url) {
  const auto question = url.find('?');
  if (question == std::string::npos) return {};
  const auto end = url.find('#', question);
  const auto query = std::string_view(url).substr(question + 1, end - question - 1);
  return http::ParseQuery(query);
}

std::string_view OutcomeOf(const base::Result<Page>& page) {
  using Kind = base::Error::Kind;
  if (page) return page->status == 200 ? "ok" : "status";
  switch (page.error().kind) {
    case Kind::kTimeout:
      return "timeout";
    case Kind::kLimit:
      return "limit";
    case Kind::kCanceled:
      return "canceled";
    case Kind::kBadInput:
    case Kind::kNotFound:
    case Kind::kUnavailable:
    case Kind::kExecution:
    case Kind::kInternal:
      return "connection";
  }
  return "connection";
}

class Round : public std::enable_shared_from_this<Round> {
 public:
  Round(std::shared_ptr<engines::Collector> collector, PageRequest request, Fetcher& fetcher,
        telemetry::Telemetry* telemetry, std::function<void(Fetched)> done,
        const engines::RoundLimits& limits)
      : request_(std::move(request)),
        base_(BaseOf(request_.url)),
        job_(request_.config ? request_.config->job_name : ""),
        fetcher_(fetcher),
        telemetry_(telemetry),
        done_(std::move(done)),
        limits_(limits),
        state_(State{.collector = std::move(collector)}) {}

  void Begin(base::Time now) {
    state_.With([&](State& state) {
      state.collector->SetParams(ParamsOf(request_.url));
      Queue(state, state.collector->Begin(now));
    });
    Go();
  }

 private:
  struct State {
    std::shared_ptr<engines::Collector> collector = {};
    std::deque<engines::Ask> waiting = {};
    std::size_t asked = 0, under_way = 0;
    std::uint64_t over_budget = 0, over_time = 0;
    bool ended = false;
    bool going = false;  // somebody is in Go
    bool canceled = false;
  };

  void Queue(State& state, std::vector<engines::Ask> asks) {
    if (state.canceled) return;
    for (engines::Ask& ask : asks) {
      if (state.asked + state.waiting.size() >= limits_.requests) {
        ++state.over_budget;
      } else {
        state.waiting.push_back(std::move(ask));
      }
    }
  }

  milliseconds Left() const {
    return request_.timeout -
           std::chrono::duration_cast<milliseconds>(steady_clock::now() - start_);
  }

  // Starts what may be started; ends the round when nothing is left. A callback from inside Start
  // only queues: the loop here goes on with it.
  void Go() {
    if (state_.With([](State& state) { return std::exchange(state.going, true); })) return;
    for (;;) {
      std::vector<engines::Ask> now;
      bool end = false;
      state_.With([&](State& state) {
        while (!state.waiting.empty() && state.under_way < limits_.parallel) {
          engines::Ask ask = std::move(state.waiting.front());
          state.waiting.pop_front();
          if (Left() <= ask.delay) {
            ++state.over_time;
            continue;
          }
          ++state.asked;
          ++state.under_way;
          now.push_back(std::move(ask));
        }
        if (!now.empty()) return;
        state.going = false;
        end = state.under_way == 0 && !state.ended;
        state.ended = state.ended || end;
      });
      if (end) return End();
      if (now.empty()) return;
      for (engines::Ask& ask : now) Start(std::move(ask));
    }
  }

  void Start(engines::Ask ask) {
    PageRequest request;
    request.url = base_ + ask.path;
    for (const auto& header : request_.headers) {
      if (header.first != "Accept") request.headers.push_back(header);
    }
    request.headers.emplace_back("Accept", ask.accept);
    request.delay = ask.delay;
    request.timeout = std::max(milliseconds(1), Left() - ask.delay);
    request.body_limit = limits_.answer_bytes;
    request.config = request_.config;
    fetcher_.Start(std::move(request),
                   [self = shared_from_this(), ask = std::move(ask)](Fetched fetched) {
                     self->Take(ask, std::move(fetched));
                   });
  }

  void Take(const engines::Ask& ask, Fetched fetched) {
    if (telemetry_ != nullptr)
      telemetry_->CounterOf(MetricId::kCollectorRequests, {job_, OutcomeOf(fetched.page)}).Add();
    // The client is going away, and with it the fetcher: whatever else there is to ask is not
    // asked.
    const bool canceled =
        !fetched.page && fetched.page.error().kind == base::Error::Kind::kCanceled;
    state_.With([&](State& state) {
      --state.under_way;
      if (canceled) {
        state.canceled = true;
        state.waiting.clear();
      }
      base::Result<engines::Answer> answer = base::Error{};
      if (fetched.page) {
        bytes_ += fetched.page->body.size();
        answer = engines::Answer{.status = fetched.page->status,
                                 .status_text = std::move(fetched.page->status_text),
                                 .content_type = std::move(fetched.page->content_type),
                                 .body = std::move(fetched.page->body)};
      } else {
        answer = std::move(fetched.page).error();
      }
      Queue(state, state.collector->Take(ask, std::move(answer)));
    });
    Go();
  }

  void End() {
    engines::Collected collected = state_.With([](State& state) { return state.collector->End(); });
    const auto [over_budget, over_time] =
        state_.With([](State& state) { return std::pair(state.over_budget, state.over_time); });
    collected.refused.emplace_back("requests", over_budget);
    collected.refused.emplace_back("time", over_time);
    const auto duration = steady_clock::now() - start_;
    if (telemetry_ != nullptr) {
      for (const auto& [reason, count] : collected.refused) {
        if (count > 0)
          telemetry_->CounterOf(MetricId::kCollectorRefused, {job_, reason})
              .Add(static_cast<double>(count));
      }
      telemetry_->CounterOf(MetricId::kCollectorBytes, {job_}).Add(static_cast<double>(bytes_));
      telemetry_->HistogramOf(MetricId::kCollectorDuration, {job_})
          .Observe(std::chrono::duration<double>(duration).count());
    }
    if (!collected.page) return done_({std::move(collected.page).error(), duration});
    engines::Answer& page = *collected.page;
    done_({Page{.status = page.status,
                .status_text = std::move(page.status_text),
                .content_type = std::move(page.content_type),
                .body = std::move(page.body)},
           duration});
  }

  const PageRequest request_;
  const std::string base_;
  const std::string job_;
  Fetcher& fetcher_;
  telemetry::Telemetry* const telemetry_;
  const std::function<void(Fetched)> done_;
  const engines::RoundLimits limits_;
  const steady_clock::time_point start_ = steady_clock::now();
  std::uint64_t bytes_ = 0;  // under the state's lock
  base::Guarded<State> state_;
};

}  // namespace

void Collect(std::shared_ptr<engines::Collector> collector, PageRequest request, base::Time now,
             Fetcher& fetcher, telemetry::Telemetry* telemetry, std::function<void(Fetched)> done,
             const engines::RoundLimits& limits) {
  std::make_shared<Round>(std::move(collector), std::move(request), fetcher, telemetry,
                          std::move(done), limits)
      ->Begin(now);
}

}  // namespace plimsoll::scrape
