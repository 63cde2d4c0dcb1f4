// SPDX-License-Identifier: Apache-2.0
//
// The cluster's authentication ConfigMap, as kubeadm writes it and as it can be wrong.
#include "serve/trust.h"

#include <doctest/doctest.h>

#include "support/error_text.h"

namespace plimsoll::serve {
namespace {

using Words = std::vector<std::string>;

TEST_CASE("bundles, names and headers are read as kubeadm writes them") {
  const auto trust = ReadClusterTrust(
      {.data = {{"client-ca-file", "CA"},
                {"requestheader-client-ca-file", "PROXY CA"},
                {"requestheader-allowed-names", R"(["front-proxy-client"])"},
                {"requestheader-username-headers", R"(["X-Remote-User"])"},
                {"requestheader-uid-headers", R"(["X-Remote-Uid"])"},
                {"requestheader-group-headers", R"(["X-Remote-Group","X-More"])"},
                {"requestheader-extra-headers-prefix", R"(["X-Remote-Extra-"])"}}});
  REQUIRE_MESSAGE(trust.has_value(), test::ErrorText(trust));
  CHECK(trust->client_ca == "CA");
  CHECK(trust->requestheader_ca == "PROXY CA");
  CHECK(trust->options.allowed_names == Words{"front-proxy-client"});
  CHECK(trust->options.username_headers == Words{"X-Remote-User"});
  CHECK(trust->options.uid_headers == Words{"X-Remote-Uid"});
  CHECK(trust->options.group_headers == Words{"X-Remote-Group", "X-More"});
  CHECK(trust->options.extra_prefixes == Words{"X-Remote-Extra-"});
}

TEST_CASE("what is absent has the defaults: nobody is trusted, the usual headers") {
  const auto trust = ReadClusterTrust({});
  REQUIRE(trust);
  CHECK(*trust == ClusterTrust{});
  const auto empty = ReadClusterTrust({.data = {{"requestheader-username-headers", "[]"},
                                                {"requestheader-group-headers", "null"},
                                                {"requestheader-allowed-names", ""}}});
  REQUIRE(empty);
  CHECK(*empty == ClusterTrust{});
}

TEST_CASE("a list that is none is an error that names its key") {
  const auto problem = [](const char* text) {
    const auto trust = ReadClusterTrust({.data = {{"requestheader-allowed-names", text}}});
    return trust ? "none" : trust.error().message;
  };
  const std::string start =
      "ConfigMap kube-system/extension-apiserver-authentication: requestheader-allowed-names: "
      "expected a list of texts as JSON, found";
  CHECK(problem("front-proxy-client").starts_with(start + ": 1:"));
  CHECK(problem("{}") == start + " an object");
  CHECK(problem("[1]") == start + " the number 1");
}

}  // namespace
}  // namespace plimsoll::serve
