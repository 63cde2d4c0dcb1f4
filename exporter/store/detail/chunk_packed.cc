// SPDX-License-Identifier: Apache-2.0
//
// The codec of chunk_packed.h, and the guess of what a chunk needs.
#include "store/detail/chunk_packed.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "store/detail/chunk_decode.h"
#include "store/detail/chunk_fields.h"

namespace plimsoll::store {
namespace {

// The second word, from its lowest bit on.
constexpr unsigned kLowBits = 38, kValueBitsBits = 6, kStepBits = 12, kSlotBitsBits = 4;
// A field of so many bits lies within eight bytes wherever it begins.
constexpr unsigned kMostSampleBits = 56;

constexpr std::array<double, Packing::kMostDecimals + 1> kUnits = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};

// Fewer samples say too little about those to come.
constexpr unsigned kLeastSamples = 8;
// A range that takes so many bits more for the sake of one sample is not worth it.
constexpr unsigned kMostWider = 3;
// With more in a chunk of one line they take as good as nothing, and are read in runs.
constexpr unsigned kSteadySamples = 100;

struct Range {
  std::int64_t least = INT64_MAX;
  std::int64_t most = INT64_MIN;

  void Add(std::int64_t value) {
    least = std::min(least, value);
    most = std::max(most, value);
  }
  std::int64_t spread() const { return most - least; }
  // Where the range begins, and the bits it takes, with an eighth more on either side.
  std::int64_t begin() const { return least - spread() / 8; }
  unsigned bits() const {
    const auto width = static_cast<std::uint64_t>(spread() + spread() / 4);
    return std::max(1U, static_cast<unsigned>(std::bit_width(width)));
  }
};

// Returns: the least number of decimals that all values have, and their units.
std::optional<unsigned> CommonDecimals(const double* values, std::size_t size,
                                       std::int64_t* units) {
  unsigned decimals = 0;
  for (std::size_t i = 0; i < size;) {
    const auto unit = UnitsOf(std::bit_cast<std::uint64_t>(values[i]), decimals);
    if (unit) {
      units[i++] = *unit;
      continue;
    }
    if (++decimals > Packing::kMostDecimals) return std::nullopt;
    i = 0;
  }
  return decimals;
}

unsigned CapacityOf(const Packing& packing) {
  return 1 + (kSmallWords * 64 - Packing::kHeadBits) / packing.sample_bits();
}

// What is left of a difference when the least is taken away, if the bits can hold it.
std::optional<std::uint64_t> Rest(std::int64_t difference, const Packing& packing) {
  const std::int64_t rest = difference - packing.low;
  if (rest < 0 || static_cast<std::uint64_t>(rest) >> packing.value_bits != 0) return std::nullopt;
  return static_cast<std::uint64_t>(rest);
}

// The bits of a chunk as bytes, with room behind them to read eight anywhere.
class Bytes {
 public:
  explicit Bytes(const Chunk& chunk) {
    std::array<std::uint64_t, kSmallWords + 1> words;
    for (unsigned i = 0; i < kSmallWords; ++i)
      words[i] = chunk.words()[i].load(std::memory_order_relaxed);
    words[kSmallWords] = 0;
    std::memcpy(bytes_, words.data(), sizeof(bytes_));
  }
  std::uint64_t word(unsigned index) const { return Eight(index * 8); }
  // At least 57 bits from `at` on.
  std::uint64_t At(unsigned at) const { return Eight(at / 8) >> (at % 8); }

 private:
  std::uint64_t Eight(unsigned offset) const {
    std::uint64_t eight;
    std::memcpy(&eight, bytes_ + offset, sizeof(eight));
    return eight;
  }
  unsigned char bytes_[(kSmallWords + 1) * 8];
};
static_assert(std::endian::native == std::endian::little);

template <bool kGrows>
void DecodeValues(const Bytes& bytes, const Packing& packing, std::int64_t first, std::size_t size,
                  double* values) {
  const unsigned width = packing.sample_bits();
  const std::uint64_t mask = Low(~std::uint64_t{0}, packing.value_bits);
  std::int64_t units = first;
  unsigned at = Packing::kHeadBits + packing.slot_bits;
  values[0] = static_cast<double>(first);
  for (std::size_t i = 1; i < size; ++i, at += width) {
    const std::int64_t change = packing.low + static_cast<std::int64_t>(bytes.At(at) & mask);
    units = (kGrows ? units : first) + change;
    values[i] = static_cast<double>(units);
  }
  if (packing.decimals == 0) return;
  const double unit = kUnits[packing.decimals];
  constexpr std::size_t kBeside = 4;  // the compiler divides several at once
  std::size_t i = 0;
  for (; i + kBeside <= size; i += kBeside) {
    for (std::size_t j = 0; j < kBeside; ++j) values[i + j] /= unit;
  }
  for (; i < size; ++i) values[i] /= unit;
}

void DecodeSlots(const Bytes& bytes, const Packing& packing, Slot first, std::size_t size,
                 Slot* slots) {
  if (packing.slot_bits == 0) {
    for (std::size_t i = 0; i < size; ++i)
      slots[i] = first + static_cast<Slot>(i) * static_cast<Slot>(packing.step);
    return;
  }
  const std::uint64_t mask = Low(~std::uint64_t{0}, packing.slot_bits);
  unsigned at = Packing::kHeadBits;
  slots[0] = first;
  for (std::size_t i = 1; i < size; ++i, at += packing.sample_bits())
    slots[i] = slots[i - 1] + packing.step + static_cast<Slot>(bytes.At(at) & mask);
}

}  // namespace

std::uint64_t Packing::ToWord() const {
  std::uint64_t word = Low(static_cast<std::uint64_t>(low), kLowBits);
  unsigned at = kLowBits;
  const auto add = [&](std::uint64_t field, unsigned bits) {
    word |= field << at;
    at += bits;
  };
  add(value_bits, kValueBitsBits);
  add(step, kStepBits);
  add(slot_bits, kSlotBitsBits);
  add(decimals, 3);
  add(grows ? 1 : 0, 1);
  return word;
}

Packing Packing::FromWord(std::uint64_t word) {
  Packing packing;
  unsigned at = 0;
  const auto take = [&](unsigned bits) {
    const std::uint64_t field = Low(word >> at, bits);
    at += bits;
    return field;
  };
  packing.low = Extend(take(kLowBits), kLowBits);
  packing.value_bits = static_cast<unsigned>(take(kValueBitsBits));
  packing.step = static_cast<unsigned>(take(kStepBits));
  packing.slot_bits = static_cast<unsigned>(take(kSlotBitsBits));
  packing.decimals = static_cast<unsigned>(take(3));
  packing.grows = take(1) != 0;
  return packing;
}

bool Packing::Representable() const {
  return Fits(low, kLowBits) && value_bits > 0 && value_bits >> kValueBitsBits == 0 &&
         step >> kStepBits == 0 && slot_bits >> kSlotBitsBits == 0 && decimals <= kMostDecimals &&
         sample_bits() <= kMostSampleBits;
}

std::optional<std::int64_t> UnitsOf(std::uint64_t bits, unsigned decimals) {
  if (decimals == 0) return IsWhole(bits) ? std::optional(Whole(bits)) : std::nullopt;
  const double units = std::bit_cast<double>(bits) * kUnits[decimals];
  constexpr double kExact = 9007199254740992.0;
  if (!(units >= -kExact && units <= kExact)) return std::nullopt;
  const auto whole = static_cast<std::int64_t>(units + std::copysign(0.5, units));
  if (BitsOfUnits(whole, decimals) != bits) return std::nullopt;
  return whole;
}

std::uint64_t BitsOfUnits(std::int64_t units, unsigned decimals) {
  return std::bit_cast<std::uint64_t>(static_cast<double>(units) / kUnits[decimals]);
}

std::optional<Packing> ChoosePacking(const Chunk& full, const ChunkSample& next) {
  const std::size_t size = full.count.load(std::memory_order_relaxed);
  if (size < kLeastSamples) return std::nullopt;
  const std::size_t per_line = full.size == kSmallWords ? size : size / 2;
  std::optional<Packing> failed;  // it ended before the chunk was full
  if (full.kind.code == ChunkKind::Code::kPacked) {
    failed = PackingOf(full);
    if (size * 4 >= CapacityOf(*failed) * std::size_t{3}) failed.reset();
  } else if (per_line > kSteadySamples) {
    return std::nullopt;
  }
  std::array<Slot, kMostSamples> slots;
  std::array<double, kMostSamples> values;
  std::array<std::int64_t, kMostSamples> units;
  DecodeChunk(full, size, slots.data(), values.data());
  Packing packing;
  const auto decimals = CommonDecimals(values.data(), size, units.data());
  const auto first = UnitsOf(next.bits, decimals.value_or(0));
  if (!decimals || !first) return std::nullopt;
  packing.decimals = *decimals;
  Range levels, growths, steps;
  levels.Add(units[0]);
  for (std::size_t i = 1; i < size; ++i) {
    levels.Add(units[i]);
    growths.Add(units[i] - units[i - 1]);
    steps.Add(static_cast<std::int64_t>(slots[i] - slots[i - 1]));
  }
  packing.grows = growths.bits() < levels.bits();
  Range& range = packing.grows ? growths : levels;
  const unsigned bits = range.bits();
  range.Add(packing.grows ? *first - units[size - 1] : *first);
  if (failed && failed->grows == packing.grows && failed->decimals == packing.decimals) {
    const std::int64_t from = packing.grows ? 0 : units[0];
    range.Add(from + failed->low);
    range.Add(from + failed->low +
              static_cast<std::int64_t>(Low(~std::uint64_t{0}, failed->value_bits)));
  }
  // One that has gone far off is no sample like those.
  if (range.bits() > bits + kMostWider) return std::nullopt;
  packing.value_bits = range.bits();
  packing.low = range.begin() - (packing.grows ? 0 : *first);
  packing.step = static_cast<unsigned>(steps.least);
  packing.slot_bits =
      static_cast<unsigned>(std::bit_width(static_cast<std::uint64_t>(steps.spread())));
  if (!packing.Representable()) return std::nullopt;
  // A little more memory is worth the time.
  if (CapacityOf(packing) * std::size_t{8} < per_line * 7) return std::nullopt;
  return packing;
}

void StartPacked(Chunk& chunk, ChunkState& state, const ChunkSample& sample,
                 const Packing& packing) {
  state = {};
  state.at = Packing::kHeadBits;
  const std::int64_t first = UnitsOf(sample.bits, packing.decimals).value_or(0);
  chunk.words()[0].store(static_cast<std::uint64_t>(first), std::memory_order_relaxed);
  chunk.words()[1].store(packing.ToWord(), std::memory_order_relaxed);
  chunk.count.store(1, std::memory_order_release);
}

bool AppendPacked(Chunk& chunk, ChunkState& state, const ChunkSample& last,
                  const ChunkSample& sample) {
  const Packing packing = PackingOf(chunk);
  const unsigned size = packing.sample_bits();
  if (state.at + size > chunk.bits()) return false;
  const Slot further = sample.slot - last.slot - packing.step;  // large when too near
  const auto units = UnitsOf(sample.bits, packing.decimals);
  if (!units || further >> packing.slot_bits != 0) return false;
  const std::int64_t from =
      packing.grows ? *UnitsOf(last.bits, packing.decimals)
                    : static_cast<std::int64_t>(chunk.words()[0].load(std::memory_order_relaxed));
  const auto rest = Rest(*units - from, packing);
  if (!rest) return false;
  const std::uint64_t field = further | *rest << packing.slot_bits;
  const unsigned word = state.at / 64U, offset = state.at % 64U;
  const auto add = [&](unsigned index, std::uint64_t bits) {
    std::atomic<std::uint64_t>& to = chunk.words()[index];
    to.store(to.load(std::memory_order_relaxed) | bits, std::memory_order_relaxed);
  };
  add(word, field << offset);
  if (offset + size > 64) add(word + 1, field >> (64 - offset));
  state.at = static_cast<std::uint16_t>(state.at + size);
  chunk.count.store(static_cast<std::uint8_t>(chunk.count.load(std::memory_order_relaxed) + 1),
                    std::memory_order_release);
  return true;
}

Packing PackingOf(const Chunk& chunk) {
  return Packing::FromWord(chunk.words()[1].load(std::memory_order_relaxed));
}

Known DecodePacked(const Chunk& chunk, std::size_t size, Slot* slots, double* values) {
  const Bytes bytes(chunk);
  const auto first = static_cast<std::int64_t>(bytes.word(0));
  const Packing packing = Packing::FromWord(bytes.word(1));
  DecodeSlots(bytes, packing, chunk.first_slot, size, slots);
  if (packing.grows) {
    DecodeValues<true>(bytes, packing, first, size, values);
  } else {
    DecodeValues<false>(bytes, packing, first, size, values);
  }
  return {true, packing.grows && packing.low >= 0};
}

}  // namespace plimsoll::store
