// SPDX-License-Identifier: Apache-2.0
//
// A Secret and an APIService as an API server sends them, and the patches that change them.
#include "kube/serving_objects.h"

#include <doctest/doctest.h>

#include "kube/detail/base64.h"

namespace plimsoll::kube {
namespace {

document::Json Parse(std::string_view text) { return *document::ParseJson(text); }

std::string Message(const auto& result) { return result ? "accepted" : result.error().message; }

TEST_CASE("base64 is written as it is read") {
  for (const auto& [plain, coded] :
       std::vector<std::pair<std::string, std::string>>{{"", ""},
                                                        {"f", "Zg=="},
                                                        {"fo", "Zm8="},
                                                        {"foo", "Zm9v"},
                                                        {"foob", "Zm9vYg=="},
                                                        {std::string("\0\xFF\xFE", 3), "AP/+"}}) {
    CHECK(detail::EncodeBase64(plain) == coded);
    CHECK(detail::DecodeBase64(coded) == plain);
  }
}

TEST_CASE("a Secret's values are decoded, and empty ones are not there") {
  const auto secret =
      ReadSecret(Parse(R"({"kind":"Secret","metadata":{"name":"s","resourceVersion":"7"},)"
                       R"("data":{"tls.crt":"","ca.key":null,"ca.crt":"Zm9v"}})"));
  REQUIRE(secret);
  CHECK(secret->name == "s");
  CHECK(secret->resource_version == "7");
  CHECK(secret->data == std::map<std::string, std::string, std::less<>>{{"ca.crt", "foo"}});
  CHECK(ReadSecret(Parse(R"({"metadata":{}})"))->data.empty());
}

TEST_CASE("what is no Secret is named, and its values are not") {
  CHECK(Message(ReadSecret(Parse(R"({"kind":"ConfigMap","metadata":{}})"))) ==
        "expected kind Secret, found ConfigMap");
  CHECK(Message(ReadSecret(Parse("{}"))) == "Secret: expected metadata");
  CHECK(Message(ReadSecret(Parse(R"({"metadata":{},"data":[]})"))) ==
        "Secret: expected an object under 'data'");
  CHECK(Message(ReadSecret(Parse(R"({"metadata":{},"data":{"k":"hunter2!"}})"))) ==
        "Secret: data.k: expected base64");
}

TEST_CASE("an APIService tells whose it is and whom it trusts") {
  const auto service = ReadApiService(
      Parse(R"({"metadata":{"name":"a","resourceVersion":"9"},"spec":{"caBundle":"Zm9v",)"
            R"("service":{"namespace":"n","name":"p","port":443},"insecureSkipTLSVerify":true}})"));
  REQUIRE(service);
  CHECK(service->service_namespace == "n");
  CHECK(service->service_name == "p");
  CHECK(service->ca_bundle == "foo");
  CHECK(service->skips_verification);
  const auto local = ReadApiService(Parse(R"({"metadata":{},"spec":{"service":null}})"));
  REQUIRE(local);
  CHECK(local->service_name == "");
  CHECK(Message(ReadApiService(Parse(R"({"metadata":{},"spec":{"caBundle":"!"}})"))) ==
        "APIService: spec.caBundle: expected base64");
}

TEST_CASE("a patch names the version that it was made from and nothing but our fields") {
  CHECK(SecretPatch("7", {{"ca.crt", "foo"}, {"ca.key", "f"}}) ==
        R"({"metadata":{"resourceVersion":"7"},"data":{"ca.crt":"Zm9v","ca.key":"Zg=="}})");
  CHECK(CaBundlePatch("9", "foo") ==
        R"({"metadata":{"resourceVersion":"9"},"spec":{"caBundle":"Zm9v"}})");
}

}  // namespace
}  // namespace plimsoll::kube
