// SPDX-License-Identifier: Apache-2.0
//
// The words are copied first, so that fields are cut out of plain memory without looking for its
// end. Where neither the distance between samples nor the growth changes, which is common, both are
// one zero bit each: such runs are counted with one instruction.
#include "store/detail/chunk_decode.h"

#include <algorithm>
#include <array>
#include <bit>

#include "store/detail/chunk_fields.h"

namespace plimsoll::store {
namespace {

class Decoder {
 public:
  Decoder(const Chunk& chunk, Slot* slots, double* values)
      : chunk_(chunk), slots_(slots), values_(values) {
    size_ = chunk.count.load(std::memory_order_acquire);
    for (unsigned i = 0; i < chunk.size; ++i)
      words_[i] = chunk.words()[i].load(std::memory_order_relaxed);
    std::fill(words_.begin() + chunk.size, words_.end(), 0);
  }

  std::size_t Run() {
    if (size_ == 0) return 0;
    slot_ = chunk_.first_slot;
    bits_ = words_[0];
    at_ = chunk_.kind.recorded ? 128 : 64;
    Put();
    if (chunk_.kind.code == ChunkKind::Code::kInteger) {
      Integers();
    } else {
      Xors();
    }
    return size_;
  }

 private:
  // The next 64 bits; behind the end of the chunk they are zero.
  std::uint64_t Peek() const {
    const unsigned word = at_ / 64, offset = at_ % 64;
    return words_[word] >> offset | words_[word + 1] << 1 << (63 - offset);
  }

  void Put() {
    slots_[done_] = slot_;
    values_[done_] = std::bit_cast<double>(bits_);
    ++done_;
  }

  // How many samples follow that change nothing, each two zero bits.
  std::size_t Unchanged(std::uint64_t ahead) const {
    if (chunk_.kind.recorded) return 0;
    return std::min<std::size_t>(size_ - done_, static_cast<unsigned>(std::countr_zero(ahead)) / 2);
  }

  // Steps over the slot. Returns: what follows, at least 63 bits of it.
  std::uint64_t TakeSlot(std::uint64_t ahead) {
    if ((ahead & 1) == 0) {
      ++at_;
      slot_ += delta_;
      return ahead >> 1;
    }
    const unsigned size_class =
        std::min<unsigned>(4, static_cast<unsigned>(std::countr_one(ahead)));
    const unsigned head = HeadBits(kSlotSizes, size_class), size = kSlotSizes[size_class];
    delta_ += static_cast<std::uint32_t>(Extend(Low(ahead >> head, size), size));
    slot_ += delta_;
    at_ += head + size;
    return Peek();
  }

  void SkipLag() {
    if (!chunk_.kind.recorded) return;
    const std::uint64_t ahead = Peek();
    at_ += (ahead & 1) == 0 ? 1 : (ahead & 2) == 0 ? 2 + kShortLag : 2 + 64;
  }

  void Integers() {
    constexpr unsigned kRaw = kGrowthSizes.size() - 1;
    std::int64_t growth = 0;
    // Of a value that is not whole no growth follows.
    std::int64_t whole = IsWhole(bits_) ? Whole(bits_) : 0;
    while (done_ < size_) {
      std::uint64_t ahead = Peek();
      if (const std::size_t run = Unchanged(ahead); run > 0) {
        at_ += static_cast<unsigned>(2 * run);
        Slot* const slots = slots_ + done_;
        double* const values = values_ + done_;
        for (std::size_t i = 0; i < run; ++i) {
          slots[i] = slot_ += delta_;
          values[i] = static_cast<double>(whole += growth);
        }
        done_ += run;
        continue;
      }
      ahead = TakeSlot(ahead);
      const unsigned size_class =
          std::min<unsigned>(kRaw, static_cast<unsigned>(std::countr_one(ahead)));
      if (size_class == kRaw) {
        at_ += kRaw;
        bits_ = Peek();
        at_ += 64;
        growth = 0;
        whole = IsWhole(bits_) ? Whole(bits_) : 0;
      } else {
        const unsigned size = kGrowthSizes[size_class];
        at_ += size_class + 1 + size;
        // Two shifts, because a size may be zero.
        const auto top = static_cast<std::int64_t>(ahead >> (size_class + 1) << (63 - size) << 1);
        growth += top >> (63 - size) >> 1;
        whole += growth;
        bits_ = std::bit_cast<std::uint64_t>(static_cast<double>(whole));
      }
      SkipLag();
      Put();
    }
  }

  void Xors() {
    unsigned length = 0, trailing = 0;
    while (done_ < size_) {
      std::uint64_t ahead = Peek();
      if (const std::size_t run = Unchanged(ahead); run > 0) {
        at_ += static_cast<unsigned>(2 * run);
        for (std::size_t i = 0; i < run; ++i) {
          slot_ += delta_;
          Put();
        }
        continue;
      }
      ahead = TakeSlot(ahead);
      if ((ahead & 1) == 0) {
        ++at_;
      } else {
        unsigned head = 2;
        if ((ahead & 2) != 0) {
          head = kNewWindowBits;
          length = static_cast<unsigned>(ahead >> 7 & 63) + 1;
          trailing = 64 - static_cast<unsigned>(ahead >> 2 & 31) - length;
        }
        at_ += head;
        bits_ ^= Low(head + length <= 63 ? ahead >> head : Peek(), length) << trailing;
        at_ += length;
      }
      SkipLag();
      Put();
    }
  }

  const Chunk& chunk_;
  Slot* slots_;
  double* values_;
  std::size_t size_ = 0;
  std::size_t done_ = 0;
  unsigned at_ = 0;
  Slot slot_ = 0;
  std::uint32_t delta_ = 0;
  std::uint64_t bits_ = 0;
  std::array<std::uint64_t, kLargeWords + 2> words_;
};

}  // namespace

std::size_t DecodeChunk(const Chunk& chunk, Slot* slots, double* values) {
  return Decoder(chunk, slots, values).Run();
}

}  // namespace plimsoll::store
