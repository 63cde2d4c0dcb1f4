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

void AddAuthenticated(User& user) {
  if (user.name == "system:anonymous") return;
  if (!Contains(user.groups, "system:authenticated") &&
      !Contains(user.groups, "system:unauthenticated")) {
    user.groups.emplace_back("system:authenticated");
  }
}

// The user for whom a trusted front proxy speaks.
std::optional<User> ForwardedUser(const AuthenticationOptions& options,
                                  const http::Request& request) {
  User user;
  for (const std::string& header : options.username_headers) {
    user.name = request.Header(header);
    if (!user.name.empty()) break;
  }
  if (user.name.empty()) return std::nullopt;
  for (const auto& [name, value] : request.headers) {
    for (const std::string& header : options.group_headers) {
      if (SameName(name, header)) user.groups.push_back(value);
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

}  // namespace

std::optional<User> Authenticate(const AuthenticationOptions& options,
                                 const http::Request& request) {
  if (const http::ClientCertificate* certificate = request.certificate.get()) {
    const bool may_forward = Contains(certificate->trusted_by, kRequestHeaderPool) &&
                             (options.allowed_names.empty() ||
                              Contains(options.allowed_names, certificate->common_name));
    if (may_forward) {
      if (auto user = ForwardedUser(options, request)) return user;
    }
    if (!Contains(certificate->trusted_by, kClientPool) || certificate->common_name.empty())
      return std::nullopt;
    User user{.name = certificate->common_name, .groups = certificate->organizations};
    AddAuthenticated(user);
    return user;
  }
  if (!request.Header("Authorization").empty()) return std::nullopt;
  return User{.name = "system:anonymous", .groups = {"system:unauthenticated"}};
}

bool MayAccess(const AccessRule& rule, const User& user, const Access& access) {
  const auto in_any = [&](const std::vector<std::string>& groups) {
    return std::any_of(user.groups.begin(), user.groups.end(),
                       [&](const std::string& group) { return Contains(groups, group); });
  };
  if (in_any(rule.admin_groups)) return true;
  if (!access.metric.empty()) return in_any(rule.reader_groups);
  if (Contains(rule.open_paths, access.path)) return true;
  return Contains(rule.discovery_users, user.name) || in_any(rule.discovery_groups);
}

}  // namespace plimsoll::serve
