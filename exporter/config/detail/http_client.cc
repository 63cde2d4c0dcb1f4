// SPDX-License-Identifier: Apache-2.0
//
// Who we are to a target: authentication, TLS, headers (prometheus/common config/http_config.go).
#include <algorithm>
#include <array>

#include "base/format.h"
#include "base/number_text.h"
#include "config/detail/reading.h"

namespace plimsoll::config::detail {

using document::MapReader;
using document::YamlNode;

namespace {

constexpr std::array<std::string_view, 18> kReservedHeaders = {
    "Authorization",
    "Host",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "User-Agent",
    "Connection",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Www-Authenticate",
    "Accept-Encoding",
    "X-Prometheus-Remote-Write-Version",
    "X-Prometheus-Remote-Read-Version",
    "X-Prometheus-Scrape-Timeout-Seconds",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Amz-Content-Sha256"};
constexpr std::array<std::string_view, 4> kTlsVersions = {"TLS10", "TLS11", "TLS12", "TLS13"};
constexpr std::string_view kNoReferences =
    "references to a secret manager are not supported by plimsoll: use a file";

bool ReadFile(MapReader& map, std::string_view key, std::string& out, const Reading& reading) {
  if (!map.Read(key, out)) return false;
  out = reading.Resolve(out);
  return true;
}

void Complain(Reading& reading, const YamlNode& node, std::string text) {
  reading.errors.Add(std::move(text), node.where());
}

HttpClientConfig::BasicAuth ReadBasicAuth(const YamlNode& node, Reading& reading) {
  HttpClientConfig::BasicAuth auth;
  MapReader map(node, "basic_auth", reading.errors);
  map.Read("username", auth.username);
  ReadFile(map, "username_file", auth.username_file, reading);
  map.Read("password", auth.password.value);
  ReadFile(map, "password_file", auth.password.file, reading);
  map.Refuse("username_ref", kNoReferences);
  map.Refuse("password_ref", kNoReferences);
  map.Finish();
  if (!auth.username.empty() && !auth.username_file.empty()) {
    Complain(reading, node,
             "at most one of basic_auth username, username_file & username_ref must be configured");
  }
  if (!auth.password.value.empty() && !auth.password.file.empty()) {
    Complain(reading, node,
             "at most one of basic_auth password, password_file & password_ref must be configured");
  }
  return auth;
}

HttpClientConfig::Authorization ReadAuthorization(const YamlNode& node, Reading& reading) {
  HttpClientConfig::Authorization authorization;
  MapReader map(node, "authorization", reading.errors);
  map.Read("type", authorization.type);
  map.Read("credentials", authorization.credentials.value);
  ReadFile(map, "credentials_file", authorization.credentials.file, reading);
  map.Refuse("credentials_ref", kNoReferences);
  map.Finish();
  if (!authorization.credentials.value.empty() && !authorization.credentials.file.empty()) {
    Complain(reading, node,
             "at most one of authorization credentials & credentials_file must be configured");
  }
  std::string& type = authorization.type;
  type.erase(0, type.find_first_not_of(" \t\n\r"));
  type.erase(type.find_last_not_of(" \t\n\r") + 1);
  if (type.empty()) type = "Bearer";
  std::string lower = type;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (lower == "basic") {
    Complain(reading, node,
             "authorization type cannot be set to \"basic\", use \"basic_auth\" instead");
  }
  return authorization;
}

void ReadTlsVersion(MapReader& map, std::string_view key, std::string& out) {
  if (!map.Read(key, out)) return;
  if (std::find(kTlsVersions.begin(), kTlsVersions.end(), out) == kTlsVersions.end()) {
    map.Fail(key, "unknown TLS version: " + out + ", expected TLS10, TLS11, TLS12 or TLS13");
  }
}

TlsConfig ReadTls(const YamlNode& node, Reading& reading) {
  TlsConfig tls;
  MapReader map(node, "tls_config", reading.errors);
  map.Read("ca", tls.ca);
  ReadFile(map, "ca_file", tls.ca_file, reading);
  map.Read("cert", tls.cert);
  ReadFile(map, "cert_file", tls.cert_file, reading);
  map.Read("key", tls.key.value);
  if (ReadFile(map, "key_file", tls.key.file, reading)) tls.key_file = tls.key.file;
  map.Read("server_name", tls.server_name);
  map.Read("insecure_skip_verify", tls.insecure_skip_verify);
  ReadTlsVersion(map, "min_version", tls.min_version);
  ReadTlsVersion(map, "max_version", tls.max_version);
  for (const char* key : {"ca_ref", "cert_ref", "key_ref"}) map.Refuse(key, kNoReferences);
  map.Finish();
  if (!tls.ca.empty() && !tls.ca_file.empty()) {
    Complain(reading, node, "at most one of ca, ca_file & ca_ref must be configured");
  }
  if (!tls.cert.empty() && !tls.cert_file.empty()) {
    Complain(reading, node, "at most one of cert, cert_file & cert_ref must be configured");
  }
  if (!tls.key.value.empty() && !tls.key.file.empty()) {
    Complain(reading, node, "at most one of key and key_file must be configured");
  }
  const bool has_cert = !tls.cert.empty() || !tls.cert_file.empty();
  if (has_cert && tls.key.empty()) {
    Complain(reading, node,
             "exactly one of key or key_file must be configured when a client certificate is "
             "configured");
  } else if (!has_cert && !tls.key.empty()) {
    Complain(reading, node,
             "exactly one of cert or cert_file must be configured when a client key is configured");
  }
  if (!tls.min_version.empty() && !tls.max_version.empty() && tls.max_version < tls.min_version) {
    Complain(reading, node,
             "tls_config.max_version must be greater than or equal to tls_config.min_version if "
             "both are specified");
  }
  return tls;
}

// As Go's CanonicalHeaderKey: a capital after each hyphen. Empty when it is no header name.
std::string CanonicalHeader(std::string_view name) {
  std::string canonical;
  bool upper = true;
  for (char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool token = letter || (c >= '0' && c <= '9') ||
                       std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    if (!token) return "";
    if (letter) c = static_cast<char>(upper ? c & ~0x20 : c | 0x20);
    canonical += c;
    upper = c == '-';
  }
  return canonical;
}

std::vector<HttpHeader> ReadHeaders(const YamlNode& node, Reading& reading) {
  std::vector<HttpHeader> headers;
  for (const auto& [key, value] : node.entries) {
    HttpHeader header;
    header.name = CanonicalHeader(key->text);
    MapReader map(*value, "a header", reading.errors);
    map.Read("values", header.values);
    map.Read("secrets", header.secrets);
    map.Read("files", header.files);
    map.Finish();
    for (std::string& file : header.files) file = reading.Resolve(file);
    if (header.name.empty()) {
      Complain(reading, *key, base::GoQuote(key->text) + " is not a valid header name");
    } else if (std::find(kReservedHeaders.begin(), kReservedHeaders.end(), header.name) !=
               kReservedHeaders.end()) {
      Complain(reading, *key,
               fmt::format("setting header {} is not allowed", base::GoQuote(header.name)));
    }
    for (const auto* texts : {&header.values, &header.secrets}) {
      for (const std::string& text : *texts) {
        if (text.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
          Complain(reading, *value, "the value of a header must be one line");
        }
      }
    }
    headers.push_back(std::move(header));
  }
  return headers;
}

}  // namespace

HttpClientConfig ReadHttpClient(MapReader& map, Reading& reading) {
  HttpClientConfig http;
  const YamlNode* basic_auth = map.Map("basic_auth");
  const YamlNode* authorization = map.Map("authorization");
  if (basic_auth != nullptr) http.basic_auth = ReadBasicAuth(*basic_auth, reading);
  if (authorization != nullptr) http.authorization = ReadAuthorization(*authorization, reading);
  Secret bearer;
  map.Read("bearer_token", bearer.value);
  ReadFile(map, "bearer_token_file", bearer.file, reading);
  if (const YamlNode* tls = map.Map("tls_config")) http.tls = ReadTls(*tls, reading);
  if (const YamlNode* headers = map.Map("http_headers"))
    http.http_headers = ReadHeaders(*headers, reading);
  map.Read("follow_redirects", http.follow_redirects);
  bool http2 = true;  // understood, and without effect: a scrape speaks HTTP/1.1
  map.Read("enable_http2", http2);
  map.Refuse("oauth2",
             "'oauth2' is not supported by plimsoll: use authorization with credentials_file");
  for (const char* key :
       {"proxy_url", "no_proxy", "proxy_from_environment", "proxy_connect_header"}) {
    map.Refuse(key, fmt::format(
                        "'{}' is not supported by plimsoll: it scrapes the engine beside it", key));
  }

  const auto complain = [&](std::string_view key, const char* text) {
    reading.errors.Add(text, map.where(key));
  };
  if (!bearer.value.empty() && !bearer.file.empty()) {
    complain("bearer_token_file",
             "at most one of bearer_token & bearer_token_file must be configured");
  }
  if (http.basic_auth && !bearer.empty()) {
    complain(
        "basic_auth",
        "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured");
  }
  if (http.authorization && !bearer.empty()) {
    complain("authorization",
             "authorization is not compatible with bearer_token & bearer_token_file");
  }
  if (http.authorization && http.basic_auth) {
    complain("authorization",
             "at most one of basic_auth, oauth2 & authorization must be configured");
  }
  if (!bearer.empty() && !http.authorization) http.authorization = {"Bearer", bearer};
  return http;
}

}  // namespace plimsoll::config::detail
