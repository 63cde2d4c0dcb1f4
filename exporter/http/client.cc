// SPDX-License-Identifier: Apache-2.0
//
// The io thread of the client, and the way in and out of it.
#include "http/client.h"

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "http/detail/answer.h"
#include "http/detail/fetch.h"

namespace plimsoll::http {

using boost::asio::post;

std::string_view FetchResponse::Header(std::string_view name) const {
  return FindHeader(headers, name);
}

std::string FetchResponse::StatusText() const {
  return std::to_string(status) + " " +
         (phrase.empty() ? std::string(detail::ReasonPhrase(status)) : phrase);
}

std::optional<base::Time> FetchResponse::Date() const {
  return detail::ParseHttpDate(Header("Date"));
}

struct Client::Impl {
  Impl(ClientLimits limits, telemetry::Telemetry* telemetry) : shared(limits, telemetry) {}

  void Begin(FetchId id, FetchRequest request, FetchCallback callback) {
    const auto fetch =
        std::make_shared<detail::Fetch>(shared, id, std::move(request), std::move(callback));
    const bool full = shared.fetches.size() >= shared.limits.in_flight;
    shared.fetches.emplace(id, fetch);
    if (stopping) return fetch->Cancel(kStopping);
    if (full) return fetch->Refuse("too many requests are in flight");
    fetch->Start();
  }
  void Sweep() {
    sweep.expires_after(shared.limits.idle_timeout / 4);
    sweep.async_wait([this](const boost::system::error_code& canceled) {
      if (canceled) return;
      shared.SweepIdle();
      Sweep();
    });
  }
  void Stop() {
    stopping = true;
    sweep.cancel();
    shared.idle.clear();
    std::vector<std::shared_ptr<detail::Fetch>> running;
    for (const auto& [id, fetch] : shared.fetches) running.push_back(fetch);
    for (const auto& fetch : running) fetch->Cancel(kStopping);
    // What those callbacks have started is canceled first.
    post(shared.context, [this] { shared.context.stop(); });
  }

  static constexpr std::string_view kStopping = "the client is stopping";

  detail::ClientShared shared;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> alive{
      shared.context.get_executor()};
  boost::asio::steady_timer sweep{shared.context};
  bool stopping = false;  // io thread
  std::atomic<FetchId> last_id = 0;
  std::thread thread;
};

Client::Client(ClientLimits limits, telemetry::Telemetry* telemetry)
    : impl_(std::make_unique<Impl>(limits, telemetry)) {
  impl_->Sweep();
  impl_->thread = std::thread([&context = impl_->shared.context] { context.run(); });
}

Client::~Client() {
  post(impl_->shared.context, [impl = impl_.get()] { impl->Stop(); });
  impl_->thread.join();
}

FetchId Client::Start(FetchRequest request, FetchCallback callback) {
  const FetchId id = ++impl_->last_id;
  post(impl_->shared.context, [impl = impl_.get(), id, request = std::move(request),
                               callback = std::move(callback)]() mutable {
    impl->Begin(id, std::move(request), std::move(callback));
  });
  return id;
}

void Client::Cancel(FetchId id) {
  post(impl_->shared.context, [impl = impl_.get(), id] {
    const auto found = impl->shared.fetches.find(id);
    if (found == impl->shared.fetches.end()) return;
    const auto fetch = found->second;  // it erases itself
    fetch->Cancel("canceled");
  });
}

base::Result<FetchResponse> Client::Fetch(FetchRequest request) {
  std::promise<base::Result<FetchResponse>> promise;
  auto future = promise.get_future();
  Start(std::move(request),
        [&promise](base::Result<FetchResponse> result) { promise.set_value(std::move(result)); });
  return future.get();
}

}  // namespace plimsoll::http
