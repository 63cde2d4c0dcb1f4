// SPDX-License-Identifier: Apache-2.0
//
// Inflating: the output stays under the limit whatever the input, the pieces in which it comes make
// no difference, and what is compressed inflates to itself.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/detail/gzip.h"

using plimsoll::http::detail::Gzip;
using plimsoll::http::detail::Inflater;

namespace {

// Returns: whether the stream was good. `out` has what it made.
bool Inflate(std::string_view bytes, std::size_t step, std::size_t limit, std::string& out) {
  Inflater inflater;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
    if (!inflater.Add(bytes.substr(0, step), limit, out)) return false;
  }
  return inflater.Finish().has_value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLimit = 100000;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::string whole, pieces, back;
  const bool good = Inflate(bytes, size + 1, kLimit, whole);
  if (whole.size() >= kLimit) std::abort();
  if (Inflate(bytes, 7, kLimit, pieces) != good) std::abort();
  if (good && whole != pieces) std::abort();
  if (!Inflate(Gzip(bytes), size + 100, 0, back) || back != bytes) std::abort();
  return 0;
}
