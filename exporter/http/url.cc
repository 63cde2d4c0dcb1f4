// SPDX-License-Identifier: Apache-2.0
//
// Splitting URLs and following references to other ones.
#include "http/detail/url.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>

#include "base/format.h"

namespace plimsoll::http::detail {
namespace {

bool TakeScheme(std::string_view& text, bool& tls) {
  const std::size_t end = text.find("://");
  if (end == std::string_view::npos) return false;
  std::string scheme(text.substr(0, end));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (scheme != "http" && scheme != "https") return false;
  tls = scheme == "https";
  text.remove_prefix(end + 3);
  return true;
}

bool IsPort(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
  return failure == std::errc() && end == text.data() + text.size() && port != 0;
}

// "/a/./b/../c" to "/a/c"; the query stays.
std::string WithoutDots(std::string_view target) {
  const std::size_t question = target.find('?');
  std::string_view path = target.substr(0, question);
  std::string clean;
  while (!path.empty()) {
    const std::size_t next = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(0, next);
    path.remove_prefix(next);
    const bool last = path.empty();
    if (segment == "/..") {
      clean.erase(std::min(clean.rfind('/'), clean.size()));
      if (last) clean += '/';
    } else if (segment == "/.") {
      if (last) clean += '/';
    } else {
      clean += segment;
    }
  }
  if (question != std::string_view::npos) clean += target.substr(question);
  return clean;
}

}  // namespace

std::string Url::Authority() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port == (tls ? "443" : "80") ? name : name + ":" + port;
}

std::string Url::ToString() const { return (tls ? "https://" : "http://") + Authority() + target; }

base::Result<Url> ParseUrl(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return base::BadInput(base::format("URL \"{}\": {}", text, why));
  };
  // A blank or a line break would end the request line.
  if (std::any_of(text.begin(), text.end(),
                  [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; })) {
    return bad("blanks and control characters must be percent-encoded");
  }
  Url url;
  std::string_view rest = text.substr(0, text.find('#'));
  if (!TakeScheme(rest, url.tls)) return bad("expected http:// or https://");
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view authority = rest.substr(0, end);
  const std::string_view target = rest.substr(end);
  if (!target.starts_with('/')) url.target.push_back('/');
  url.target.append(target);
  if (authority.find('@') != std::string_view::npos)
    return bad("credentials do not belong into the URL");
  std::string_view host = authority;
  std::string_view port = url.tls ? "443" : "80";
  const bool bracket = authority.starts_with('[');
  const std::size_t host_end = bracket ? authority.find(']') : 0;
  if (host_end == std::string_view::npos)
    return bad("expected a closing bracket after the address");
  if (const std::size_t colon = authority.find(':', host_end); colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon + 1);
    if (!IsPort(port)) return bad("expected a port from 1 to 65535");
  }
  if (bracket) host = host.substr(1, host_end - 1);
  if (host.empty()) return bad("expected a host");
  url.host = host;
  std::transform(url.host.begin(), url.host.end(), url.host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  url.port = port;
  return url;
}

base::Result<Url> Resolve(const Url& base, std::string_view location) {
  location = location.substr(0, location.find('#'));
  if (location.find("://") < location.find_first_of("/?")) return ParseUrl(location);
  const std::string origin = (base.tls ? "https://" : "http://") + base.Authority();
  if (location.starts_with("//"))
    return ParseUrl((base.tls ? "https:" : "http:") + std::string(location));
  std::string target;
  if (location.starts_with('/')) {
    target = location;
  } else {
    const std::string_view path = std::string_view(base.target).substr(0, base.target.find('?'));
    target = location.empty()            ? base.target
             : location.starts_with('?') ? std::string(path)
                                         : std::string(path.substr(0, path.rfind('/') + 1));
    target += location;
  }
  return ParseUrl(origin + WithoutDots(target));
}

}  // namespace plimsoll::http::detail
