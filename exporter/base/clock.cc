// SPDX-License-Identifier: Apache-2.0
//
// The real clock.
#include "base/clock.h"

namespace plimsoll::base {
namespace {

class RealClock final : public Clock {
 public:
  Time Now() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  Steady SteadyNow() const override { return std::chrono::steady_clock::now().time_since_epoch(); }
};

}  // namespace

const Clock& SystemClock() {
  static const RealClock clock;
  return clock;
}

}  // namespace plimsoll::base
