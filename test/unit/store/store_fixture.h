// SPDX-License-Identifier: Apache-2.0
//
// Short words for the tests of the store.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "store/memory_store.h"

namespace plimsoll::store {

using model::Labels;
using model::Matcher;
using model::Sample;
using std::chrono::milliseconds;

constexpr model::Time kMin = INT64_MIN, kMax = INT64_MAX;

// Not "m" + std::to_string(i): GCC warns about that, wrongly.
inline std::string Numbered(std::string text, int number) {
  text += std::to_string(number);
  return text;
}

inline Labels Named(std::string_view name) { return Labels{{"__name__", name}}; }

// One committed batch with one sample.
inline Outcome Put(MemoryStore& store, const Labels& labels, model::Time time, double value) {
  Appender& appender = store.appender();
  appender.Begin(Appender::kNoBound);
  const Outcome outcome = appender.Append(appender.Resolve(labels).ref, time, value);
  appender.Commit();
  return outcome;
}

inline std::vector<Sample> ReadAll(Querier& querier, SeriesRef ref, model::Time mint = kMin,
                                   model::Time maxt = kMax) {
  SampleColumns columns;
  querier.Read(ref, mint, maxt, columns);
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    samples.push_back({columns.times[i], columns.values[i]});
  }
  return samples;
}

// The samples of the series with these labels; none when it cannot be selected.
inline std::vector<Sample> Samples(Querier& querier, const Labels& labels, model::Time mint = kMin,
                                   model::Time maxt = kMax) {
  for (const SelectedSeries& series : querier.Select({}, mint, maxt)) {
    if (*series.labels == labels) return ReadAll(querier, series.ref, mint, maxt);
  }
  return {};
}

inline std::vector<Sample> Samples(const MemoryStore& store, const Labels& labels) {
  const auto querier = store.Open();
  return Samples(*querier, labels);
}

}  // namespace plimsoll::store

template <>
struct doctest::StringMaker<std::vector<plimsoll::model::Sample>> {
  static String convert(const std::vector<plimsoll::model::Sample>& samples) {
    std::string out;
    for (const auto& s : samples) {
      out += std::to_string(s.time) + ":" + std::to_string(s.value) + " ";
    }
    return out.c_str();
  }
};
