// SPDX-License-Identifier: Apache-2.0
//
// One line per flag of exporter/app/options.cc.
#include "app/flags.h"

#include "base/format.h"
#include "base/number_text.h"

namespace plimsoll::app {
namespace {

std::string Joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ",") + text;
  return all;
}

std::string LevelText(base::LogLevel level) {
  switch (level) {
    case base::LogLevel::kDebug:
      return "debug";
    case base::LogLevel::kInfo:
      return "info";
    case base::LogLevel::kWarn:
      return "warn";
    case base::LogLevel::kError:
      return "error";
  }
  return "";
}

std::string Bool(bool value) { return value ? "true" : "false"; }

}  // namespace

std::map<std::string, std::string> FlagsOf(const RunOptions& options) {
  return {
      {"authentication-kubeconfig", options.authentication_kubeconfig},
      {"authentication-skip-lookup", Bool(options.authentication_skip_lookup)},
      {"authentication-token-webhook-cache-ttl",
       base::FormatDuration(options.authentication_token_webhook_cache_ttl)},
      {"authentication-tolerate-lookup-failure",
       Bool(options.authentication_tolerate_lookup_failure)},
      {"authorization-always-allow-paths", Joined(options.authorization_always_allow_paths)},
      {"authorization-kubeconfig", options.authorization_kubeconfig},
      {"authorization-webhook-cache-authorized-ttl",
       base::FormatDuration(options.authorization_webhook_cache_authorized_ttl)},
      {"authorization-webhook-cache-unauthorized-ttl",
       base::FormatDuration(options.authorization_webhook_cache_unauthorized_ttl)},
      {"bind-address", options.bind_address},
      {"certificate-ca-lifetime", base::FormatDuration(options.certificate_ca_lifetime)},
      {"certificate-lifetime", base::FormatDuration(options.certificate_lifetime)},
      {"certificate-secret", options.certificate_secret},
      {"certificate-service", options.certificate_service},
      {"client-ca-file", options.client_ca_file},
      {"config.file", options.config.file},
      {"enable-feature", Joined(options.query.features)},
      {"engine", options.config.engine},
      {"kubeconfig", options.kubeconfig},
      {"log.level", LevelText(options.log_level)},
      {"manage-certificates", Bool(options.manage_certificates)},
      {"namespace", options.own_namespace},
      {"once", Bool(options.once)},
      {"param", Joined(options.config.params)},
      {"query.lookback-delta", base::FormatDuration(options.query.lookback)},
      {"query.max-samples", std::to_string(options.query.max_samples)},
      {"query.timeout", base::FormatDuration(options.query.timeout)},
      {"requestheader-allowed-names", Joined(options.requestheader_allowed_names)},
      {"requestheader-client-ca-file", options.requestheader_client_ca_file},
      {"requestheader-extra-headers-prefix", Joined(options.requestheader_extra_headers_prefix)},
      {"requestheader-group-headers", Joined(options.requestheader_group_headers)},
      {"requestheader-uid-headers", Joined(options.requestheader_uid_headers)},
      {"requestheader-username-headers", Joined(options.requestheader_username_headers)},
      {"secure-port", std::to_string(options.secure_port)},
      {"shutdown-delay-duration", base::FormatDuration(options.shutdown_delay)},
      {"storage.max-bytes", options.max_bytes ? base::format("{}B", *options.max_bytes) : ""},
      {"storage.retention.time", base::FormatDuration(options.retention)},
      {"storage.window-file", options.window_file},
      {"target", options.config.target},
      {"tls-cert-file", options.tls_cert_file},
      {"tls-private-key-file", options.tls_private_key_file},
      {"web.config.file", options.web_config_file},
      {"web.cors.origin", options.cors_origin},
      {"web.enable-lifecycle", Bool(options.enable_lifecycle)},
      {"web.listen-address", options.listen_address},
      {"web.query-concurrency", std::to_string(options.query_concurrency)},
  };
}

}  // namespace plimsoll::app
