// SPDX-License-Identifier: Apache-2.0
//
// The codec of chunk.h.
//
// A sample is put together in two words before it is written; a reader looks at 64 bits at a time,
// and finds the length of a field by counting ones. Lengths of fields are tables that writer and
// reader share.
#include "store/detail/chunk.h"

#include <bit>

#include "store/detail/chunk_fields.h"
#include "store/detail/chunk_packed.h"

namespace plimsoll::store {
namespace {

// The bits of one sample, before anybody can see them.
class Packer {
 public:
  void Add(std::uint64_t value, unsigned bits) {
    const unsigned word = size_ / 64, offset = size_ % 64;
    words_[word] |= value << offset;
    if (offset + bits > 64) words_[word + 1] |= value >> (64 - offset);
    size_ += bits;
  }
  unsigned size() const { return size_; }

  void WriteTo(Chunk& chunk, unsigned at) const {
    const unsigned offset = at % 64;
    unsigned word = at / 64;
    const unsigned end = at + size_;
    std::uint64_t carry = chunk.words()[word].load(std::memory_order_relaxed);
    for (unsigned i = 0; word * 64 < end; ++i, ++word) {
      chunk.words()[word].store(carry | words_[i] << offset, std::memory_order_relaxed);
      carry = offset == 0 ? 0 : words_[i] >> (64 - offset);
    }
  }

 private:
  std::uint64_t words_[4] = {};
  unsigned size_ = 0;
};

template <std::size_t kClasses>
void AddSized(Packer& out, const std::array<unsigned, kClasses>& sizes, std::size_t size_class,
              std::uint64_t value) {
  const unsigned head = HeadBits(sizes, size_class);
  out.Add((std::uint64_t{1} << size_class) - 1, head);
  if (size_class != 0) out.Add(Low(value, sizes[size_class]), sizes[size_class]);
}

void AddSlot(Packer& out, std::int32_t change) {
  std::size_t size_class = 0;
  if (change != 0) {
    size_class = 1;
    while (!Fits(change, kSlotSizes[size_class])) ++size_class;
  }
  AddSized(out, kSlotSizes, size_class,
           static_cast<std::uint64_t>(static_cast<std::int64_t>(change)));
}

void AddInteger(Packer& out, ChunkState& state, std::uint64_t last, std::uint64_t bits) {
  constexpr std::size_t kRaw = kGrowthSizes.size() - 1;
  if (IsWhole(last) && IsWhole(bits)) {
    const std::int64_t growth = Whole(bits) - Whole(last);
    const std::int64_t change = growth - state.growth;
    if (Fits(growth, 32) && Fits(change, 32)) {
      std::size_t size_class = 0;
      if (change != 0) {
        size_class = 1;
        while (!Fits(change, kGrowthSizes[size_class])) ++size_class;
      }
      state.growth = static_cast<std::int32_t>(growth);
      return AddSized(out, kGrowthSizes, size_class, static_cast<std::uint64_t>(change));
    }
  }
  state.growth = 0;
  AddSized(out, kGrowthSizes, kRaw, bits);
}

// Chooses the window: the last one, unless a new one is shorter by more than its description costs.
void AddXor(Packer& out, ChunkState& state, std::uint64_t difference) {
  if (difference == 0) return out.Add(0, 1);
  unsigned leading = static_cast<unsigned>(std::countl_zero(difference));
  const auto trailing = static_cast<unsigned>(std::countr_zero(difference));
  if (leading > kMaxLeading) leading = kMaxLeading;
  const unsigned length = 64 - leading - trailing;
  if (state.leading != ChunkState::kNoWindow && leading >= state.leading &&
      trailing >= state.trailing) {
    const unsigned last_length = 64U - state.leading - state.trailing;
    if (last_length + 2 <= length + kNewWindowBits) {
      out.Add(1, 2);
      return out.Add(difference >> state.trailing, last_length);
    }
  }
  state.leading = static_cast<std::uint8_t>(leading);
  state.trailing = static_cast<std::uint8_t>(trailing);
  out.Add(3 | std::uint64_t{leading} << 2 | std::uint64_t{length - 1} << 7, kNewWindowBits);
  out.Add(difference >> trailing, length);
}

void AddLag(Packer& out, std::int64_t last, std::int64_t lag) {
  if (lag == last) return out.Add(0, 1);
  const auto raw = static_cast<std::uint64_t>(lag);
  if (Fits(lag, kShortLag)) return out.Add(1 | Low(raw, kShortLag) << 2, 2 + kShortLag);
  out.Add(3, 2);
  out.Add(raw, 64);
}

}  // namespace

bool IsWhole(std::uint64_t bits) {
  constexpr double kExact = 9007199254740992.0;  // beyond it not every whole number is a double
  const double value = std::bit_cast<double>(bits);
  if (!(value >= -kExact && value <= kExact)) return false;
  return std::bit_cast<std::uint64_t>(static_cast<double>(Whole(bits))) == bits;
}

void Chunk::Reset(Slot first, ChunkKind as, Chunk* next_older) {
  older.store(next_older, std::memory_order_relaxed);
  first_slot = first;
  kind = as;
  count.store(0, std::memory_order_relaxed);
  for (unsigned i = 0; i < size; ++i) words()[i].store(0, std::memory_order_relaxed);
}

void StartChunk(Chunk& chunk, ChunkState& state, const ChunkSample& sample) {
  state = {};
  chunk.words()[0].store(sample.bits, std::memory_order_relaxed);
  state.at = 64;
  if (chunk.kind.recorded) {
    chunk.words()[1].store(static_cast<std::uint64_t>(sample.lag), std::memory_order_relaxed);
    state.at = 128;
  }
  chunk.count.store(1, std::memory_order_release);
}

bool AppendToChunk(Chunk& chunk, ChunkState& state, const ChunkSample& last,
                   const ChunkSample& sample, unsigned most) {
  const std::uint8_t count = chunk.count.load(std::memory_order_relaxed);
  if (count >= most) return false;
  if (chunk.kind.code == ChunkKind::Code::kPacked) return AppendPacked(chunk, state, last, sample);
  ChunkState next = state;
  Packer packer;
  next.slot_delta = sample.slot - last.slot;
  AddSlot(packer, static_cast<std::int32_t>(next.slot_delta - state.slot_delta));
  if (chunk.kind.code == ChunkKind::Code::kInteger) {
    AddInteger(packer, next, last.bits, sample.bits);
  } else {
    AddXor(packer, next, sample.bits ^ last.bits);
  }
  if (chunk.kind.recorded) AddLag(packer, last.lag, sample.lag);
  if (state.at + packer.size() > chunk.bits()) return false;
  packer.WriteTo(chunk, state.at);
  next.at = static_cast<std::uint16_t>(state.at + packer.size());
  state = next;
  chunk.count.store(static_cast<std::uint8_t>(count + 1), std::memory_order_release);
  return true;
}

}  // namespace plimsoll::store
