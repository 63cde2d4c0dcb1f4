// SPDX-License-Identifier: Apache-2.0
//
// Signals by sigwait.
#include "app/signal_wait.h"

#include <csignal>
#include <ctime>

namespace plimsoll::app {
namespace {

sigset_t Signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

SignalWait::SignalWait() {
  const sigset_t set = Signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT(bugprone-unchecked-return): cannot fail for SIGPIPE
}

int SignalWait::Next() const {
  const sigset_t set = Signals();
  int signal = 0;
  while (sigwait(&set, &signal) != 0) {
  }
  return signal;
}

int SignalWait::Next(std::chrono::milliseconds patience) const {
  const sigset_t set = Signals();
  const timespec wait = {patience.count() / 1000, (patience.count() % 1000) * 1000000};
  const int signal = sigtimedwait(&set, nullptr, &wait);
  return signal > 0 ? signal : 0;
}

}  // namespace plimsoll::app
