// SPDX-License-Identifier: Apache-2.0
//
// Queries, percent-encoding and Accept-Encoding: what is encoded decodes to itself, what is decoded
// never grows, and a query that is rebuilt from its pairs parses to the same pairs.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/message.h"

using namespace plimsoll::http;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string encoded = PercentEncode(text);
  for (const bool plus : {false, true}) {
    if (PercentDecode(encoded, plus) != text) std::abort();
    if (PercentDecode(text, plus).size() > text.size()) std::abort();
  }
  const Pairs pairs = ParseQuery(text);
  std::string rebuilt;
  for (const auto& [name, value] : pairs) {
    if (!rebuilt.empty()) rebuilt += '&';
    rebuilt += PercentEncode(name) + "=" + PercentEncode(value);
  }
  if (ParseQuery(rebuilt) != pairs) std::abort();

  // A header that refuses everything by name accepts nothing by star.
  if (AcceptsEncoding(std::string("gzip;q=0,") + std::string(text), "gzip")) std::abort();
  if (!AcceptsEncoding(std::string("gzip,") + std::string(text), "gzip")) std::abort();
  return 0;
}
