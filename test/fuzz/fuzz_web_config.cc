// SPDX-License-Identifier: Apache-2.0
//
// The file of --web.config.file. What is accepted can be used: a pair for TLS, hashes of bcrypt's
// form and cost, headers of one line with values that are allowed. What is refused has a
// place.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/web_config.h"

namespace {

using namespace plimsoll;  // NOLINT: a harness

void Check(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

void Accepted(const config::WebConfig& web) {
  if (web.tls) {
    Check(web.tls->cert.empty() != web.tls->cert_file.empty(), "no certificate, or two");
    Check(web.tls->key.empty() != web.tls->key_file.empty(), "no key, or two");
    Check(web.tls->min_version <= web.tls->max_version, "no version");
    const bool ca = !web.tls->client_ca.empty() || !web.tls->client_ca_file.empty();
    Check(!ca || web.tls->client_auth != config::WebConfig::ClientAuth::kNone, "a CA for nothing");
  }
  for (const auto& [name, value] : web.headers) {
    Check(!value.empty() && value.find_first_of("\r\n") == std::string::npos, "no header line");
    Check(name.starts_with("X-") || name.starts_with("Strict-") || name.starts_with("Content-"),
          "another header");
  }
  for (const auto& [name, hash] : web.users) {
    Check(hash.size() == 60 && hash.starts_with("$2") && hash[3] == '$' && hash[6] == '$',
          "no bcrypt hash");
    const int cost = (hash[4] - '0') * 10 + hash[5] - '0';
    Check(cost >= 4 && cost <= config::WebConfigLimits().bcrypt_cost, "another cost");
  }
  Check(web.rate_limit.burst >= 0, "a burst below nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto loaded = config::ParseWebConfig(text, "dir/web.yml");
  Check((loaded.config == nullptr) == !loaded.errors.empty(), "neither accepted nor refused");
  if (loaded.config) Accepted(*loaded.config);
  for (const auto& error : loaded.errors) {
    Check(!error.message.empty(), "an error without words");
    Check(error.kind != base::Error::Kind::kBadInput || error.where.file == "dir/web.yml",
          "an error without a place");
  }
  return 0;
}
