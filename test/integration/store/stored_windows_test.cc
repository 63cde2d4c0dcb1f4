// SPDX-License-Identifier: Apache-2.0
//
// What range functions say of samples in the store, however it keeps them and whatever a reader
// remembers from the series before, is what they say of the bare samples.
//
// The samples are those of a target that answers late: scrapes that time out mark every series
// stale, pages that never come leave gaps, single series go and come back, or begin late.
#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "eval/engine.h"
#include "promql/functions.h"
#include "promql/parser.h"
#include "store/memory_store.h"

namespace plimsoll {
namespace {

using model::Time;
using std::chrono::milliseconds;

constexpr Time kStart = 1'000'000, kEvery = 1000;
constexpr int kTicks = 260, kPerShape = 4;
constexpr std::array<const char*, 5> kShapes = {"growth", "level", "decimals", "steady", "any"};

Time TimeOfTick(int tick) { return kStart + tick * kEvery; }
bool TimesOut(int tick) { return tick == 70 || tick == 71 || tick == 130 || tick == 200; }
bool NeverComes(int tick) {
  return tick == 77 || tick == 86 || tick == 94 || (tick >= 150 && tick < 154);
}

double NextValue(std::size_t shape, int tick, double last, std::mt19937_64& random) {
  const auto below = [&](unsigned n) { return static_cast<double>(random() % n); };
  switch (shape) {
    case 0:
      return tick == 140 ? 5 : last + 900 + below(200);
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

// Of every shape one that begins late, one that is on no page now and then, and two that are on
// all.
void Fill(store::MemoryStore& store) {
  std::mt19937_64 random(77);
  std::array<double, kShapes.size() * kPerShape> last{};
  store::Appender& appender = store.appender();
  for (int tick = 0; tick < kTicks; ++tick) {
    // Another target's batches come in between, mostly, so that slots are not always as far apart.
    if (tick % 9 != 4) {
      appender.Begin(TimeOfTick(tick));
      const auto ref = appender.Resolve(model::Labels{{"__name__", "other"}}).ref;
      appender.Append(ref, TimeOfTick(tick) - 300, tick);
      appender.Commit();
    }
    if (NeverComes(tick)) continue;
    appender.Begin(TimeOfTick(tick));
    for (std::size_t i = 0; i < last.size(); ++i) {
      const std::size_t shape = i / kPerShape, one = i % kPerShape;
      last[i] = NextValue(shape, tick, last[i], random);
      if (one == 0 && tick < 60 + static_cast<int>(i)) continue;
      const bool absent = one == 1 && tick % 50 == 0 && tick <= 200;
      const std::string number = std::to_string(one);
      const model::Labels labels{
          {"__name__", "load"}, {"number", number}, {"shape", kShapes[shape]}};
      appender.Append(appender.Resolve(labels).ref, TimeOfTick(tick),
                      absent || TimesOut(tick) ? model::StaleNaN() : last[i]);
    }
    if (tick == 160) {
      appender.Rollback();
    } else {
      appender.Commit();
    }
  }
}

// Samples without all that is said about them, read by a querier that has read nothing before.
class Bare final : public store::Querier {
 public:
  explicit Bare(const store::MemoryStore& store) : store_(store), querier_(store.Open()) {}
  std::vector<store::SelectedSeries> Select(const model::Matchers& matchers, Time mint,
                                            Time maxt) override {
    return querier_->Select(matchers, mint, maxt);
  }
  void Read(store::SeriesRef ref, Time mint, Time maxt, store::SampleColumns& out) override {
    store::SampleColumns columns;
    store_.Open()->Read(ref, mint, maxt, columns);
    out.times.insert(out.times.end(), columns.times.begin(), columns.times.end());
    out.values.insert(out.values.end(), columns.values.begin(), columns.values.end());
    out.times_name = 0;
    out.numbers = out.rising = false;
  }
  std::optional<store::Latest> ReadLatest(store::SeriesRef ref, Time mint, Time maxt) override {
    store::SampleColumns columns;
    Read(ref, mint, maxt, columns);
    if (columns.size() == 0) return std::nullopt;
    return store::Latest{{columns.times.back(), columns.values.back()}, columns.times.back()};
  }
  bool IsRecorded(store::SeriesRef ref) const override { return querier_->IsRecorded(ref); }
  Time RecordedSource(store::SeriesRef ref) const override { return querier_->RecordedSource(ref); }
  Time OldestComplete() const override { return querier_->OldestComplete(); }
  std::uint64_t TableVersion() const override { return querier_->TableVersion(); }

 private:
  const store::MemoryStore& store_;
  std::unique_ptr<store::Querier> querier_;
};

// An answer with all bits of its values.
std::string Text(const base::Result<eval::Answer>& answer) {
  if (!answer) return answer.error().message;
  std::string text;
  const auto add = [&](Time time, double value) {
    text += " " + std::to_string(time) + ":" + std::to_string(std::bit_cast<std::uint64_t>(value));
  };
  if (const auto* vector = std::get_if<eval::Vector>(&answer->value)) {
    for (const eval::Element& element : vector->elements) {
      text += "\n" + element.labels.ToString();
      add(vector->time, element.value);
    }
  } else {
    const auto& matrix = std::get<eval::Matrix>(answer->value);
    for (const eval::Matrix::Series& series : matrix.series) {
      text += "\n" + series.labels.ToString();
      matrix.ForEachPoint(series, add);
    }
  }
  return text;
}

// The call of a function of range vectors; empty when it is none.
std::string CallOf(const promql::Function& function, const std::string& range) {
  std::string call;
  bool ranges = false;
  for (const promql::ValueType type : function.args) {
    ranges = ranges || type == promql::ValueType::kMatrix;
    call += call.empty() ? "" : ", ";
    call += type == promql::ValueType::kMatrix ? range : "0.4";
  }
  return ranges ? std::string(function.name) + "(" + call + ")" : "";
}

std::vector<std::string> Queries() {
  std::vector<std::string> queries = {"load", "timestamp(load)", "load offset 7s"};
  for (const char* range : {"load[4s]", "load[20s]", "load[2m]", "load[1m] offset 11s"}) {
    for (const promql::Function& function : promql::Functions()) {
      if (const std::string call = CallOf(function, range); !call.empty()) queries.push_back(call);
    }
  }
  return queries;
}

TEST_CASE("time-outs and gaps change no answer, however samples are kept and read") {
  store::MemoryStore packed, listed(store::Limits{.chunk_samples = 3});
  Fill(packed);
  Fill(listed);
  promql::ParseOptions parse;
  parse.experimental_functions = true;
  eval::Options options;
  options.lookback = milliseconds(5000);
  const std::array<int, 9> ticks = {65, 75, 80, 101, 131, 155, 161, 200, 239};
  std::size_t answered = 0, asked = 0;
  for (const std::string& query : Queries()) {
    const auto expr = promql::Parse(query, parse);
    REQUIRE_MESSAGE(expr.has_value(), query);
    const auto ask = [&](store::Querier& querier, int tick) {
      if (tick < 0) {
        return eval::Range(**expr, query, querier, TimeOfTick(55), TimeOfTick(kTicks - 1) + 500,
                           milliseconds(3500), options);
      }
      return eval::Instant(**expr, query, querier, TimeOfTick(tick) + tick % 2 * 500, options);
    };
    for (std::size_t i = 0; i <= ticks.size(); ++i) {
      const int tick = i == ticks.size() ? -1 : ticks[i];
      Bare bare(listed);
      const std::string expected = Text(ask(bare, tick));
      for (const store::MemoryStore* store : {&packed, &listed}) {
        const std::string got = Text(ask(*store->Open(), tick));
        REQUIRE_MESSAGE(got == expected, query << " at tick " << tick);
      }
      ++asked;
      answered += expected.empty() ? 0 : 1;
    }
  }
  CHECK(answered * 10 > asked * 9);
}

TEST_CASE("those samples are packed, and windows are remembered") {
  store::MemoryStore store;
  Fill(store);
  const auto querier = store.Open();
  store::SampleColumns columns;
  std::uint64_t name = 0;
  std::size_t same = 0;
  for (const store::SelectedSeries& series : querier->Select(
           {model::Matcher::Equal("shape", "decimals")}, TimeOfTick(250), TimeOfTick(259))) {
    columns.Clear();
    querier->Read(series.ref, TimeOfTick(250), TimeOfTick(259), columns);
    // Only a packed chunk knows that of fractions.
    CHECK(columns.numbers);
    CHECK(columns.size() == 10);
    same += name == columns.times_name ? 1 : 0;
    name = columns.times_name;
  }
  CHECK(same == kPerShape - 1);
}

}  // namespace
}  // namespace plimsoll
