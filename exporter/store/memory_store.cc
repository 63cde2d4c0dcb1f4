// SPDX-License-Identifier: Apache-2.0
//
// The store's door. See memory_store.h.
#include "store/memory_store.h"

#include "store/detail/core.h"

namespace plimsoll::store {

MemoryStore::MemoryStore(Limits limits, telemetry::Telemetry* telemetry)
    : core_(std::make_unique<Core>(limits, telemetry)), appender_(*core_) {}
MemoryStore::~MemoryStore() = default;

std::unique_ptr<Querier> MemoryStore::Open() const { return core_->Open(); }
Appender& MemoryStore::appender() { return appender_; }
void MemoryStore::SetWindow(std::chrono::milliseconds window) { core_->SetWindow(window); }
std::chrono::milliseconds MemoryStore::Window() const { return core_->window(); }
void MemoryStore::Expire(model::Time now) { core_->Expire(now); }
void MemoryStore::SetLimits(Limits limits) { core_->SetLimits(limits); }
Stats MemoryStore::GetStats() const { return core_->GetStats(); }

}  // namespace plimsoll::store
