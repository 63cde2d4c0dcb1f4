// SPDX-License-Identifier: Apache-2.0
//
// plimsoll: load, wire, listen, wait for a signal, leave.
#include <csignal>
#include <cstdio>

#include "app/instance.h"
#include "app/signal_wait.h"
#include "app/verbs.h"
#include "base/format.h"
#include "base/log.h"
#include "base/number_text.h"

namespace plimsoll::app {

int Do(const RunOptions& options) {
  base::SetLogLevel(options.log_level);
  const SignalWait signals;  // before any thread exists
  auto loaded = LoadConfig(options.config);
  if (!loaded) return Fail(loaded.error());
  auto instance = Instance::Make(options, *std::move(loaded));
  if (!instance) return Fail(instance.error());
  if (options.once) {
    std::string page;
    const auto done = (*instance)->Once(page);
    fmt::print("{}", page);
    return done ? kGood : Fail(done.error());
  }
  if (auto started = (*instance)->Start(); !started) return Fail(started.error());
  for (;;) {
    const int signal = signals.Next();
    if (signal != SIGHUP) {
      base::LogInfo("signal {}: leaving", signal);
      break;
    }
    (void)(*instance)->Reload();  // it logs what is wrong
  }
  if (options.shutdown_delay.count() > 0) {
    (*instance)->Retire();
    base::LogInfo("unready; serving on for {}", base::FormatDuration(options.shutdown_delay));
    (void)signals.Next(options.shutdown_delay);  // a second signal cuts it short
  }
  (*instance)->Stop();
  return kGood;
}

}  // namespace plimsoll::app
