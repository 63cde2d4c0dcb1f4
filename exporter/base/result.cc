// SPDX-License-Identifier: Apache-2.0
//
// How places and errors read in a terminal.
#include "base/result.h"

namespace plimsoll::base {

std::string Place::ToString() const {
  std::string text = file;
  if (line > 0) {
    if (!text.empty()) text += ':';
    text += std::to_string(line);
    if (column > 0) text += ':' + std::to_string(column);
  }
  return text;
}

std::string Error::ToString() const {
  const std::string place = where.ToString();
  return place.empty() ? message : place + ": " + message;
}

}  // namespace plimsoll::base
