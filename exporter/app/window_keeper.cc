// SPDX-License-Identifier: Apache-2.0
//
// See window_keeper.h.
#include "app/window_keeper.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "signals/keep.h"

namespace plimsoll::app {

using base::Error;
using base::Result;
using telemetry::MetricId;

Result<std::unique_ptr<WindowKeeper>> WindowKeeper::Make(Parts parts) {
  std::unique_ptr<WindowKeeper> keeper(new WindowKeeper(std::move(parts)));
  if (auto opened = keeper->Open(); !opened) {
    // A disk that is full or read-only must not keep anybody from scaling.
    if (opened.error().kind != Error::Kind::kUnavailable) return std::move(opened).error();
    keeper->Complain("disk", opened.error());
    return keeper;
  }
  if (auto restored = keeper->Restore(); !restored) keeper->SetAside(restored.error());
  return keeper;
}

WindowKeeper::WindowKeeper(Parts parts)
    : parts_(std::move(parts)),
      bytes_(parts_.telemetry->GaugeOf(MetricId::kWindowFileBytes)),
      last_(parts_.telemetry->GaugeOf(MetricId::kWindowFileLastSave)),
      woken_(false) {}

WindowKeeper::~WindowKeeper() { Stop(); }

Result<void> WindowKeeper::Open() {
  auto file = store::WindowFile::Open({.path = parts_.path});
  if (file) {
    file_ = *std::move(file);
    return {};
  }
  return std::move(file).error();
}

Result<void> WindowKeeper::Restore() {
  auto restored = file_->Restore(parts_.store->appender(), parts_.clock->Now());
  if (!restored) return std::move(restored).error();
  auto kept = signals::RestoreKept(restored->note, parts_.path, signals::Moment::Of(*parts_.clock));
  if (!kept) return std::move(kept).error();
  parts_.snapshot->Publish(*std::move(kept));
  parts_.store->Expire(parts_.clock->Now());
  if (restored->dropped_bytes > 0) {
    base::LogWarn("{}: {} bytes behind the last whole batch are dropped: {}", parts_.path,
                  restored->dropped_bytes, restored->why_dropped);
  }
  if (restored->samples > 0) {
    base::LogInfo("{}: {} samples of {} series restored, the newest {} s old", parts_.path,
                  restored->samples, restored->series,
                  (parts_.clock->Now() - restored->last) / 1000);
  }
  return {};
}

// What is sealed and not understood (of another version) or does not fit any more: somebody may
// want to look at it, and nobody wants to stop scaling for it.
void WindowKeeper::SetAside(const Error& why) {
  const std::string refused = parts_.path + ".refused";
  std::error_code failure;
  std::filesystem::rename(parts_.path, refused, failure);
  parts_.telemetry->CounterOf(MetricId::kWindowFileFailures, {"restore"}).Add();
  if (failure) {
    base::LogError(
        "the window begins anew, and {} is lost, for it cannot be renamed to {} ({}): {}",
        parts_.path, refused, failure.message(), why.ToString());
    return;
  }
  base::LogError("the window begins anew, the file is kept as {}: {}", refused, why.ToString());
}

void WindowKeeper::Start() {
  thread_ = std::jthread([this](std::stop_token stop) {
    while (woken_.Wait(stop, [](bool woken) { return woken; })) {
      woken_.With([](bool& woken) { woken = false; });
      Save();
    }
  });
}

void WindowKeeper::Wake() {
  woken_.Change([](bool& woken) { woken = true; });
}

void WindowKeeper::Stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
  Save();
}

void WindowKeeper::Save() {
  if (!file_) {
    if (auto opened = Open(); !opened) return Complain("disk", opened.error());
  }
  const auto snapshot = parts_.snapshot->Get();
  auto saved = file_->Save(*parts_.store, snapshot ? signals::KeptText(*snapshot) : "");
  if (!saved) {
    const bool limit = saved.error().kind == Error::Kind::kLimit;
    return Complain(limit ? "max_bytes" : "disk", saved.error());
  }
  if (std::exchange(failing_, false)) base::LogInfo("{}: written again", parts_.path);
  bytes_.Set(static_cast<double>(file_->size()));
  last_.Set(static_cast<double>(parts_.clock->Now()) / 1000);
}

void WindowKeeper::Complain(std::string_view reason, const Error& error) {
  parts_.telemetry->CounterOf(MetricId::kWindowFileFailures, {reason}).Add();
  if (std::exchange(failing_, true)) return;
  base::LogError("the window is not saved, a restart would begin without it: {}", error.ToString());
}

}  // namespace plimsoll::app
