// SPDX-License-Identifier: Apache-2.0
//
// One request to a peer, and what is remembered of how peers answer.
#include "serve/forwarding.h"

#include <algorithm>
#include <utility>

#include "base/format.h"
#include "base/log.h"
#include "serve/detail/api_status.h"

namespace plimsoll::serve {
namespace {

using std::chrono::milliseconds;
using telemetry::MetricId;

bool SameAddress(const config::Hub::Adapter& a, const config::Hub::Adapter& b) {
  return a.name == b.name && a.url == b.url;
}

http::Response Refusal(const config::Hub::Adapter& adapter, int status, std::string_view why) {
  return ApiStatus(status, base::format("the metric is not known here, and the adapter {} ({}) {}",
                                        adapter.name, adapter.url, why));
}

// The peer's word, whole. What would make client-go wait and repeat inside the HPA's worker, and
// what belongs to the connection, stays behind.
http::Response Answered(http::FetchResponse fetched) {
  http::Response response{.status = fetched.status, .body = std::move(fetched.body)};
  response.content_type = fetched.Header("Content-Type");
  if (response.content_type.empty()) response.content_type = "application/json";
  for (const char* name : {"Cache-Control", "Audit-Id", "Warning"}) {
    if (const auto value = fetched.Header(name); !value.empty())
      response.headers.emplace_back(name, value);
  }
  return response;
}

}  // namespace

struct Forwarding::Peer {
  // How the last requests went.
  struct Health {
    std::size_t in_flight = 0;
    int failures = 0;  // in a row
    base::Steady closed_until{0};
    milliseconds pause{0};
    bool in_trouble = false;  // so that it is logged once
  };
  Peer(std::shared_ptr<const config::Config> config, const config::Hub::Adapter& one)
      : adapter(std::move(config), &one), http(adapter, &one.http) {}

  const std::shared_ptr<const config::Hub::Adapter> adapter;
  const std::shared_ptr<const config::HttpClientConfig> http;
  std::shared_ptr<base::Guarded<Health>> health = std::make_shared<base::Guarded<Health>>();

  enum class Entry { kMay, kBusy, kOpen };
  // After the pause one request at a time finds out whether the peer is back.
  Entry Enter(base::Steady now, const ForwardingLimits& limits) const {
    return health->With([&](Health& its) {
      if (its.failures >= limits.failures && now < its.closed_until) return Entry::kOpen;
      if (its.failures >= limits.failures && its.in_flight > 0) return Entry::kOpen;
      if (its.in_flight >= limits.in_flight) return Entry::kBusy;
      ++its.in_flight;
      return Entry::kMay;
    });
  }
  void Leave(const base::Error* error, base::Steady now, const ForwardingLimits& limits) const {
    const bool told = health->With([&](Health& its) {
      --its.in_flight;
      if (error == nullptr) {
        its.failures = 0;
        its.pause = milliseconds(0);
        return std::exchange(its.in_trouble, false);
      }
      // Those that were under way with the one that closed it say nothing new.
      if (++its.failures < limits.failures || now < its.closed_until) return false;
      its.pause = std::min(std::max(its.pause * 2, limits.first_pause), limits.longest_pause);
      its.closed_until = now + its.pause;
      return !std::exchange(its.in_trouble, true);
    });
    if (!told) return;
    if (error == nullptr) {
      base::LogInfo("adapter {} answers again", adapter->name);
    } else {
      base::LogWarn("adapter {} does not answer and is left alone for a while: {}", adapter->name,
                    error->ToString());
    }
  }
};

Forwarding::Forwarding(std::shared_ptr<const config::Config> config, Start start,
                       const base::Clock& clock, telemetry::Telemetry* telemetry,
                       ForwardingLimits limits)
    : start_(std::move(start)),
      clock_(clock),
      telemetry_(telemetry),
      limits_(limits),
      peers_(std::make_shared<const Peers>()) {
  Use(std::move(config));
}

Forwarding::~Forwarding() = default;

void Forwarding::Use(std::shared_ptr<const config::Config> config) {
  const auto before = peers_.Get();
  auto peers = std::make_shared<Peers>();
  for (const config::Hub::Adapter& adapter : config->hub.forward) {
    peers->push_back(std::make_shared<Peer>(config, adapter));
    for (const auto& peer : *before) {
      if (SameAddress(*peer->adapter, adapter)) peers->back()->health = peer->health;
    }
  }
  peers_.Publish(std::move(peers));
}

std::shared_ptr<Forwarding::Peer> Forwarding::BySelector(const LabelSelector& selector) const {
  const auto peers = peers_.Get();
  for (const auto& peer : *peers) {
    const auto& labels = peer->adapter->selector_labels;
    for (const LabelSelector::Requirement& requirement : selector.requirements()) {
      if (std::find(labels.begin(), labels.end(), requirement.key) != labels.end()) return peer;
    }
  }
  return nullptr;
}

// One that has labels of its own is asked for those alone.
std::shared_ptr<Forwarding::Peer> Forwarding::Otherwise() const {
  const auto peers = peers_.Get();
  for (const auto& peer : *peers) {
    if (peer->adapter->selector_labels.empty()) return peer;
  }
  return nullptr;
}

http::Response Forwarding::Forward(const std::shared_ptr<Peer>& peer,
                                   const http::Request& request) const {
  const config::Hub::Adapter& adapter = *peer->adapter;
  const auto count = [telemetry = telemetry_, name = adapter.name](std::string_view outcome) {
    if (telemetry != nullptr)
      telemetry->CounterOf(MetricId::kForwardedReads, {name, outcome}).Add();
  };
  if (!request.Header(kForwardedHeader).empty()) {
    count("loop");
    return Refusal(adapter, 404, "is not asked: this request was forwarded to us already");
  }
  http::FetchRequest fetch;
  fetch.method = request.method;
  fetch.url = adapter.url + request.raw_path;
  if (!request.raw_query.empty()) fetch.url += "?" + request.raw_query;
  const std::string_view accept = request.Header("Accept");
  fetch.headers.emplace_back("Accept", accept.empty() ? "application/json" : accept);
  fetch.headers.emplace_back(kForwardedHeader, "1");
  fetch.timeout = adapter.timeout;
  fetch.body_limit = limits_.answer_bytes;
  fetch.config = peer->http;
  http::Response response;
  response.later = [this, peer, count,
                    fetch = std::move(fetch)](std::function<void(http::Response)> reply) mutable {
    const base::Steady begun = clock_.SteadyNow();
    switch (peer->Enter(begun, limits_)) {
      case Peer::Entry::kMay:
        break;
      case Peer::Entry::kBusy:
        count("busy");
        return reply(Refusal(*peer->adapter, 503, "has as many requests under way as it may"));
      case Peer::Entry::kOpen:
        count("open");
        return reply(
            Refusal(*peer->adapter, 503, "is not asked: it has not answered the last requests"));
    }
    start_(std::move(fetch), [this, peer, count, begun,
                              reply = std::move(reply)](base::Result<http::FetchResponse> fetched) {
      const base::Steady now = clock_.SteadyNow();
      if (telemetry_ != nullptr) {
        telemetry_->HistogramOf(MetricId::kForwardDuration, {peer->adapter->name})
            .Observe(std::chrono::duration<double>(now - begun).count());
      }
      // What is no answer of an API: somebody else listens there.
      if (fetched && (fetched->status < 200 || fetched->status / 100 == 3)) {
        fetched = base::Error{base::Error::Kind::kUnavailable,
                              base::format("it answered {}", fetched->StatusText())};
      }
      if (!fetched) {
        const bool late = fetched.error().kind == base::Error::Kind::kTimeout;
        peer->Leave(&fetched.error(), now, limits_);
        count(late ? "timeout" : "failed");
        return reply(Refusal(*peer->adapter, late ? 504 : 503,
                             "did not answer: " + fetched.error().message));
      }
      peer->Leave(nullptr, now, limits_);
      count(std::to_string(fetched->status));
      reply(Answered(*std::move(fetched)));
    });
  };
  return response;
}

}  // namespace plimsoll::serve
