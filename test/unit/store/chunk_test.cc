// SPDX-License-Identifier: Apache-2.0
#include "store/detail/chunk.h"

#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <limits>
#include <random>
#include <vector>

#include "model/sample.h"
#include "store/detail/chunk_decode.h"
#include "store/detail/chunk_pool.h"
#include "store/detail/chunk_reader.h"

namespace plimsoll::store {
namespace {

bool Same(const ChunkSample& a, const ChunkSample& b, bool recorded) {
  return a.slot == b.slot && a.bits == b.bits && (!recorded || a.lag == b.lag);
}

// Fills one chunk with as many of the samples as fit and reads them back.
// Returns: how many fitted.
std::size_t RoundTrip(const std::vector<ChunkSample>& samples, ChunkKind kind) {
  ChunkPool pool;
  Chunk& chunk = *pool.Take(kind);
  chunk.Reset(samples[0].slot, kind, nullptr);
  ChunkState state;
  StartChunk(chunk, state, samples[0]);
  std::size_t fitted = 1;
  while (fitted < samples.size() &&
         AppendToChunk(chunk, state, samples[fitted - 1], samples[fitted])) {
    ++fitted;
  }
  ChunkReader reader(chunk);
  for (std::size_t i = 0; i < fitted; ++i) {
    const bool good = reader.Next() && Same(reader.sample(), samples[i], kind.recorded);
    if (!good) FAIL("sample ", i, " differs");
  }
  CHECK_FALSE(reader.Next());
  CHECK(reader.state().at == state.at);
  std::array<Slot, 255> slots;
  std::array<double, 255> values;
  DecodeChunk(chunk, fitted, slots.data(), values.data());
  for (std::size_t i = 0; i < fitted; ++i) {
    const bool good =
        slots[i] == samples[i].slot && std::bit_cast<std::uint64_t>(values[i]) == samples[i].bits;
    if (!good) FAIL("sample ", i, " differs when all are decoded at once");
  }
  return fitted;
}

constexpr ChunkKind kXor{ChunkKind::Code::kXor, false};
constexpr ChunkKind kInteger{ChunkKind::Code::kInteger, false};

std::uint64_t Bits(double value) { return std::bit_cast<std::uint64_t>(value); }

TEST_CASE("special values keep their bits") {
  using Limits = std::numeric_limits<double>;
  const double values[] = {0.0,
                           -0.0,
                           1.0,
                           -1.0,
                           Limits::infinity(),
                           -Limits::infinity(),
                           model::NormalNaN(),
                           model::StaleNaN(),
                           Limits::denorm_min(),
                           Limits::max(),
                           Limits::lowest(),
                           std::bit_cast<double>(~std::uint64_t{0})};
  for (const double a : values) {
    for (const double b : values) {
      CHECK(RoundTrip({{7, Bits(a), 0}, {8, Bits(b), 0}, {9, Bits(a), 0}}, kXor) == 3);
      CHECK(RoundTrip({{7, Bits(a), 0}, {8, Bits(b), 0}, {9, Bits(a), 0}}, kInteger) == 3);
    }
  }
}

TEST_CASE("slots may follow at any distance, and their numbers may wrap") {
  for (const std::uint32_t step : {1U, 63U, 64U, 2047U, 2048U, 524288U, 1U << 30, ~0U}) {
    const Slot start = 0xfffffff0U;
    CHECK(RoundTrip({{start, 1, 0}, {start + step, 1, 0}, {start + step + 1, 1, 0}}, kXor) == 3);
  }
}

TEST_CASE("lags of any size are kept in recorded chunks") {
  for (const std::int64_t lag : {std::int64_t{0}, std::int64_t{15000}, std::int64_t{-32768},
                                 std::int64_t{32768}, INT64_MAX, INT64_MIN}) {
    CHECK(RoundTrip({{1, 5, 100}, {2, 5, lag}, {3, 5, 100}}, {ChunkKind::Code::kXor, true}) >= 2);
  }
}

TEST_CASE("a chunk refuses what does not fit and stays as it was") {
  std::vector<ChunkSample> samples;
  for (Slot slot = 1; slot < 100; ++slot)
    samples.push_back({slot, slot * 0x9e3779b97f4a7c15ULL, 0});
  const std::size_t fitted = RoundTrip(samples, kXor);
  CHECK(fitted >= 4);
  CHECK(fitted < 16);
}

TEST_CASE("a chunk holds no more samples than it is allowed") {
  for (const unsigned most : {1U, 2U, 7U, kMostSamples}) {
    ChunkPool pool;
    Chunk& chunk = *pool.Take(kXor);
    chunk.Reset(1, kXor, nullptr);
    ChunkState state;
    ChunkSample last{1, 42, 0};
    StartChunk(chunk, state, last);
    for (;;) {
      const ChunkSample next{last.slot + 1, 42, 0};
      if (!AppendToChunk(chunk, state, last, next, most)) break;
      last = next;
    }
    CHECK(chunk.count.load() == most);
    CHECK(last.slot == most);
  }
}

TEST_CASE("equal values at a steady distance cost two bits") {
  std::vector<ChunkSample> samples;
  for (Slot slot = 1; slot < 1000; ++slot) samples.push_back({slot * 3, 42, 0});
  CHECK(RoundTrip(samples, kXor) > kSmallWords * 64 / 2 - 60);
}

TEST_CASE("whole numbers that grow steadily cost two bits each") {
  std::vector<ChunkSample> samples;
  for (Slot slot = 1; slot < 1000; ++slot) samples.push_back({slot, Bits(1e8 + 97.0 * slot), 0});
  CHECK(RoundTrip(samples, kInteger) > kSmallWords * 64 / 2 - 60);
}

TEST_CASE("whole numbers of any size and step survive between fractions") {
  for (const double step :
       {1.0, -1.0, 15.0, 16.0, 255.0, 256.0, 8191.0, 8192.0, 2097151.0, 2097152.0, 2147483647.0,
        2147483648.0, 4294967296.0, 9007199254740992.0, 0.5}) {
    for (const double start : {0.0, -7.0, 4503599627370496.0, -9007199254740992.0}) {
      CHECK(RoundTrip({{1, Bits(start), 0},
                       {2, Bits(start + step), 0},
                       {3, Bits(start - step), 0},
                       {4, Bits(start), 0}},
                      kInteger) >= 3);
    }
  }
}

TEST_CASE("what is whole is exact") {
  CHECK(IsWhole(Bits(0.0)));
  CHECK_FALSE(IsWhole(Bits(-0.0)));
  CHECK(IsWhole(Bits(-9007199254740992.0)));
  CHECK_FALSE(IsWhole(Bits(9007199254740994.0)));
  CHECK_FALSE(IsWhole(Bits(0.5)));
  CHECK_FALSE(IsWhole(model::kStaleNaNBits));
}

TEST_CASE("random samples of every shape survive") {
  std::mt19937_64 random(20261121);
  for (int round = 0; round < 1000; ++round) {
    std::vector<ChunkSample> samples;
    ChunkSample sample{static_cast<Slot>(random()), random(), 0};
    for (int i = 0; i < 40; ++i) {
      samples.push_back(sample);
      sample.slot +=
          random() % 4 != 0 ? 1 : 1 + static_cast<Slot>(random() >> (32 + random() % 32));
      const std::uint64_t shape = random() % 5;
      if (shape == 1) sample.bits = random();
      if (shape == 2) sample.bits ^= std::uint64_t{1} << (random() % 64);
      if (shape >= 3) {
        sample.bits =
            std::bit_cast<std::uint64_t>(static_cast<double>(random() >> (random() % 64)));
      }
      if (random() % 3 == 0) sample.lag = static_cast<std::int64_t>(random() >> (random() % 64));
    }
    for (const bool recorded : {false, true}) {
      RoundTrip(samples, {ChunkKind::Code::kXor, recorded});
      RoundTrip(samples, {ChunkKind::Code::kInteger, recorded});
    }
  }
}

}  // namespace
}  // namespace plimsoll::store
