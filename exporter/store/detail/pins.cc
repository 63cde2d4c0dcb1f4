// SPDX-License-Identifier: Apache-2.0
//
// The list of pins: only ever grows; a pin is claimed by exchanging kFree for kAll. See pins.h.
#include "store/detail/pins.h"

namespace plimsoll::store {
namespace {

bool IsFree(const Pin& pin) { return pin.reach.load(std::memory_order_acquire) == Pin::kFree; }

bool IsHarmless(const Pin& pin, std::uint64_t serial) {
  return pin.broken.load(std::memory_order_relaxed) == serial &&
         !pin.busy.load(std::memory_order_seq_cst);
}

}  // namespace

Pins::~Pins() {
  for (Pin* pin = first_.load(); pin != nullptr;) delete std::exchange(pin, pin->next);
}

Pin& Pins::Claim() {
  for (Pin* pin = first_.load(std::memory_order_acquire); pin != nullptr; pin = pin->next) {
    model::Time expected = Pin::kFree;
    if (pin->reach.load(std::memory_order_relaxed) == Pin::kFree &&
        pin->reach.compare_exchange_strong(expected, Pin::kAll, std::memory_order_acq_rel)) {
      return *pin;
    }
  }
  Pin* const pin = new Pin;
  pin->reach.store(Pin::kAll, std::memory_order_relaxed);
  pin->next = first_.load(std::memory_order_relaxed);
  while (!first_.compare_exchange_weak(pin->next, pin, std::memory_order_acq_rel)) {
  }
  return *pin;
}

void Pins::Release(Pin& pin) {
  pin.opened.store(Pin::kFree, std::memory_order_relaxed);
  pin.serial.fetch_add(1, std::memory_order_release);
  pin.reach.store(Pin::kFree, std::memory_order_release);
}

bool Pins::Holder::Ended() const {
  return IsFree(*pin) || pin->serial.load(std::memory_order_acquire) != serial;
}

bool Pins::Holder::Harmless() const { return Ended() || IsHarmless(*pin, serial); }

std::vector<Pins::Holder> Pins::Holders() const {
  std::vector<Holder> holders;
  for (const Pin* pin = first_.load(std::memory_order_acquire); pin != nullptr; pin = pin->next) {
    if (!IsFree(*pin)) holders.push_back({pin, pin->serial.load(std::memory_order_acquire)});
  }
  return holders;
}

model::Time Pins::Furthest(model::Time reach) const {
  for (const Pin* pin = first_.load(std::memory_order_acquire); pin != nullptr; pin = pin->next) {
    const model::Time here = pin->reach.load(std::memory_order_acquire);
    if (here < reach && !IsHarmless(*pin, pin->serial.load(std::memory_order_acquire))) {
      reach = here;
    }
  }
  return reach;
}

std::uint64_t Pins::Break(model::Time now, model::Time max_age) {
  std::uint64_t count = 0;
  for (Pin* pin = first_.load(std::memory_order_acquire); pin != nullptr; pin = pin->next) {
    const std::uint64_t serial = pin->serial.load(std::memory_order_acquire);
    model::Time since = pin->opened.load(std::memory_order_acquire);
    // Opened before the store knew the time: it is as old as now.
    if (since == Pin::kAll) pin->opened.compare_exchange_strong(since, now);
    if (IsFree(*pin) || since == Pin::kAll || since >= now - max_age) continue;
    if (pin->broken.load(std::memory_order_relaxed) == serial) continue;
    pin->broken.store(serial, std::memory_order_seq_cst);
    ++count;
  }
  return count;
}

std::uint64_t Pins::open() const { return Holders().size(); }

}  // namespace plimsoll::store
