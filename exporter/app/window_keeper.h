// SPDX-License-Identifier: Apache-2.0
//
// Keeps the window and the last good values in a file, on a thread of its own, so that a slow disk
// delays no tick.
//
// A disk that cannot be written is logged once and counted; what is missing is written when it can
// be. A file that is not a window file, or that another process has, is an error at the start: it
// is not ours to overwrite. One that cannot be restored is set aside.
//
// Threads: Make and Stop from the main thread; Wake from any thread.
// Bounds:  store::WindowFile::Options.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/published.h"
#include "base/result.h"
#include "signals/snapshot.h"
#include "store/memory_store.h"
#include "store/window_file.h"
#include "telemetry/telemetry.h"

namespace plimsoll::app {

class WindowKeeper {
 public:
  struct Parts {
    std::string path;
    const base::Clock* clock = nullptr;
    store::MemoryStore* store = nullptr;
    base::Published<signals::Snapshot>* snapshot = nullptr;
    telemetry::Telemetry* telemetry = nullptr;
  };

  // Puts what the file holds into the store and the snapshot. Requires: the store has its window
  // and no samples. Fails with: kBadInput, kLimit.
  static base::Result<std::unique_ptr<WindowKeeper>> Make(Parts parts);
  ~WindowKeeper();

  void Start();
  // There is something new.
  void Wake();
  // Writes the last of it. Requires: nothing is appended any more.
  void Stop();

 private:
  explicit WindowKeeper(Parts parts);
  base::Result<void> Open();
  base::Result<void> Restore();
  void Save();
  void SetAside(const base::Error& why);
  void Complain(std::string_view reason, const base::Error& error);

  const Parts parts_;
  std::unique_ptr<store::WindowFile> file_;  // null while it cannot be opened
  bool failing_ = false;
  telemetry::Gauge bytes_, last_;
  base::Guarded<bool> woken_;
  std::jthread thread_;
};

}  // namespace plimsoll::app
