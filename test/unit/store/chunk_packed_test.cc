// SPDX-License-Identifier: Apache-2.0
#include "store/detail/chunk_packed.h"

#include <array>
#include <bit>
#include <random>
#include <span>

#include "store/detail/chunk_decode.h"
#include "store/detail/chunk_pool.h"
#include "store/detail/chunk_reader.h"
#include "store_fixture.h"

namespace plimsoll::store {
namespace {

constexpr ChunkKind kPacked{ChunkKind::Code::kPacked, false};
constexpr ChunkKind kInteger{ChunkKind::Code::kInteger, false};
constexpr ChunkKind kXor{ChunkKind::Code::kXor, false};

std::uint64_t Bits(double value) { return std::bit_cast<std::uint64_t>(value); }

// A chunk that holds as many of the samples as it takes.
struct Filled {
  ChunkPool pool;
  Chunk* chunk = nullptr;
  ChunkState state;
  std::size_t size = 1;

  Filled(const std::vector<ChunkSample>& samples, ChunkKind kind, const Packing& packing = {}) {
    chunk = pool.Take(kind);
    chunk->Reset(samples[0].slot, kind, nullptr);
    if (kind.code == ChunkKind::Code::kPacked) {
      StartPacked(*chunk, state, samples[0], packing);
    } else {
      StartChunk(*chunk, state, samples[0]);
    }
    while (size < samples.size() && AppendToChunk(*chunk, state, samples[size - 1], samples[size]))
      ++size;
  }
};

// Fails the test unless both readers give the samples back.
void CheckReads(const Filled& filled, const std::vector<ChunkSample>& samples) {
  ChunkReader reader(*filled.chunk);
  std::array<Slot, kMostSamples> slots;
  std::array<double, kMostSamples> values;
  const Known known = DecodeChunk(*filled.chunk, filled.size, slots.data(), values.data());
  CHECK(known.numbers);
  for (std::size_t i = 0; i < filled.size; ++i) {
    const bool read = reader.Next() && reader.sample().slot == samples[i].slot &&
                      reader.sample().bits == samples[i].bits;
    const bool decoded = slots[i] == samples[i].slot && Bits(values[i]) == samples[i].bits;
    if (known.rising && i > 0) CHECK(values[i] >= values[i - 1]);
    if (!read || !decoded) FAIL("sample ", i, " of ", filled.size, " differs");
  }
  CHECK_FALSE(reader.Next());
  CHECK(reader.state().at == filled.state.at);
}

std::vector<ChunkSample> Grown(int size, double first, double least, int spread,
                               std::uint64_t seed = 1) {
  std::mt19937_64 random(seed);
  std::vector<ChunkSample> samples;
  for (int i = 0; i < size; ++i) {
    samples.push_back({static_cast<Slot>(10 + i), Bits(first), 0});
    first += least + static_cast<double>(random() % static_cast<unsigned>(spread));
  }
  return samples;
}

TEST_CASE("a packing is a word") {
  const Packing packing{-12345678901, 33, 4095, 15, 7, true};
  REQUIRE(packing.Representable());
  const Packing again = Packing::FromWord(packing.ToWord());
  CHECK(again.low == packing.low);
  CHECK(again.value_bits == 33);
  CHECK(again.step == 4095);
  CHECK(again.slot_bits == 15);
  CHECK(again.decimals == 7);
  CHECK(again.grows);
  CHECK_FALSE(Packing{.low = std::int64_t{1} << 37, .value_bits = 1}.Representable());
  CHECK_FALSE(Packing{.value_bits = 0}.Representable());
  CHECK_FALSE(Packing{.value_bits = 57}.Representable());
  CHECK_FALSE(Packing{.value_bits = 1, .step = 4096}.Representable());
  CHECK_FALSE(Packing{.value_bits = 1, .slot_bits = 16}.Representable());
}

TEST_CASE("units are exact or none") {
  CHECK(UnitsOf(Bits(0.125), 3) == 125);
  CHECK(UnitsOf(Bits(-17.3), 1) == -173);
  CHECK(UnitsOf(Bits(42), 0) == 42);
  CHECK(UnitsOf(Bits(42), 7) == 420000000);
  CHECK(UnitsOf(Bits(0.3), 1) == 3);
  CHECK_FALSE(UnitsOf(Bits(0.1 + 0.2), 1));
  CHECK_FALSE(UnitsOf(Bits(0.125), 2));
  CHECK_FALSE(UnitsOf(Bits(-0.0), 3));
  CHECK_FALSE(UnitsOf(Bits(1e300), 1));
  CHECK_FALSE(UnitsOf(Bits(9007199254740993.0 * 2), 0));
  CHECK_FALSE(UnitsOf(model::kStaleNaNBits, 2));
  CHECK_FALSE(UnitsOf(Bits(std::numeric_limits<double>::infinity()), 2));
}

TEST_CASE("samples of any packing come back") {
  std::mt19937_64 random(20261122);
  for (int round = 0; round < 3000; ++round) {
    Packing packing;
    packing.decimals = static_cast<unsigned>(random() % 8);
    packing.value_bits = 1 + static_cast<unsigned>(random() % 40);
    packing.slot_bits = static_cast<unsigned>(random() % 16);
    packing.step = static_cast<unsigned>(random() % 4096);
    packing.low = static_cast<std::int64_t>(random() >> 27) - (std::int64_t{1} << 36);
    packing.grows = random() % 2 == 0;
    REQUIRE(packing.Representable());
    const auto first = static_cast<std::int64_t>(random() >> 20) - (std::int64_t{1} << 43);
    std::vector<ChunkSample> samples = {
        {static_cast<Slot>(random()), BitsOfUnits(first, packing.decimals), 0}};
    std::int64_t units = first;
    for (int i = 0; i < 300; ++i) {
      const auto rest =
          static_cast<std::int64_t>(random() % (std::uint64_t{1} << packing.value_bits));
      units = (packing.grows ? units : first) + packing.low + rest;
      const auto further = static_cast<Slot>(random() % (1U << packing.slot_bits));
      samples.push_back(
          {samples.back().slot + packing.step + further, BitsOfUnits(units, packing.decimals), 0});
    }
    const Filled filled(samples, kPacked, packing);
    CHECK(filled.size == std::min<std::size_t>(
                             kMostSamples, 1 + (kSmallWords * 64 - 128) / packing.sample_bits()));
    CheckReads(filled, samples);
  }
}

TEST_CASE("what a packing cannot tell is refused, and nothing changes") {
  const Packing packing{.low = -4, .value_bits = 3, .step = 2, .slot_bits = 1, .grows = true};
  const ChunkSample first{100, Bits(50), 0};
  for (const ChunkSample& bad : std::vector<ChunkSample>{{102, Bits(45), 0},
                                                         {102, Bits(54), 0},
                                                         {102, Bits(50.5), 0},
                                                         {102, model::kStaleNaNBits, 0},
                                                         {101, Bits(50), 0},
                                                         {104, Bits(50), 0}}) {
    Filled filled({first}, kPacked, packing);
    CHECK_FALSE(AppendToChunk(*filled.chunk, filled.state, first, bad));
    CheckReads(filled, {first});
    CHECK(AppendToChunk(*filled.chunk, filled.state, first, {103, Bits(53), 0}));
    filled.size = 2;
    CheckReads(filled, {first, {103, Bits(53), 0}});
  }
}

TEST_CASE("a counter of varying growth is packed by its growth, and takes no more than before") {
  const auto samples = Grown(200, 1e8, 900, 200);
  const Filled first(samples, kInteger);
  const auto packing = ChoosePacking(*first.chunk, samples[first.size]);
  REQUIRE(packing);
  CHECK(packing->grows);
  CHECK(packing->slot_bits == 0);
  CHECK(packing->step == 1);
  const std::vector<ChunkSample> rest(samples.begin() + static_cast<std::ptrdiff_t>(first.size),
                                      samples.end());
  const Filled second(rest, kPacked, *packing);
  CHECK(second.size >= first.size);
  CheckReads(second, rest);
}

TEST_CASE("a gauge that jumps is packed by its level") {
  std::vector<ChunkSample> samples;
  for (int i = 0; i < 100; ++i)
    samples.push_back({static_cast<Slot>(3 * i), Bits(i * i * 7919 % 100003), 0});
  const Filled first(samples, kInteger);
  const auto packing = ChoosePacking(*first.chunk, samples[first.size]);
  REQUIRE(packing);
  CHECK_FALSE(packing->grows);
  CHECK(packing->step == 3);
  const std::vector<ChunkSample> rest(samples.begin() + static_cast<std::ptrdiff_t>(first.size),
                                      samples.end());
  const Filled second(rest, kPacked, *packing);
  CHECK(second.size > first.size);
  CheckReads(second, rest);
}

TEST_CASE("decimals are packed as whole numbers") {
  std::mt19937_64 random(5);
  std::vector<ChunkSample> samples;
  for (int i = 0; i < 100; ++i)
    samples.push_back({static_cast<Slot>(i), Bits(static_cast<double>(random() % 5000) / 1000), 0});
  const Filled first(samples, kXor);
  const auto packing = ChoosePacking(*first.chunk, samples[first.size]);
  REQUIRE(packing);
  CHECK(packing->decimals == 3);
  const std::vector<ChunkSample> rest(samples.begin() + static_cast<std::ptrdiff_t>(first.size),
                                      samples.end());
  CheckReads(Filled(rest, kPacked, *packing), rest);
}

TEST_CASE("what is no use is not packed") {
  SUBCASE("too few samples") {
    const auto samples = Grown(8, 0, 0, 100);
    const std::vector<ChunkSample> few(samples.begin(), samples.end() - 1);
    CHECK_FALSE(ChoosePacking(*Filled(few, kInteger).chunk, samples[7]));
  }
  SUBCASE("a steady counter") {
    const auto samples = Grown(200, 1e8, 97, 1);
    const Filled filled(samples, kInteger);
    CHECK_FALSE(ChoosePacking(*filled.chunk, samples[filled.size]));
  }
  SUBCASE("random fractions") {
    std::mt19937_64 random(5);
    std::vector<ChunkSample> samples;
    for (Slot i = 0; i < 40; ++i)
      samples.push_back({i, Bits(static_cast<double>(random() >> 11) * 0x1p-53), 0});
    const Filled filled(samples, kXor);
    CHECK_FALSE(ChoosePacking(*filled.chunk, samples[filled.size]));
  }
  SUBCASE("what follows has gone elsewhere") {
    const auto samples = Grown(100, 1e8, 900, 200);
    const Filled filled(samples, kInteger);
    const Slot slot = samples[filled.size].slot;
    CHECK_FALSE(ChoosePacking(*filled.chunk, {slot, Bits(0), 0}));
    CHECK_FALSE(ChoosePacking(*filled.chunk, {slot, Bits(0.5), 0}));
    CHECK_FALSE(ChoosePacking(*filled.chunk, {slot, model::kStaleNaNBits, 0}));
  }
}

TEST_CASE("behind a packed chunk that ended early the next is wider, or of another kind") {
  const auto samples = Grown(100, 1e8, 900, 200);
  const Packing packing{.low = 900, .value_bits = 8, .step = 1, .grows = true};
  const std::vector<ChunkSample> half(samples.begin(), samples.begin() + 20);
  const Filled early(half, kPacked, packing);
  const auto grown_by = [&](double growth) {
    return ChunkSample{half.back().slot + 1, Bits(std::bit_cast<double>(half.back().bits) + growth),
                       0};
  };
  const auto wider = ChoosePacking(*early.chunk, grown_by(1500));
  REQUIRE(wider);
  CHECK(wider->value_bits == 10);
  CHECK(wider->low <= 900);
  CHECK(wider->low + (1 << wider->value_bits) > 1500);
  CHECK_FALSE(ChoosePacking(*early.chunk, grown_by(5000)));
  // A full one tells what comes by itself.
  const Filled full(samples, kPacked, *wider);
  const auto again = ChoosePacking(*full.chunk, samples[full.size]);
  REQUIRE(again);
  CHECK(again->value_bits == 8);
}

// A shape of series, and what the next value of one is.
double NextValue(int shape, double last, std::mt19937_64& random) {
  const auto below = [&](unsigned n) { return static_cast<double>(random() % n); };
  if (random() % 60 == 0) return shape % 2 == 0 ? 0 : model::StaleNaN();
  if (model::IsStaleNaN(last)) last = 0;
  switch (shape / 2) {
    case 0:
      return last + 900 + below(200);
    case 1:
      return below(100003);
    case 2:
      return below(5000) / 1000;
    case 3:
      return last + 7;
    default:
      return below(1U << 30) * 0x1p-33;
  }
}

TEST_CASE("series of every shape come back from the store, whatever part is read") {
  constexpr int kShapes = 10;
  std::mt19937_64 random(11);
  MemoryStore store;
  store.SetWindow(milliseconds(400000));
  Appender& appender = store.appender();
  std::array<std::vector<Sample>, kShapes> written;
  std::array<SeriesRef, kShapes> refs{};
  model::Time now = 1000000;
  for (int step = 0; step < 700; ++step) {
    now += 1000;
    // Other batches come in between, some of them regularly.
    for (int others = (step % 2) + (random() % 20 == 0 ? 1 : 0); others > 0; --others)
      Put(store, Named("other"), now - 500 + others, step);
    appender.Begin(now);
    const bool rolled_back = random() % 30 == 0;
    for (int shape = 0; shape < kShapes; ++shape) {
      const auto s = static_cast<std::size_t>(shape);
      if (random() % 100 == 0) continue;
      std::vector<Sample>& samples = written[s];
      refs[s] = appender.Resolve(Named(Numbered("shape", shape))).ref;
      const double value = NextValue(shape, samples.empty() ? 0 : samples.back().value, random);
      REQUIRE(appender.Append(refs[s], now, value) == Outcome::kAppended);
      if (!rolled_back) samples.push_back({now, value});
    }
    if (rolled_back) {
      appender.Rollback();
    } else {
      appender.Commit();
    }
    store.Expire(now);
    if (step % 7 != 6) continue;
    const auto querier = store.Open();
    const model::Time mint = now - static_cast<model::Time>(random() % 500000);
    const model::Time maxt = mint + static_cast<model::Time>(random() % 500000);
    for (std::size_t s = 0; s < kShapes; ++s) {
      std::vector<Sample> expected;
      for (const Sample& sample : written[s]) {
        if (sample.time >= std::max(mint, now - 400000) && sample.time <= maxt)
          expected.push_back(sample);
      }
      SampleColumns columns;
      // Whatever is said to follow, even if there is no such series.
      const std::array<SelectedSeries, 2> following = {
          {{random() % 5 == 0 ? random() : refs[random() % kShapes], nullptr},
           {random() % 5 == 0 ? random() : refs[random() % kShapes], nullptr}}};
      querier->Expect(std::span(following).first(random() % 3));
      querier->Read(refs[s], mint, maxt, columns);
      REQUIRE(columns.size() == expected.size());
      bool same = true, markers = false;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        same = same && expected[i] == Sample{columns.times[i], columns.values[i]} &&
               (!columns.rising || i == 0 || expected[i].value >= expected[i - 1].value);
        markers = markers || model::IsStaleNaN(columns.values[i]);
      }
      REQUIRE(same);
      REQUIRE_FALSE((markers && columns.numbers));
      const auto latest = querier->ReadLatest(refs[s], mint, maxt);
      REQUIRE(latest.has_value() == !expected.empty());
      if (latest) REQUIRE(latest->sample == expected.back());
    }
  }
}

TEST_CASE("equal names mean equal times") {
  MemoryStore store;
  Appender& appender = store.appender();
  std::array<SeriesRef, 3> refs{};
  for (int step = 0; step < 100; ++step) {
    appender.Begin(step * 1000);
    for (std::size_t s = 0; s < refs.size(); ++s) {
      refs[s] = appender.Resolve(Named(Numbered("s", static_cast<int>(s)))).ref;
      // The last one lacks a sample inside.
      if (s != 2 || step != 50) appender.Append(refs[s], step * 1000, step * static_cast<int>(s));
    }
    appender.Commit();
  }
  const auto querier = store.Open();
  std::array<SampleColumns, 3> columns;
  const auto read = [&](model::Time mint, model::Time maxt) {
    for (std::size_t s = 0; s < refs.size(); ++s) {
      columns[s].Clear();
      querier->Read(refs[s], mint, maxt, columns[s]);
      CHECK(columns[s].times.size() == columns[s].values.size());
    }
  };
  read(40000, 60000);
  CHECK(columns[0].times_name != 0);
  CHECK(columns[0].times_name == columns[1].times_name);
  CHECK(columns[0].times == columns[1].times);
  CHECK(columns[2].times_name != columns[1].times_name);
  CHECK(columns[2].times.size() == 20);
  const auto name = columns[0].times_name;
  read(60000, 70000);
  CHECK(columns[0].times_name != name);
  CHECK(columns[0].times_name == columns[2].times_name);
  CHECK(columns[0].times == columns[2].times);
  // What is read behind something else has no name.
  querier->Read(refs[0], 71000, 75000, columns[0]);
  CHECK(columns[0].times_name == 0);
  CHECK(columns[0].times.size() == 16);
}

}  // namespace
}  // namespace plimsoll::store
