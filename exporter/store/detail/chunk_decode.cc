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
#include "store/detail/chunk_packed.h"

namespace plimsoll::store {
namespace {

// The bits of a chunk. Values are copied in and out of locals, so that nothing is stored on the
// way.
class Bits {
 public:
  explicit Bits(const Chunk& chunk) {
    for (unsigned i = 0; i < chunk.size; ++i)
      words_[i] = chunk.words()[i].load(std::memory_order_relaxed);
    words_[chunk.size] = words_[chunk.size + 1] = 0;
  }
  // The 64 bits from `at` on; behind the end of the chunk they are zero.
  std::uint64_t At(unsigned at) const {
    const unsigned word = at / 64, offset = at % 64;
    return words_[word] >> offset | words_[word + 1] << 1 << (63 - offset);
  }

 private:
  std::array<std::uint64_t, kLargeWords + 2> words_;
};

// Where a sample is, and its slot.
struct Place {
  unsigned at = 0;
  Slot slot = 0;
  std::uint32_t delta = 0;
};

// How many of `left` samples change nothing: each is two zero bits.
std::size_t Unchanged(std::uint64_t ahead, std::size_t left) {
  return std::min<std::size_t>(left, static_cast<unsigned>(std::countr_zero(ahead)) / 2);
}

// Steps over a slot whose distance changes. Returns: what follows.
std::uint64_t ChangeDistance(const Bits& bits, std::uint64_t ahead, Place& place) {
  const unsigned size_class = std::min<unsigned>(4, static_cast<unsigned>(std::countr_one(ahead)));
  const unsigned head = HeadBits(kSlotSizes, size_class), size = kSlotSizes[size_class];
  place.delta += static_cast<std::uint32_t>(Extend(Low(ahead >> head, size), size));
  place.at += head + size;
  return bits.At(place.at);
}

void SkipLag(const Bits& bits, Place& place) {
  const std::uint64_t ahead = bits.At(place.at);
  place.at += (ahead & 1) == 0 ? 1 : (ahead & 2) == 0 ? 2 + kShortLag : 2 + 64;
}

// The sizes of growths by class, a byte each: a shift finds one faster than memory does.
constexpr std::uint64_t PackedGrowthSizes() {
  std::uint64_t packed = 0;
  for (unsigned i = 0; i + 1 < kGrowthSizes.size(); ++i)
    packed |= std::uint64_t{kGrowthSizes[i]} << (8 * i);
  return packed;
}

template <bool kRecorded>
Known DecodeIntegers(const Bits& bits, Place place, std::uint64_t first, std::size_t size,
                     Slot* slots, double* values) {
  constexpr unsigned kRaw = kGrowthSizes.size() - 1;
  // A sample at a constant distance needs at most so many bits, unless its value is raw.
  constexpr unsigned kMostBits = 1 + kRaw + 32;
  std::int64_t growth = 0;
  std::int64_t signs = 0;  // of all growths
  // No growth follows a value that is not whole.
  bool all_whole = IsWhole(first);
  std::int64_t whole = all_whole ? Whole(first) : 0;
  for (std::size_t i = 1; i < size;) {
    std::uint64_t ahead = bits.At(place.at);
    if (!kRecorded && (ahead & 3) == 0) {
      const std::size_t run = Unchanged(ahead, size - i);
      place.at += static_cast<unsigned>(2 * run);
      for (const std::size_t end = i + run; i < end; ++i) {
        slots[i] = place.slot += place.delta;
        values[i] = static_cast<double>(whole += growth);
      }
      continue;
    }
    unsigned used = 1;
    if ((ahead & 1) != 0) {
      ahead = ChangeDistance(bits, ahead, place) << 1;
      --place.at;
    }
    // What was read may hold a second sample.
    do {
      const std::uint64_t value = ahead >> 1;
      const auto size_class = static_cast<unsigned>(std::countr_one(value));
      slots[i] = place.slot += place.delta;
      if (size_class >= kRaw) {
        const std::uint64_t raw = bits.At(place.at + used + kRaw);
        used += kRaw + 64;
        growth = 0;
        const bool is_whole = IsWhole(raw);
        all_whole = all_whole && is_whole;
        whole = is_whole ? Whole(raw) : 0;
        signs = -1;
        values[i++] = std::bit_cast<double>(raw);
        break;
      }
      const auto bits_of_growth =
          static_cast<unsigned>(PackedGrowthSizes() >> (8 * size_class)) & 255;
      // Two shifts, because a size may be zero.
      const unsigned shift = 63 - bits_of_growth;
      growth += static_cast<std::int64_t>(value >> (size_class + 1) << shift << 1) >> shift >> 1;
      signs |= growth;
      values[i++] = static_cast<double>(whole += growth);
      const unsigned taken = 2 + size_class + bits_of_growth;
      used += taken - 1;
      ahead >>= taken;
      if (kRecorded || used > 64 - kMostBits || i == size || (ahead & 1) != 0) break;
      ++used;
    } while (true);
    place.at += used;
    if (kRecorded) SkipLag(bits, place);
  }
  return {all_whole, signs >= 0};
}

template <bool kRecorded>
Known DecodeXors(const Bits& bits, Place place, std::uint64_t value, std::size_t size, Slot* slots,
                 double* values) {
  unsigned length = 0, trailing = 0;
  for (std::size_t i = 1; i < size; ++i) {
    std::uint64_t ahead = bits.At(place.at);
    if ((ahead & 1) == 0) {
      ++place.at;
      ahead >>= 1;
    } else {
      ahead = ChangeDistance(bits, ahead, place);
    }
    slots[i] = place.slot += place.delta;
    if ((ahead & 1) == 0) {
      ++place.at;
    } else {
      unsigned head = 2;
      if ((ahead & 2) != 0) {
        head = kNewWindowBits;
        length = static_cast<unsigned>(ahead >> 7 & 63) + 1;
        trailing = 64 - static_cast<unsigned>(ahead >> 2 & 31) - length;
      }
      place.at += head;
      // At least 63 bits are ahead.
      value ^= Low(head + length <= 63 ? ahead >> head : bits.At(place.at), length) << trailing;
      place.at += length;
    }
    values[i] = std::bit_cast<double>(value);
    if (kRecorded) SkipLag(bits, place);
  }
  return {false, false};
}

}  // namespace

Known DecodeChunk(const Chunk& chunk, std::size_t size, Slot* slots, double* values) {
  if (size == 0) return {};
  if (chunk.kind.code == ChunkKind::Code::kPacked) return DecodePacked(chunk, size, slots, values);
  const Bits bits(chunk);
  const std::uint64_t first = bits.At(0);
  const Place place{chunk.kind.recorded ? 128U : 64U, chunk.first_slot, 0};
  slots[0] = place.slot;
  values[0] = std::bit_cast<double>(first);
  const bool integer = chunk.kind.code == ChunkKind::Code::kInteger;
  const auto decode = chunk.kind.recorded ? (integer ? &DecodeIntegers<true> : &DecodeXors<true>)
                                          : (integer ? &DecodeIntegers<false> : &DecodeXors<false>);
  return decode(bits, place, first, size, slots, values);
}

}  // namespace plimsoll::store
