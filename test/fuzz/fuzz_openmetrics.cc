// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a page: see fuzz_exposition.h for what must hold.
#include "fuzz/fuzz_exposition.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  plimsoll::test::CheckPage({reinterpret_cast<const char*>(data), size},
                            plimsoll::exposition::Format::kOpenMetrics);
  return 0;
}
