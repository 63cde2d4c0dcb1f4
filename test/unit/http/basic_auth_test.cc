// SPDX-License-Identifier: Apache-2.0
//
// Passwords and bcrypt hashes: who fits, what is computed twice, and what is not given away.
#include "http/basic_auth.h"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace plimsoll::http {
namespace {

using Verdict = BasicAuth::Verdict;

// Of "secret", the cheapest that there is.
BasicAuth::Users Users() {
  return {{"ann", "$2a$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"},
          {"bob", "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"},
          {"cyd", "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"}};
}

Request With(const std::string& authorization) {
  Request request;
  request.headers.emplace_back("Authorization", authorization);
  return request;
}

std::string Base64(const std::string& text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    unsigned bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out += k <= text.size() - i ? kAlphabet[bits >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

Request As(const std::string& user, const std::string& password) {
  return With("Basic " + Base64(user + ":" + password));
}

TEST_CASE("who knows the password of a user may, whatever the kind of bcrypt") {
  BasicAuth auth(Users());
  for (const char* user : {"ann", "bob", "cyd"}) {
    CAPTURE(user);
    CHECK(auth.Check(As(user, "secret")) == Verdict::kAllowed);
    CHECK(auth.Check(As(user, "Secret")) == Verdict::kRefused);
    CHECK(auth.Check(As(user, "")) == Verdict::kRefused);
  }
  CHECK(auth.Check(As("dan", "secret")) == Verdict::kRefused);
}

TEST_CASE("a password is computed once, right or wrong") {
  BasicAuth auth(Users());
  CHECK(auth.Known(As("ann", "secret")) == Verdict::kUnknown);
  CHECK(auth.Check(As("ann", "secret")) == Verdict::kAllowed);
  CHECK(auth.Check(As("ann", "wrong")) == Verdict::kRefused);
  CHECK(auth.computed() == 2);
  for (int i = 0; i < 10; ++i) {
    CHECK(auth.Known(As("ann", "secret")) == Verdict::kAllowed);
    CHECK(auth.Check(As("ann", "secret")) == Verdict::kAllowed);
    CHECK(auth.Check(As("ann", "wrong")) == Verdict::kRefused);
  }
  CHECK(auth.computed() == 2);
}

TEST_CASE("a user who does not exist costs a hash, too") {
  BasicAuth auth(Users());
  CHECK(auth.Check(As("nobody", "secret")) == Verdict::kRefused);
  CHECK(auth.computed() == 1);
}

TEST_CASE("what is no Basic authorization is refused without work") {
  BasicAuth auth(Users());
  CHECK(auth.Known(Request()) == Verdict::kRefused);
  for (const std::string& header :
       {std::string("Basic"), std::string("Basic "), std::string("Basic !!!!"),
        std::string("Basic YW5u"), std::string("Bearer ") + Base64("ann:secret"),
        "Basic " + Base64("ann:secret") + "=", "Basic " + Base64("ann:secret").substr(1)}) {
    CAPTURE(header);
    CHECK(auth.Known(With(header)) == Verdict::kRefused);
  }
  CHECK(auth.computed() == 0);
  CHECK(auth.Check(With("bAsIc " + Base64("ann:secret"))) == Verdict::kAllowed);
}

TEST_CASE("a beginning is not the whole: a zero byte does not end a password") {
  BasicAuth auth(Users());
  CHECK(auth.Check(As("ann", std::string("secret\0more", 11))) == Verdict::kRefused);
  CHECK(auth.computed() == 0);
}

TEST_CASE("guessing does not push out who knows") {
  BasicAuth auth(Users(), {.remembered = 2, .waiting = 8});
  CHECK(auth.Check(As("ann", "secret")) == Verdict::kAllowed);
  for (int i = 0; i < 5; ++i) CHECK(auth.Check(As("ann", std::to_string(i))) == Verdict::kRefused);
  CHECK(auth.Known(As("ann", "secret")) == Verdict::kAllowed);
  CHECK(auth.Known(As("ann", "0")) == Verdict::kUnknown);
  CHECK(auth.Known(As("ann", "4")) == Verdict::kRefused);
}

TEST_CASE("only so many wait for a hash") {
  BasicAuth auth(Users(), {.remembered = 1000, .waiting = 0});
  CHECK(auth.Check(As("ann", "secret")) == Verdict::kBusy);
  BasicAuth few(Users(), {.remembered = 1000, .waiting = 2});
  std::atomic<int> busy = 0, refused = 0;
  std::vector<std::jthread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&few, &busy, &refused, i] {
      for (int k = 0; k < 20; ++k) {
        const Verdict verdict = few.Check(As("ann", std::to_string(i * 100 + k)));
        ++(verdict == Verdict::kBusy ? busy : refused);
      }
    });
  }
  callers.clear();
  CHECK(busy + refused == 160);
  CHECK(few.computed() == static_cast<std::size_t>(refused));
}

}  // namespace
}  // namespace plimsoll::http
