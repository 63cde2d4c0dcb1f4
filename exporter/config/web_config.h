// SPDX-License-Identifier: Apache-2.0
//
// --web.config.file: TLS, users, headers and a rate limit of the ops listener, in the format that
// Prometheus and its exporters share.
//
// What the format has and we do not is accepted where it changes nothing (http2) and refused
// otherwise. Errors have the exporter toolkit's words and a place; they never show a key or a hash.
//
// Threads: pure functions.
// Bounds:  WebConfigLimits.
// See:     prometheus/exporter-toolkit docs/web-configuration.md
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace plimsoll::config {

struct WebConfigLimits {
  std::size_t bytes = 1 << 20;
  std::size_t users = 1000;
  // A hash of cost 18 takes half a minute; each more takes twice as long.
  int bcrypt_cost = 18;
};

struct WebConfig {
  enum class ClientAuth { kNone, kRequest, kRequireAny, kVerifyIfGiven, kRequireAndVerify };
  struct Tls {
    std::string cert, cert_file;  // PEM, or where it is; of each pair one
    std::string key, key_file;
    std::string client_ca, client_ca_file;
    ClientAuth client_auth = ClientAuth::kNone;
    std::vector<std::string> client_allowed_sans;
    std::string min_version = "TLS12", max_version = "TLS13";
    std::vector<std::string> cipher_suites;  // IANA's names
    std::vector<std::string> curves;         // "X25519", "P-256", ...
    bool prefer_server_cipher_suites = true;
  };
  struct RateLimit {
    std::chrono::milliseconds interval{0};  // between two requests; zero: no limit
    std::int64_t burst = 0;
  };

  std::optional<Tls> tls = {};  // nothing: plain HTTP
  std::vector<std::pair<std::string, std::string>> headers = {};
  RateLimit rate_limit = {};
  std::map<std::string, std::string, std::less<>> users = {};  // bcrypt hashes by name
};

struct LoadedWebConfig {
  std::shared_ptr<const WebConfig> config;  // null when there are errors
  std::vector<base::Error> errors = {};
  std::vector<base::Error> warnings = {};
};
// Files are relative to the folder of `file`.
LoadedWebConfig ParseWebConfig(std::string_view text, const std::string& file,
                               const WebConfigLimits& limits = {});

}  // namespace plimsoll::config
