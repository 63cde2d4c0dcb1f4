// SPDX-License-Identifier: Apache-2.0
//
// Two counters under one lock.
#include "serve/detail/query_gate.h"

namespace plimsoll::serve {

QueryGate::Place::~Place() {
  if (gate_ != nullptr) gate_->count_.Change([](Count& count) { --count.running; });
}

QueryGate::Place QueryGate::Enter() {
  enum class Verdict { kRun, kWait, kRefuse };
  const Verdict verdict = count_.With([&](Count& count) {
    if (count.closed) return Verdict::kRefuse;
    if (count.running < limits_.running) {
      ++count.running;
      return Verdict::kRun;
    }
    if (count.waiting >= limits_.waiting || limits_.patience.count() == 0) return Verdict::kRefuse;
    ++count.waiting;
    return Verdict::kWait;
  });
  if (verdict == Verdict::kRun) return Place(this);
  if (verdict == Verdict::kRefuse) return Place(nullptr);
  bool entered = false;
  count_.WaitFor({}, limits_.patience, [&](Count& count) {
    entered = !count.closed && count.running < limits_.running;
    if (entered) ++count.running;
    return entered || count.closed;
  });
  count_.With([](Count& count) { --count.waiting; });
  return Place(entered ? this : nullptr);
}

void QueryGate::Close() {
  count_.Change([](Count& count) { count.closed = true; });
}

}  // namespace plimsoll::serve
