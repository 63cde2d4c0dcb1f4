// SPDX-License-Identifier: Apache-2.0
//
// Four sections, each strict.
#include "config/web_config.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>

#include "base/format.h"
#include "document/yaml.h"

namespace plimsoll::config {
namespace {

using document::Errors;
using document::MapReader;
using document::YamlNode;

// What Go calls its cipher suites: those that it does not call insecure.
constexpr std::array<std::string_view, 13> kCipherSuites = {
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"};
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kCurves = {
    {{"CurveP256", "P-256"}, {"CurveP384", "P-384"}, {"CurveP521", "P-521"}, {"X25519", "X25519"}}};
constexpr std::array<std::string_view, 4> kVersions = {"TLS10", "TLS11", "TLS12", "TLS13"};

using ClientAuth = WebConfig::ClientAuth;
constexpr std::array<std::pair<std::string_view, ClientAuth>, 6> kClientAuth = {
    {{"NoClientCert", ClientAuth::kNone},
     {"RequestClientCert", ClientAuth::kRequest},
     {"RequireAnyClientCert", ClientAuth::kRequireAny},
     {"RequireClientCert", ClientAuth::kRequireAny},
     {"VerifyClientCertIfGiven", ClientAuth::kVerifyIfGiven},
     {"RequireAndVerifyClientCert", ClientAuth::kRequireAndVerify}}};

struct AllowedHeader {
  std::string_view name;
  std::array<std::string_view, 2> values;  // "": any
};
constexpr std::array<AllowedHeader, 5> kHeaders = {{{"Strict-Transport-Security", {}},
                                                    {"X-Content-Type-Options", {"nosniff"}},
                                                    {"X-Frame-Options", {"deny", "sameorigin"}},
                                                    {"X-XSS-Protection", {}},
                                                    {"Content-Security-Policy", {}}}};

class Reader {
 public:
  Reader(const std::string& file, const WebConfigLimits& limits)
      : folder_(std::filesystem::path(file).parent_path()), limits_(limits) {}

  Errors errors;
  std::vector<base::Error> warnings;

  void Read(const YamlNode& root, WebConfig& config) {
    MapReader map(root, "the web configuration", errors);
    if (const YamlNode* node = map.Map("tls_server_config")) ReadTls(*node, config);
    if (const YamlNode* node = map.Map("http_server_config")) ReadHttp(*node, config);
    if (const YamlNode* node = map.Map("rate_limit")) ReadRateLimit(*node, config);
    if (const YamlNode* node = map.Map("basic_auth_users")) ReadUsers(*node, config);
    map.Finish();
  }

 private:
  bool ReadPath(MapReader& map, std::string_view key, std::string& out) const {
    if (!map.Read(key, out)) return false;
    if (!out.empty() && !out.starts_with('/') && !folder_.empty())
      out = (folder_ / out).lexically_normal().string();
    return true;
  }

  void ReadVersion(MapReader& map, std::string_view key, std::string& out) {
    if (map.Read(key, out) && std::find(kVersions.begin(), kVersions.end(), out) == kVersions.end())
      map.Fail(key, "unknown TLS version: " + out + ", expected TLS10, TLS11, TLS12 or TLS13");
  }

  void ReadTls(const YamlNode& node, WebConfig& config) {
    WebConfig::Tls tls;
    MapReader map(node, "tls_server_config", errors);
    map.Read("cert", tls.cert);
    map.Read("key", tls.key);
    map.Read("client_ca", tls.client_ca);
    ReadPath(map, "cert_file", tls.cert_file);
    ReadPath(map, "key_file", tls.key_file);
    ReadPath(map, "client_ca_file", tls.client_ca_file);
    std::string client_auth;
    map.Read("client_auth_type", client_auth);
    for (const auto& [word, meaning] : kClientAuth) {
      if (client_auth == word) tls.client_auth = meaning;
    }
    const bool known = std::any_of(kClientAuth.begin(), kClientAuth.end(),
                                   [&](const auto& each) { return each.first == client_auth; });
    if (!client_auth.empty() && !known)
      map.Fail("client_auth_type", "invalid ClientAuth: " + client_auth);
    map.Read("client_allowed_sans", tls.client_allowed_sans);
    ReadVersion(map, "min_version", tls.min_version);
    ReadVersion(map, "max_version", tls.max_version);
    if (tls.min_version > tls.max_version)  // the names sort as the versions do
      map.Fail("min_version", "min_version is above max_version");
    map.Read("prefer_server_cipher_suites", tls.prefer_server_cipher_suites);
    map.Read("cipher_suites", tls.cipher_suites);
    for (const std::string& suite : tls.cipher_suites) {
      if (std::find(kCipherSuites.begin(), kCipherSuites.end(), suite) == kCipherSuites.end())
        map.Fail("cipher_suites", "unknown cipher: " + suite);
    }
    std::vector<std::string> curves;
    map.Read("curve_preferences", curves);
    for (const std::string& name : curves) {
      const auto found = std::find_if(kCurves.begin(), kCurves.end(),
                                      [&](const auto& each) { return each.first == name; });
      if (found == kCurves.end()) {
        map.Fail("curve_preferences", "unknown curve: " + name);
      } else {
        tls.curves.emplace_back(found->second);
      }
    }
    map.Finish();
    Judge(node, client_auth, std::move(tls), config);
  }

  // What keys mean together.
  void Judge(const YamlNode& node, const std::string& client_auth, WebConfig::Tls tls,
             WebConfig& config) {
    const bool has_ca = !tls.client_ca.empty() || !tls.client_ca_file.empty();
    const bool enabled = !tls.cert.empty() || !tls.cert_file.empty() || !tls.key.empty() ||
                         !tls.key_file.empty() || has_ca || !client_auth.empty();
    if (!enabled) return;
    const auto fail = [&](std::string message) { errors.Add(std::move(message), node.where()); };
    if (tls.cert.empty() && tls.cert_file.empty()) fail("missing one of cert or cert_file");
    if (tls.key.empty() && tls.key_file.empty()) fail("missing one of key or key_file");
    // As the toolkit does, a file counts more than a text.
    if (!tls.cert_file.empty()) tls.cert.clear();
    if (!tls.key_file.empty()) tls.key.clear();
    if (!tls.client_ca_file.empty()) tls.client_ca.clear();
    if (has_ca && tls.client_auth == ClientAuth::kNone)
      fail("client CA's have been configured without a Client Auth Policy");
    config.tls = std::move(tls);
  }

  void ReadHttp(const YamlNode& node, WebConfig& config) {
    MapReader map(node, "http_server_config", errors);
    bool http2 = true;
    if (map.Read("http2", http2) && http2)
      warnings.push_back(
          base::BadInput("http2: plimsoll speaks HTTP/1.1 here", map.where("http2")));
    const YamlNode* headers = map.Map("headers");
    for (std::size_t i = 0; headers != nullptr && i < headers->entries.size(); ++i) {
      const auto& [key, value] = headers->entries[i];
      const auto text = document::YamlString(*value);
      if (!text) {
        errors.Add(text.error());
        continue;
      }
      if (auto wrong = HeaderProblem(key->text, *text); !wrong.empty()) {
        errors.Add(std::move(wrong), key->where());
      } else if (!text->empty()) {
        config.headers.emplace_back(key->text, *text);
      }
    }
    map.Finish();
  }

  static std::string HeaderProblem(const std::string& name, const std::string& value) {
    const auto found = std::find_if(kHeaders.begin(), kHeaders.end(),
                                    [&](const AllowedHeader& each) { return each.name == name; });
    if (found == kHeaders.end())
      return base::format("HTTP header \"{}\" can not be configured", name);
    if (value.find_first_of("\r\n") != std::string::npos)
      return base::format("invalid value for {}: a header is one line", name);
    const auto& values = found->values;
    if (values[0].empty() || std::find(values.begin(), values.end(), value) != values.end())
      return value.empty() && !values[0].empty()
                 ? base::format("invalid value for {}: it is empty", name)
                 : "";
    return base::format("invalid value for {}. Expected one of: \"{}\"{}, but got: \"{}\"", name,
                        values[0], values[1].empty() ? "" : base::format(", \"{}\"", values[1]),
                        value);
  }

  void ReadRateLimit(const YamlNode& node, WebConfig& config) {
    MapReader map(node, "rate_limit", errors);
    map.Read("interval", config.rate_limit.interval);
    if (map.Read("burst", config.rate_limit.burst) && config.rate_limit.burst < 0)
      map.Fail("burst", "burst must not be negative");
    map.Finish();
  }

  void ReadUsers(const YamlNode& node, WebConfig& config) {
    for (const auto& [name, hash] : node.entries) {
      const auto text = document::YamlString(*hash);
      const std::string wrong = text ? HashProblem(*text) : "expected a bcrypt hash";
      if (!wrong.empty()) {
        errors.Add(base::format("basic_auth_users: {}: {}", name->text, wrong), hash->where());
      } else {
        config.users.insert_or_assign(name->text, *text);
      }
    }
    if (config.users.size() > limits_.users) {
      errors.Add(base::format("basic_auth_users: {} users, expected at most {}",
                              config.users.size(), limits_.users),
                 node.where());
    }
  }

  // $2b$10$, then a salt and a hash of 22 and 31 digits.
  std::string HashProblem(const std::string& hash) const {
    constexpr std::string_view kDigits =
        "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const auto is_number = [](char c) { return c >= '0' && c <= '9'; };
    const bool shape = hash.size() == 60 && hash.starts_with("$2") &&
                       std::string_view("aby").find(hash[2]) != std::string_view::npos &&
                       hash[3] == '$' && is_number(hash[4]) && is_number(hash[5]) &&
                       hash[6] == '$' && hash.find_first_not_of(kDigits, 7) == std::string::npos;
    if (!shape) return "expected a bcrypt hash: $2a$, $2b$ or $2y$, a cost and 53 characters";
    const int cost = (hash[4] - '0') * 10 + (hash[5] - '0');
    if (cost < 4 || cost > limits_.bcrypt_cost) {
      return base::format("a bcrypt cost of {}: expected one from 4 to {}", cost,
                          limits_.bcrypt_cost);
    }
    return "";
  }

  const std::filesystem::path folder_;
  const WebConfigLimits limits_;
};

}  // namespace

LoadedWebConfig ParseWebConfig(std::string_view text, const std::string& file,
                               const WebConfigLimits& limits) {
  const auto document = document::ParseYaml(text, file, {.bytes = limits.bytes});
  if (!document) return {.config = nullptr, .errors = {document.error()}};
  Reader reader(file, limits);
  auto config = std::make_shared<WebConfig>();
  reader.Read(document->root(), *config);
  LoadedWebConfig loaded{.config = nullptr, .errors = reader.errors.list()};
  loaded.warnings = std::move(reader.warnings);
  if (loaded.errors.empty()) loaded.config = std::move(config);
  return loaded;
}

}  // namespace plimsoll::config
