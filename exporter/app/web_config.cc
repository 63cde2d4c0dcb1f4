// SPDX-License-Identifier: Apache-2.0
//
// From the file to a guard and TLS credentials, and when to look again.
#include "app/web_config.h"

#include <sys/stat.h>

#include <utility>

#include "app/read_file.h"
#include "base/format.h"
#include "base/guarded.h"
#include "base/log.h"
#include "base/md5.h"
#include "http/certificates.h"

namespace plimsoll::app {
namespace {

using base::Result;
using telemetry::MetricId;

constexpr std::chrono::seconds kLookInterval{1};
constexpr std::chrono::milliseconds kFresh{20};  // what was looked at so lately is not again

Result<void> ReadInto(std::string& text, const std::string& file, std::string_view key) {
  if (file.empty()) return {};
  auto read = ReadFile(file);
  if (!read)
    return base::Error{read.error().kind, base::format("failed to read {} ({})", key, file)};
  text = *std::move(read);
  return {};
}

http::TlsRules::Clients ClientsOf(config::WebConfig::ClientAuth auth) {
  using From = config::WebConfig::ClientAuth;
  using To = http::TlsRules::Clients;
  switch (auth) {
    case From::kNone:
      return To::kNone;
    case From::kRequest:
      return To::kRequest;
    case From::kRequireAny:
      return To::kRequireAny;
    case From::kVerifyIfGiven:
      return To::kVerifyIfGiven;
    case From::kRequireAndVerify:
      return To::kRequireAndVerify;
  }
  return To::kRequireAndVerify;
}

Result<http::TlsCredentials> CredentialsOf(const config::WebConfig::Tls& tls) {
  http::TlsCredentials credentials{.certificate_pem = tls.cert, .key_pem = tls.key};
  http::TlsRules& rules = credentials.rules;
  rules.clients = ClientsOf(tls.client_auth);
  rules.client_ca_pem = tls.client_ca;
  rules.allowed_sans = tls.client_allowed_sans;
  rules.min_version = tls.min_version;
  rules.max_version = tls.max_version;
  rules.cipher_suites = tls.cipher_suites;
  rules.curves = tls.curves;
  rules.prefer_server = tls.prefer_server_cipher_suites;
  for (const auto& read : {ReadInto(credentials.certificate_pem, tls.cert_file, "cert_file"),
                           ReadInto(credentials.key_pem, tls.key_file, "key_file"),
                           ReadInto(rules.client_ca_pem, tls.client_ca_file, "client_ca_file")}) {
    if (!read) return read.error();
  }
  if (auto usable = http::CheckCredentials(credentials); !usable) return usable.error();
  return credentials;
}

// What stat says of the files: enough to know that one was replaced or written.
std::uint64_t LookAt(const std::vector<std::string>& files) {
  std::string all;
  for (const std::string& file : files) {
    struct stat now = {};
    if (stat(file.c_str(), &now) != 0) now = {};
    all += base::format("{} {} {} {}.{};", now.st_dev, now.st_ino, now.st_size, now.st_mtim.tv_sec,
                        now.st_mtim.tv_nsec);
  }
  return base::Fnv1a(all);
}

std::vector<std::string> FilesOf(const std::string& file, const config::WebConfig& config) {
  std::vector<std::string> files = {file};
  if (config.tls) {
    for (const std::string& named :
         {config.tls->cert_file, config.tls->key_file, config.tls->client_ca_file}) {
      if (!named.empty()) files.push_back(named);
    }
  }
  return files;
}

// Reads what the configuration names.
Result<UsableWebConfig> Usable(std::shared_ptr<const config::WebConfig> config,
                               const std::string& file) {
  UsableWebConfig usable{.config = std::move(config), .tls = std::nullopt};
  if (!usable.config->tls) return usable;
  auto credentials = CredentialsOf(*usable.config->tls);
  if (!credentials) {
    base::Error error = std::move(credentials).error();
    error.message = file + ": " + error.message;
    return error;
  }
  usable.tls = *std::move(credentials);
  return usable;
}

}  // namespace

Result<std::shared_ptr<const config::WebConfig>> ReadWebConfig(const std::string& file) {
  const auto text = ReadFile(file);
  if (!text) return text.error();
  config::LoadedWebConfig loaded = config::ParseWebConfig(*text, file);
  if (!loaded.config) {
    base::Error error = loaded.errors.front();
    for (std::size_t i = 1; i < loaded.errors.size(); ++i)
      error.message += "\n" + loaded.errors[i].ToString();
    return error;
  }
  for (const base::Error& warning : loaded.warnings) base::LogWarn("{}", warning.ToString());
  return loaded.config;
}

Result<UsableWebConfig> LoadWebConfig(const std::string& file) {
  auto config = ReadWebConfig(file);
  if (!config) return std::move(config).error();
  return Usable(*std::move(config), file);
}

Result<std::unique_ptr<WebConfigFile>> WebConfigFile::Open(const std::string& file,
                                                           const base::Clock& clock,
                                                           telemetry::Telemetry& telemetry) {
  auto loaded = LoadWebConfig(file);
  if (!loaded) return std::move(loaded).error();
  return std::unique_ptr<WebConfigFile>(
      new WebConfigFile(file, *std::move(loaded), clock, telemetry));
}

WebConfigFile::WebConfigFile(std::string file, UsableWebConfig first, const base::Clock& clock,
                             telemetry::Telemetry& telemetry)
    : file_(std::move(file)),
      first_(std::move(first)),
      clock_(clock),
      telemetry_(telemetry),
      files_(FilesOf(file_, *first_.config)),
      guard_(clock, &telemetry, [this] { Refresh(); }) {
  seen_ = LookAt(files_);
  (void)Take(first_);  // TLS is the listener's to begin with
  telemetry_.GaugeOf(MetricId::kWebConfigLoaded).Set(1);
}

void WebConfigFile::Start(std::function<Result<void>(const http::TlsCredentials&)> use) {
  {
    const std::lock_guard lock(mutex_);
    use_ = std::move(use);
  }
  thread_ = std::jthread([this](std::stop_token stop) {
    base::Guarded<bool> never(false);
    while (!never.WaitFor(stop, kLookInterval, [](bool) { return false; }) &&
           !stop.stop_requested())
      Refresh();
  });
}

void WebConfigFile::Stop() {
  thread_ = {};
  const std::lock_guard lock(mutex_);
  use_ = nullptr;
}

void WebConfigFile::Refresh() {
  const std::int64_t now = clock_.SteadyNow().count();
  if (now - looked_.load(std::memory_order_relaxed) < base::Steady(kFresh).count()) return;
  looked_.store(now, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  const std::uint64_t seen = LookAt(files_);
  if (seen == seen_ || !use_) return;
  seen_ = seen;
  const Result<void> used = Reload();
  telemetry_.GaugeOf(MetricId::kWebConfigLoaded).Set(used ? 1 : 0);
  if (used) return base::LogInfo("{} has changed and is in use", file_);
  base::LogError("{} has changed and cannot be used, what is in use stays: {}", file_,
                 used.error().ToString());
}

Result<void> WebConfigFile::Reload() {
  auto config = ReadWebConfig(file_);
  if (!config) return std::move(config).error();
  // Also when they cannot be read yet: a certificate may come after who names it. Those that are
  // new may have changed since they were looked at.
  if (auto files = FilesOf(file_, **config); files != files_) {
    seen_ = 0;
    files_ = std::move(files);
  }
  auto loaded = Usable(*std::move(config), file_);
  if (!loaded) return std::move(loaded).error();
  return Take(*loaded);
}

Result<void> WebConfigFile::Take(const UsableWebConfig& loaded) {
  if (loaded.tls.has_value() != first_.tls.has_value())
    return base::BadInput("a change between plain HTTP and TLS needs a restart");
  if (loaded.tls) {
    if (use_) {
      if (auto used = use_(*loaded.tls); !used) return used;
    }
    if (const auto facts = http::ReadBundle(loaded.tls->certificate_pem, "certificate"))
      telemetry_.GaugeOf(MetricId::kCertificateExpiry, {"web"})
          .Set(static_cast<double>(facts->front().valid.until) / 1000);
  }
  serve::WebGuard::Settings settings;
  settings.headers = loaded.config->headers;
  if (!loaded.config->users.empty())
    settings.users = std::make_shared<http::BasicAuth>(loaded.config->users);
  settings.interval = loaded.config->rate_limit.interval;
  settings.burst = loaded.config->rate_limit.burst;
  guard_.Use(std::move(settings));
  return {};
}

}  // namespace plimsoll::app
