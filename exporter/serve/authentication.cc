// SPDX-License-Identifier: Apache-2.0
//
// The chain and the rule: see authentication.h.
#include "serve/authentication.h"

#include <algorithm>

namespace plimsoll::serve {
namespace {

bool Contains(const std::vector<std::string>& list, std::string_view wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool SameName(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return Lower(x) == Lower(y); });
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string_view FirstOf(const std::vector<std::string>& headers, const http::Request& request) {
  for (const std::string& header : headers) {
    if (const auto value = Trim(request.Header(header)); !value.empty()) return value;
  }
  return {};
}

void AddAuthenticated(User& user) {
  if (user.name == "system:anonymous") return;
  if (!Contains(user.groups, "system:authenticated") &&
      !Contains(user.groups, "system:unauthenticated")) {
    user.groups.emplace_back("system:authenticated");
  }
}

// The user for whom a trusted front proxy speaks; without a name when it names none.
User ForwardedUser(const AuthenticationOptions& options, const http::Request& request) {
  User user{.name = std::string(FirstOf(options.username_headers, request))};
  if (user.name.empty()) return user;
  user.uid = FirstOf(options.uid_headers, request);
  for (const auto& [name, value] : request.headers) {
    for (const std::string& header : options.group_headers) {
      if (SameName(name, header) && !value.empty()) user.groups.push_back(value);
    }
    for (const std::string& prefix : options.extra_prefixes) {
      if (name.size() <= prefix.size() ||
          !SameName(std::string_view(name).substr(0, prefix.size()), prefix))
        continue;
      std::string key = name.substr(prefix.size());
      std::transform(key.begin(), key.end(), key.begin(), Lower);
      user.extra.emplace_back(http::PercentDecode(key, false), value);
    }
  }
  AddAuthenticated(user);
  return user;
}

// "Bearer TOKEN"; anything else is no token.
std::string_view BearerToken(const http::Request& request) {
  std::string_view text = Trim(request.Header("Authorization"));
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos || !SameName(text.substr(0, space), "Bearer")) return {};
  text.remove_prefix(space + 1);
  return text.substr(0, text.find(' '));
}

// Whether a slash begins them makes no difference, as in an API server.
bool IsOpen(const AccessRule& rule, std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  return std::any_of(rule.open_paths.begin(), rule.open_paths.end(), [&](std::string_view open) {
    if (open.starts_with('/')) open.remove_prefix(1);
    if (!open.ends_with('*')) return path == open;
    open.remove_suffix(1);
    return path.starts_with(open);
  });
}

}  // namespace

User Reviewed(User user) {
  AddAuthenticated(user);
  return user;
}

Identity Identify(const AuthenticationOptions& options, const http::Request& request) {
  const http::ClientCertificate* certificate = request.certificate.get();
  if (certificate != nullptr) {
    const bool may_forward = Contains(certificate->trusted_by, kRequestHeaderPool) &&
                             (options.allowed_names.empty() ||
                              Contains(options.allowed_names, certificate->common_name));
    if (may_forward) {
      User user = ForwardedUser(options, request);
      if (!user.name.empty())
        return {.kind = Identity::Kind::kUser, .user = std::move(user), .forwarded = true};
    }
    if (Contains(certificate->trusted_by, kClientPool) && !certificate->common_name.empty()) {
      User user{.name = certificate->common_name, .groups = certificate->organizations};
      AddAuthenticated(user);
      return {.kind = Identity::Kind::kUser, .user = std::move(user)};
    }
  }
  if (const auto token = BearerToken(request); !token.empty())
    return {.kind = Identity::Kind::kToken, .token = token};
  if (certificate != nullptr) return {};
  return {.kind = Identity::Kind::kUser,
          .user = {.name = "system:anonymous", .groups = {"system:unauthenticated"}}};
}

Ruling Rule(const AccessRule& rule, const Identity& identity, const Access& access, bool can_ask) {
  const User& user = identity.user;
  const auto in_any = [&](const std::vector<std::string>& groups) {
    return std::any_of(user.groups.begin(), user.groups.end(),
                       [&](const std::string& group) { return Contains(groups, group); });
  };
  const bool path = access.metric.empty();
  if (in_any(rule.admin_groups)) return Ruling::kAllowed;
  if (path && IsOpen(rule, access.path)) return Ruling::kAllowed;
  // Strangers have nothing else here, and shall not keep the API server busy.
  if (user.name == "system:anonymous") return Ruling::kDenied;
  if (can_ask) {
    const bool forwarded_discovery =
        path && identity.forwarded && Contains(rule.discovery_paths, access.path);
    return forwarded_discovery ? Ruling::kAllowed : Ruling::kAsk;
  }
  const bool allowed =
      path ? Contains(rule.discovery_users, user.name) || in_any(rule.discovery_groups)
           : in_any(rule.reader_groups);
  return allowed ? Ruling::kAllowed : Ruling::kDenied;
}

}  // namespace plimsoll::serve
