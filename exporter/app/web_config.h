// SPDX-License-Identifier: Apache-2.0
//
// --web.config.file as it is now: read at the start, and again whenever it or a file that it names
// has changed, which every request asks and a thread every second.
//
// A change that cannot be used leaves what is in use, and says so; so does one between plain HTTP
// and TLS, which needs a restart.
//
// Threads: every member may be called from any thread, Start and Stop from one.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "config/web_config.h"
#include "http/server.h"
#include "serve/web_guard.h"
#include "telemetry/telemetry.h"

namespace plimsoll::app {

struct UsableWebConfig {
  std::shared_ptr<const config::WebConfig> config;
  std::optional<http::TlsCredentials> tls;  // nothing: plain HTTP
};
// Reads the file, and nothing that it names. Warnings are logged.
// Fails with: the first error, the others on lines of their own; kUnavailable.
base::Result<std::shared_ptr<const config::WebConfig>> ReadWebConfig(const std::string& file);
// Reads the file and what it names. Warnings are logged.
// Fails with: the first error, the others on lines of their own; what cannot be read or used.
base::Result<UsableWebConfig> LoadWebConfig(const std::string& file);

class WebConfigFile {
 public:
  // Fails with: as LoadWebConfig.
  static base::Result<std::unique_ptr<WebConfigFile>> Open(const std::string& file,
                                                           const base::Clock& clock,
                                                           telemetry::Telemetry& telemetry);
  ~WebConfigFile() { Stop(); }

  serve::WebGuard& guard() { return guard_; }
  // What the listener begins with; nothing for plain HTTP.
  const std::optional<http::TlsCredentials>& tls() const { return first_.tls; }
  // `use` gets each later change of the TLS part.
  void Start(std::function<base::Result<void>(const http::TlsCredentials&)> use);
  void Stop();

 private:
  WebConfigFile(std::string file, UsableWebConfig first, const base::Clock& clock,
                telemetry::Telemetry& telemetry);
  // Looks, unless somebody has just looked.
  void Refresh();
  // Requires: the lock mutex_.
  base::Result<void> Reload();
  base::Result<void> Take(const UsableWebConfig& loaded);

  const std::string file_;
  UsableWebConfig first_;
  const base::Clock& clock_;
  telemetry::Telemetry& telemetry_;
  std::function<base::Result<void>(const http::TlsCredentials&)> use_;
  std::atomic<std::int64_t> looked_ = 0;  // on the steady clock
  std::mutex mutex_;
  std::uint64_t seen_ = 0;          // of the files, when they were last read; guarded by mutex_
  std::vector<std::string> files_;  // that count; guarded by mutex_
  serve::WebGuard guard_;
  std::jthread thread_;
};

}  // namespace plimsoll::app
