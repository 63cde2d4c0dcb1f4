// SPDX-License-Identifier: Apache-2.0
//
// List, watch, and what to do after each end of either.
#include "kube/collection_watch.h"

#include <mutex>
#include <utility>

#include "base/clock.h"
#include "base/format.h"
#include "kube/detail/backoff.h"
#include "kube/detail/watch_event.h"
#include "telemetry/telemetry.h"

namespace plimsoll::kube {
namespace {

using base::Error;
using base::Result;
using detail::WatchEvent;
using std::chrono::milliseconds;

}  // namespace

// Callbacks of the client hold it weakly: after the watch is gone they find nobody.
class CollectionWatch::State : public std::enable_shared_from_this<State> {
 public:
  State(std::shared_ptr<const Api> api, telemetry::Telemetry* telemetry, Options options)
      : api_(std::move(api)),
        telemetry_(telemetry),
        options_(std::move(options)),
        backoff_(options_.limits.first_backoff, options_.limits.longest_backoff),
        page_(options_.page) {
    if (!options_.random) options_.random = detail::OwnRandom();
  }

  void Start() {
    const std::lock_guard lock(mutex_);
    List();
  }

  void Stop() {
    http::FetchId running = 0;
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
      running = running_;
    }
    api_->Cancel(running);
  }

 private:
  // All below: under the lock.
  std::string Query(bool watch) const {
    std::string query = options_.query;
    const auto add = [&query](const std::string& more) {
      if (!query.empty()) query += '&';
      query += more;
    };
    if (!watch) {
      if (page_ != 0) add("limit=" + std::to_string(page_));
      if (!rest_.empty()) add("continue=" + http::PercentEncode(rest_));
      return query;
    }
    // Spread, so that replicas that started together do not come back together.
    const auto window = std::chrono::duration<double>(options_.limits.window);
    window_ = std::chrono::duration_cast<std::chrono::seconds>(window * (1 + options_.random()));
    add(base::format("watch=1&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}",
                     http::PercentEncode(version_), window_.count()));
    return query;
  }

  void List() {
    Call call{.name = "list", .path = options_.collection, .query = Query(false)};
    call.delay = std::exchange(delay_, milliseconds(0));
    running_ = api_->Start(std::move(call), [weak = weak_from_this()](Result<Answer> answer) {
      if (const auto self = weak.lock()) self->Listed(std::move(answer));
    });
  }

  void Watch() {
    Call call{.name = "watch", .path = options_.collection, .query = Query(true)};
    call.timeout = window_ + options_.limits.grace;
    lines_ = std::make_unique<detail::LineBuffer>(options_.limits.line_bytes);
    begun_ = options_.clock->SteadyNow() + delay_;
    changes_ = false;
    relist_ = false;
    failure_.reset();
    call.delay = std::exchange(delay_, milliseconds(0));
    call.on_body = [weak = weak_from_this()](std::string_view piece) {
      const auto self = weak.lock();
      return self != nullptr && self->Took(piece);
    };
    call.on_success = [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->WatchBegun();
    };
    running_ = api_->Start(std::move(call), [weak = weak_from_this()](Result<Answer> answer) {
      if (const auto self = weak.lock()) self->WatchEnded(std::move(answer));
    });
  }

  void Listed(Result<Answer> answer) {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    auto document = Succeeded(std::move(answer));
    auto listed = document ? detail::ReadList(*std::move(document))
                           : Result<detail::ListedObjects>(std::move(document).error());
    const bool first = rest_.empty();
    rest_.clear();  // after a failure the list begins anew: its rest may be gone by then
    if (!listed) {
      // Objects can be larger than pages of them were meant for: that is found out once.
      if (listed.error().kind == Error::Kind::kLimit && page_ > 1) {
        page_ /= 2;
        Count("list_bytes");
      } else {
        Failed(listed.error());
      }
      return List();
    }
    // A list that always breaks off is none, whatever its first pages say.
    if (listed->rest.empty() && !watch_failed_) Recovered();
    version_ = listed->version;
    rest_ = listed->rest;
    options_.listed(std::move(listed->objects), first, rest_.empty());
    rest_.empty() ? Watch() : List();
  }

  // It may last for minutes without an event, and is well. Failures are counted on until it has
  // told something or ended in order: one that is cut off each time is asked for ever more slowly.
  void WatchBegun() {
    const std::lock_guard lock(mutex_);
    if (!stopped_) TellWell();
  }

  // Returns: whether the watch shall go on.
  bool Took(std::string_view piece) {
    const std::lock_guard lock(mutex_);
    if (stopped_) return false;
    const bool go_on = lines_->Add(piece, [&](std::string_view line) { return Event(line); });
    if (lines_->overflown()) {
      Count("watch_line_bytes");
      Fail({Error::Kind::kLimit,
            base::format("watch: an event of more than {} bytes", options_.limits.line_bytes)});
    }
    return go_on;
  }

  bool Event(std::string_view line) {
    auto event = detail::ParseWatchEvent(line);
    if (!event) {
      Count("watch_event");
      return Fail(std::move(event).error());
    }
    if (event->kind == WatchEvent::Kind::kError) {
      relist_ = true;  // 410 is the ordinary case: the version is too old to go on from
      if (event->code == 410) return false;
      return Fail({Error::Kind::kUnavailable, "watch: " + event->message});
    }
    Recovered();
    version_ = event->version;
    if (event->kind == WatchEvent::Kind::kBookmark) return true;
    changes_ = true;
    options_.changed(event->object, event->kind == WatchEvent::Kind::kDeleted);
    return true;
  }

  bool Fail(Error error) {
    failure_ = std::move(error);
    relist_ = true;
    return false;
  }

  void WatchEnded(Result<Answer> answer) {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    if (failure_) {
      watch_failed_ = true;
      Failed(*failure_);
      return List();
    }
    if (relist_ || (answer && answer->status == 410)) return RelistAfterGone();
    const bool lasted =
        options_.clock->SteadyNow() - begun_ >= base::Steady(options_.limits.first_backoff);
    if (answer && answer->status / 100 == 2) {
      Recovered();
      gone_ = 0;
      if (!lasted && !changes_) Pause();  // a server that ends every watch is not asked in a circle
      return Watch();
    }
    // Cut off: a new watch goes on where this one was. Refused: a new start.
    const bool refused = answer.has_value();
    auto document = Succeeded(std::move(answer));
    watch_failed_ = true;
    Failed(document ? Error{Error::Kind::kUnavailable, "watch: no answer"} : document.error());
    return refused ? List() : Watch();
  }

  // Once at once; a server that says Gone to a version it has just given is waited for.
  void RelistAfterGone() {
    if (gone_++ > 0) Pause();
    List();
  }

  void Count(std::string_view reason) {
    if (telemetry_ != nullptr)
      telemetry_->CounterOf(telemetry::MetricId::kKubeRefused, {reason}).Add();
  }
  void Failed(const Error& error) {
    if (options_.trouble) options_.trouble(&error);
    in_trouble_ = true;
    Pause();
  }
  void Recovered() {
    backoff_.Reset();
    TellWell();
  }
  void TellWell() {
    watch_failed_ = false;
    if (!std::exchange(in_trouble_, false)) return;
    if (options_.trouble) options_.trouble(nullptr);
  }
  // The next call begins later.
  void Pause() { delay_ = backoff_.Next(options_.random()); }

  const std::shared_ptr<const Api> api_;
  telemetry::Telemetry* const telemetry_;
  Options options_;
  detail::Backoff backoff_;

  std::mutex mutex_;
  bool stopped_ = false;
  http::FetchId running_ = 0;
  std::string version_;
  std::string rest_;  // of a list that is under way
  std::size_t page_;  // objects of one answer; no more than asked for
  mutable std::chrono::seconds window_{0};
  milliseconds delay_{0};
  int gone_ = 0;
  bool in_trouble_ = false;
  bool watch_failed_ = false;  // so that a list that succeeds is no recovery
  // Of the watch that runs.
  std::unique_ptr<detail::LineBuffer> lines_;
  base::Steady begun_{};
  bool changes_ = false;
  bool relist_ = false;
  std::optional<Error> failure_;
};

CollectionWatch::CollectionWatch(std::shared_ptr<const Api> api, telemetry::Telemetry* telemetry,
                                 Options options)
    : state_(std::make_shared<State>(std::move(api), telemetry, std::move(options))) {}

CollectionWatch::~CollectionWatch() { state_->Stop(); }

void CollectionWatch::Start() { state_->Start(); }

}  // namespace plimsoll::kube
