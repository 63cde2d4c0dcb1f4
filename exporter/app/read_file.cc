// SPDX-License-Identifier: Apache-2.0
//
// See app/read_file.h.
#include "app/read_file.h"

#include <fstream>
#include <iterator>

namespace plimsoll::app {

base::Result<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return base::Error{base::Error::Kind::kUnavailable, "cannot read " + path};
  return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

}  // namespace plimsoll::app
