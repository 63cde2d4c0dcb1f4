// SPDX-License-Identifier: Apache-2.0
//
// Two bundles and five lists of words as JSON.
#include "serve/trust.h"

#include <utility>
#include <vector>

#include "base/format.h"
#include "document/json.h"

namespace plimsoll::serve {
namespace {

using document::Json;

std::string TextOf(const kube::ConfigMap& map, std::string_view key) {
  const auto found = map.data.find(key);
  return found == map.data.end() ? "" : found->second;
}

base::Result<void> ReadWords(const kube::ConfigMap& map, std::string_view key,
                             std::vector<std::string>& into) {
  const std::string text = TextOf(map, key);
  if (text.empty()) return {};
  const auto bad = [&](const std::string& what) {
    return base::BadInput(base::format("ConfigMap {}/{}: {}: expected a list of texts as JSON, {}",
                                       kTrustNamespace, kTrustName, key, what));
  };
  const auto json = document::ParseJson(text);
  if (!json) return bad("found: " + json.error().ToString());
  if (json->is_null()) return {};
  if (!json->is_list()) return bad("found " + document::DescribeJson(*json));
  std::vector<std::string> words;
  for (const Json& item : json->items) {
    if (item.kind != Json::Kind::kString) return bad("found " + document::DescribeJson(item));
    words.push_back(item.text);
  }
  if (!words.empty()) into = std::move(words);
  return {};
}

}  // namespace

base::Result<ClusterTrust> ReadClusterTrust(const kube::ConfigMap& map) {
  ClusterTrust trust;
  trust.client_ca = TextOf(map, "client-ca-file");
  trust.requestheader_ca = TextOf(map, "requestheader-client-ca-file");
  AuthenticationOptions& options = trust.options;
  const std::pair<std::string_view, std::vector<std::string>&> lists[] = {
      {"requestheader-allowed-names", options.allowed_names},
      {"requestheader-username-headers", options.username_headers},
      {"requestheader-uid-headers", options.uid_headers},
      {"requestheader-group-headers", options.group_headers},
      {"requestheader-extra-headers-prefix", options.extra_prefixes}};
  for (const auto& [key, into] : lists) {
    if (auto read = ReadWords(map, key, into); !read) return read.error();
  }
  return trust;
}

}  // namespace plimsoll::serve
