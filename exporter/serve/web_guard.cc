// SPDX-License-Identifier: Apache-2.0
//
// Rate, user, handler, headers: in that order, with the exporter toolkit's answers.
#include "serve/web_guard.h"

#include <algorithm>

#include "serve/detail/plain_text.h"

namespace plimsoll::serve {

using Verdict = http::BasicAuth::Verdict;

WebGuard::WebGuard(const base::Clock& clock, telemetry::Telemetry* telemetry,
                   std::function<void()> fresh)
    : clock_(clock),
      telemetry_(telemetry),
      fresh_(std::move(fresh)),
      settings_(std::make_shared<const Settings>()) {}

void WebGuard::Use(Settings settings) {
  const auto before = settings_.Get();
  // Who was known stays known while the users are the same.
  if (settings.users && before->users && settings.users->users() == before->users->users())
    settings.users = before->users;
  settings_.Publish(std::make_shared<const Settings>(std::move(settings)));
}

bool WebGuard::IsSlow(const http::Request& request) const {
  if (fresh_) fresh_();
  const auto settings = settings_.Get();
  return settings->users && settings->users->Known(request) == Verdict::kUnknown;
}

http::Handler WebGuard::Around(http::Handler handler) {
  return [this, handler = std::move(handler)](const http::Request& request) {
    if (fresh_) fresh_();
    const auto settings = settings_.Get();
    auto refusal = Refuse(*settings, request);
    http::Response response = refusal ? *std::move(refusal) : handler(request);
    for (const auto& header : settings->headers) {
      std::erase_if(response.headers, [&](const auto& each) { return each.first == header.first; });
      response.headers.push_back(header);
    }
    return response;
  };
}

std::optional<http::Response> WebGuard::Refuse(const Settings& settings,
                                               const http::Request& request) {
  if (!TakeToken(settings)) {
    Count("rate_limit");
    return PlainError(429, "Too Many Requests");
  }
  if (!settings.users) return std::nullopt;
  Verdict verdict = settings.users->Known(request);
  if (verdict == Verdict::kUnknown)
    verdict = request.must_be_quick ? Verdict::kBusy : settings.users->Check(request);
  if (verdict == Verdict::kAllowed) return std::nullopt;
  if (verdict == Verdict::kBusy) {
    Count("busy");
    return PlainError(503, "Too many passwords are being checked");
  }
  Count("unauthorized");
  http::Response response = PlainError(401, "Unauthorized");
  response.headers.emplace_back("WWW-Authenticate", "Basic");
  return response;
}

bool WebGuard::TakeToken(const Settings& settings) {
  if (settings.interval.count() <= 0) return true;
  const base::Steady now = clock_.SteadyNow();
  const auto burst = static_cast<double>(settings.burst);
  return bucket_.With([&](Bucket& bucket) {
    if (bucket.tokens < 0) {
      bucket.tokens = burst;
    } else {
      const std::chrono::duration<double> passed = now - bucket.filled;
      const std::chrono::duration<double> each = settings.interval;
      bucket.tokens = std::min(burst, bucket.tokens + passed / each);
    }
    bucket.filled = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  });
}

void WebGuard::Count(std::string_view reason) {
  if (telemetry_ != nullptr)
    telemetry_->CounterOf(telemetry::MetricId::kWebRefused, {reason}).Add();
}

}  // namespace plimsoll::serve
