// SPDX-License-Identifier: Apache-2.0
//
// Invariant: whatever is appended to a chunk is read back bit by bit, and a refused sample changes
// nothing.
//
// The input is a list of operations: a byte that says how slot, value and lag differ from the last
// sample, then the bytes that it needs. The first byte gives the kind of the chunk; of a packed one
// its packing follows.
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "store/detail/chunk_decode.h"
#include "store/detail/chunk_packed.h"
#include "store/detail/chunk_pool.h"
#include "store/detail/chunk_reader.h"

namespace {

using namespace plimsoll::store;

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : at_(data), left_(size) {}
  bool empty() const { return left_ == 0; }
  std::uint64_t Take(std::size_t bytes) {
    std::uint64_t value = 0;
    bytes = bytes < left_ ? bytes : left_;
    std::memcpy(&value, at_, bytes);
    at_ += bytes;
    left_ -= bytes;
    return value;
  }

 private:
  const std::uint8_t* at_;
  std::size_t left_;
};

double AsDouble(std::uint64_t bits) {
  double value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

std::uint64_t AsBits(double value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

ChunkSample Next(Input& input, const ChunkSample& last) {
  const auto how = static_cast<unsigned>(input.Take(1));
  ChunkSample sample = last;
  sample.slot += (how & 3) == 0 ? 1 : static_cast<Slot>(input.Take(how & 3) + 1);
  switch (how >> 2 & 7) {
    case 0:
      break;
    case 1:
      sample.bits = input.Take(8);
      break;
    case 2:
      sample.bits ^= input.Take(2) << (input.Take(1) % 49);
      break;
    case 3:
      sample.bits = AsBits(static_cast<double>(input.Take(2)));
      break;
    case 4:
      sample.bits = AsBits(static_cast<double>(static_cast<std::int64_t>(input.Take(8))));
      break;
    case 5:
      sample.bits = AsBits(AsDouble(last.bits) + static_cast<double>(input.Take(1)));
      break;
    case 6:
      sample.bits = AsBits(AsDouble(last.bits) - static_cast<double>(input.Take(4)));
      break;
    case 7:
      sample.bits = 0x7ff0000000000002ULL;
      break;
  }
  if ((how >> 5 & 3) == 1) sample.lag = static_cast<std::int16_t>(input.Take(2));
  if ((how >> 5 & 3) == 2) sample.lag = static_cast<std::int64_t>(input.Take(8));
  return sample;
}

Packing TakePacking(Input& input) {
  Packing packing;
  packing.low = static_cast<std::int32_t>(input.Take(4));
  packing.value_bits = static_cast<unsigned>(input.Take(1));
  packing.step = static_cast<unsigned>(input.Take(1));
  packing.slot_bits = static_cast<unsigned>(input.Take(1) & 15);
  packing.decimals = static_cast<unsigned>(input.Take(1) & 7);
  packing.grows = packing.value_bits % 2 == 0;
  return packing;
}

void Demand(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const std::uint64_t kind = input.Take(1);
  const bool packed = (kind & 12) == 12;
  const auto code = (kind & 1) != 0 ? ChunkKind::Code::kInteger : ChunkKind::Code::kXor;
  const ChunkKind as{packed ? ChunkKind::Code::kPacked : code, !packed && (kind & 2) != 0};
  ChunkPool pool;
  Chunk& chunk = *pool.Take(as);
  Packing packing;
  if (packed) packing = TakePacking(input);
  std::vector<ChunkSample> written = {{static_cast<Slot>(input.Take(4)), input.Take(8), 0}};
  chunk.Reset(written[0].slot, as, nullptr);
  ChunkState state;
  if (packed) {
    if (!packing.Representable() || !UnitsOf(written[0].bits, packing.decimals)) return 0;
    StartPacked(chunk, state, written[0], packing);
  } else {
    StartChunk(chunk, state, written[0]);
  }
  while (!input.empty()) {
    const ChunkSample sample = Next(input, written.back());
    const std::uint16_t at = state.at;
    if (AppendToChunk(chunk, state, written.back(), sample)) {
      written.push_back(sample);
    } else {
      Demand(state.at == at);
      if (as.recorded) continue;
      const auto next = ChoosePacking(chunk, sample);
      Demand(!next || (next->Representable() && UnitsOf(sample.bits, next->decimals)));
    }
  }
  ChunkReader reader(chunk);
  for (const ChunkSample& sample : written) {
    Demand(reader.Next());
    Demand(reader.sample().slot == sample.slot && reader.sample().bits == sample.bits);
    Demand(!as.recorded || reader.sample().lag == sample.lag);
  }
  Demand(!reader.Next());
  Demand(reader.state().at == state.at && reader.state().slot_delta == state.slot_delta);
  std::array<Slot, 255> slots;
  std::array<double, 255> values;
  const Known known = DecodeChunk(chunk, written.size(), slots.data(), values.data());
  for (std::size_t i = 0; i < written.size(); ++i) {
    Demand(slots[i] == written[i].slot);
    Demand(std::bit_cast<std::uint64_t>(values[i]) == written[i].bits);
    Demand(!known.numbers || values[i] == values[i]);
    Demand(!known.rising || i == 0 || values[i] >= values[i - 1]);
  }
  return 0;
}
