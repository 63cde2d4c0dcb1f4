// SPDX-License-Identifier: Apache-2.0
//
// The threads of the resolver, and what they share with those who ask.
#include "http/detail/resolver.h"

#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "base/format.h"

namespace plimsoll::http::detail {

struct Resolver::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, std::vector<Answer>> waiting;  // by name, also of those being looked up
  std::deque<std::string> queue;                       // names that no thread has taken
  unsigned threads = 0;
  unsigned idle = 0;
  bool stopped = false;
  // Answers run under this lock, so that none runs once the resolver is gone.
  std::mutex answering;
  unsigned thread_limit = 0;
  std::size_t queue_limit = 0;
  Lookup lookup;
};

Resolver::Resolver(unsigned threads, std::size_t queue, Lookup lookup)
    : state_(std::make_shared<State>()) {
  state_->thread_limit = threads;
  state_->queue_limit = queue;
  state_->lookup = std::move(lookup);
}

Resolver::~Resolver() {
  const std::scoped_lock lock(state_->answering, state_->mutex);
  state_->stopped = true;
  state_->waiting.clear();
  state_->changed.notify_all();
}

void Resolver::Ask(const std::string& host, Answer answer) {
  {
    const std::lock_guard lock(state_->mutex);
    if (const auto same = state_->waiting.find(host); same != state_->waiting.end()) {
      same->second.push_back(std::move(answer));
      return;
    }
    if (state_->queue.size() < state_->queue_limit) {
      state_->waiting[host].push_back(std::move(answer));
      state_->queue.push_back(host);
      if (state_->idle == 0 && state_->threads < state_->thread_limit) {
        ++state_->threads;
        std::thread(&Resolver::Run, state_).detach();
      }
      state_->changed.notify_one();
      return;
    }
  }
  answer(base::Error{base::Error::Kind::kLimit,
                     base::format("lookup {}: too many names wait for the resolver", host)});
}

void Resolver::Run(std::shared_ptr<State> state) {
  std::unique_lock lock(state->mutex);
  for (;;) {
    ++state->idle;
    state->changed.wait(lock, [&] { return state->stopped || !state->queue.empty(); });
    --state->idle;
    if (state->stopped) return;
    const std::string host = std::move(state->queue.front());
    state->queue.pop_front();
    lock.unlock();
    const base::Result<Addresses> found = state->lookup(host);
    {
      const std::lock_guard answering(state->answering);
      lock.lock();
      std::vector<Answer> askers;
      if (const auto entry = state->waiting.find(host); entry != state->waiting.end()) {
        askers = std::move(entry->second);
        state->waiting.erase(entry);
      }
      lock.unlock();
      for (const Answer& asker : askers) asker(found);
    }
    lock.lock();
  }
}

base::Result<Resolver::Addresses> Resolver::SystemLookup(const std::string& host) {
  // RFC 6761 6.3: the engine next door must be found where nothing is configured and DNS is down.
  if (host == "localhost" || host.ends_with(".localhost")) return Addresses{"127.0.0.1", "::1"};
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* first = nullptr;
  const int code = getaddrinfo(host.c_str(), nullptr, &hints, &first);
  if (code != 0) {
    return base::Error{base::Error::Kind::kUnavailable,
                       base::format("lookup {}: {}", host,
                                    code == EAI_NONAME ? "no such host" : gai_strerror(code))};
  }
  Addresses addresses;
  for (const addrinfo* entry = first; entry != nullptr; entry = entry->ai_next) {
    std::array<char, NI_MAXHOST> text;
    if (getnameinfo(entry->ai_addr, entry->ai_addrlen, text.data(), text.size(), nullptr, 0,
                    NI_NUMERICHOST) == 0)
      addresses.emplace_back(text.data());
  }
  freeaddrinfo(first);
  return addresses;
}

}  // namespace plimsoll::http::detail
