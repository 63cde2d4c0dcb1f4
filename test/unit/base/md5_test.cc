// SPDX-License-Identifier: Apache-2.0
#include "base/md5.h"

#include <doctest/doctest.h>

#include <string>

#include "base/format.h"

using plimsoll::base::Md5;

namespace {
std::string Hex(std::string_view text) {
  std::string out;
  for (const auto byte : Md5(text)) out += fmt::format("{:02x}", byte);
  return out;
}
}  // namespace

TEST_CASE("md5 gives the digests of RFC 1321's test suite") {
  CHECK(Hex("") == "d41d8cd98f00b204e9800998ecf8427e");
  CHECK(Hex("a") == "0cc175b9c0f1b6a831c399e269772661");
  CHECK(Hex("message digest") == "f96b697d7cb7938d525a2f31aaf161d0");
  CHECK(Hex("12345678901234567890123456789012345678901234567890123456789012345678901234567890") ==
        "57edf4a22be3c955ac49da2e2107b67a");
}
