// SPDX-License-Identifier: Apache-2.0
//
// What certificates say, and those that we make.
#include "http/certificates.h"

#include <doctest/doctest.h>

#include "http/detail/answer.h"

namespace plimsoll::http {
namespace {

constexpr Validity kValid = {1'700'000'000'000, 1'800'000'000'000};
constexpr Validity kLonger = {1'700'000'000'000, 1'900'000'000'000};

TEST_CASE("an authority signs pairs for names, and no longer than it lives itself") {
  const auto authority = MakeAuthority("an authority", kValid);
  REQUIRE(authority);
  CHECK(KeyFits(*authority));
  const auto pair = IssueServing(*authority, {"a.b.svc", "a"}, kLonger);
  REQUIRE(pair);
  CHECK(KeyFits(*pair));
  CHECK(SignedBy(pair->certificate_pem, authority->certificate_pem));
  const auto facts = ReadBundle(pair->certificate_pem + authority->certificate_pem, "both");
  REQUIRE(facts);
  REQUIRE(facts->size() == 2);
  CHECK((*facts)[0].dns_names == std::vector<std::string>{"a.b.svc", "a"});
  CHECK((*facts)[0].name == "a.b.svc");
  CHECK((*facts)[0].valid == kValid);
  CHECK((*facts)[0].pem == pair->certificate_pem);
  CHECK((*facts)[0].id.size() == 64);
  CHECK((*facts)[0].id != (*facts)[1].id);
  CHECK((*facts)[1].name == "an authority");
  CHECK((*facts)[1].dns_names.empty());
}

TEST_CASE("two authorities of one name are not each other") {
  const auto one = MakeAuthority("x", kValid);
  const auto two = MakeAuthority("x", kValid);
  const auto pair = IssueServing(*one, {"a"}, kValid);
  CHECK(SignedBy(pair->certificate_pem, one->certificate_pem));
  CHECK_FALSE(SignedBy(pair->certificate_pem, two->certificate_pem));
  CHECK_FALSE(KeyFits({one->certificate_pem, two->key_pem}));
  CHECK(IssueServing({one->certificate_pem, two->key_pem}, {"a"}, kValid).error().message ==
        "the key of the certificate authority does not belong to it");
}

TEST_CASE(
    "a name is a name, whatever characters it has, and one that is long is cut where nobody "
    "looks") {
  const auto authority = MakeAuthority("x", kValid);
  const std::string odd = "a,DNS:b,IP:1.2.3.4";
  const std::string longest(250, 'l');
  const auto pair = IssueServing(*authority, {longest, odd}, kValid);
  REQUIRE(pair);
  const auto facts = ReadBundle(pair->certificate_pem, "pair");
  CHECK(facts->front().dns_names == std::vector<std::string>{longest, odd});
  CHECK(facts->front().name == std::string(64, 'l'));
  CHECK(IssueServing(*authority, {}, kValid).error().message ==
        "a serving certificate needs a name");
}

TEST_CASE("what is no certificate is named, and a bundle has a limit") {
  CHECK(ReadBundle("garbage", "ca.crt").error().message == "ca.crt: no PEM certificate found");
  CHECK_FALSE(KeyFits({"garbage", "garbage"}));
  CHECK_FALSE(SignedBy("garbage", "garbage"));
  const auto authority = MakeAuthority("x", kValid);
  std::string many;
  for (std::size_t i = 0; i < kBundleCertificates; ++i) many += authority->certificate_pem;
  CHECK(ReadBundle(many, "b")->size() == kBundleCertificates);
  const auto refused = ReadBundle(many + authority->certificate_pem, "b");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == base::Error::Kind::kLimit);
  CHECK(refused.error().message == "b: 17 certificates, expected at most 16");
}

TEST_CASE("a date of HTTP is read as it is written") {
  for (const base::Time time : {0LL, 784'111'777'000LL, 1'790'000'000'000LL, 4'102'444'800'000LL})
    CHECK(detail::ParseHttpDate(detail::HttpDate(time)) == time);
  CHECK(detail::HttpDate(784'111'777'000) == "Sun, 06 Nov 1994 08:49:37 GMT");
  for (const std::string_view odd :
       {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Abc 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:4x:37 GMT"})
    CHECK_FALSE(detail::ParseHttpDate(odd).has_value());
}

}  // namespace
}  // namespace plimsoll::http
