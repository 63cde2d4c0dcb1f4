// SPDX-License-Identifier: Apache-2.0
//
// The tiny language of these tests: Load("requests{a=\"1\"} 10 20 _ 5x3 stale") puts one sample per
// minute from zero, Eval("rate(requests[5m])", 3min) asks at an instant.
//
// "_" is no sample, "stale" the marker, "1+2x3" is 1 3 5 7, "4x2" is 4 4 4.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <sstream>
#include <string>
#include <vector>

#include "base/number_text.h"
#include "eval/answer.h"
#include "eval/engine.h"
#include "promql/parser.h"
#include "support/memory_querier.h"

namespace plimsoll::eval {

using namespace std::chrono_literals;

class World {
 public:
  void Load(const std::string& line, std::chrono::milliseconds step = 1min) {
    // The selector ends at the first blank that is outside its braces.
    std::size_t end = 0;
    for (bool inside = false; end < line.size() && (inside || line[end] != ' '); ++end) {
      if (line[end] == '{') inside = true;
      if (line[end] == '}') inside = false;
    }
    const auto matchers = promql::ParseSelector(line.substr(0, end));
    REQUIRE(matchers.has_value());
    model::LabelsBuilder builder;
    for (const model::Matcher& matcher : *matchers) builder.Set(matcher.name(), matcher.value());
    const model::Labels labels = builder.Build();
    std::istringstream words(line.substr(end));
    model::Time at = 0;
    storage.At(labels);
    for (std::string word; words >> word;) {
      double value = 0, by = 0;
      std::size_t times = 0;
      const std::size_t x = word.find('x');
      if (x != std::string::npos) {
        times = std::stoul(word.substr(x + 1));
        word.resize(x);
        const std::size_t sign = word.find_first_of("+-", 1);
        if (sign != std::string::npos) {
          by = std::stod(word.substr(sign));
          word.resize(sign);
        }
      }
      const bool none = word == "_";
      if (!none) value = word == "stale" ? model::StaleNaN() : base::ParseFloat(word).value();
      for (std::size_t i = 0; i <= times; ++i, at += step.count()) {
        if (!none) storage.Add(labels, at, by == 0 ? value : value + static_cast<double>(i) * by);
      }
    }
  }

  base::Result<Answer> Ask(const std::string& text, std::chrono::milliseconds at) {
    const auto expr = promql::Parse(text, parse);
    if (!expr) return expr.error();
    const auto querier = storage.Open();
    return Instant(**expr, text, *querier, at.count(), options);
  }

  // "{a="1"} 5; {a="2"} 6": elements in the order in which they came.
  std::string Eval(const std::string& text, std::chrono::milliseconds at) {
    return Text(Ask(text, at));
  }

  std::string EvalRange(const std::string& text, std::chrono::milliseconds start,
                        std::chrono::milliseconds end, std::chrono::milliseconds step) {
    const auto expr = promql::Parse(text, parse);
    if (!expr) return expr.error().message;
    const auto querier = storage.Open();
    return Text(Range(**expr, text, *querier, start.count(), end.count(), step, options));
  }

  // The source time of the only element, in seconds; "none".
  std::string Source(const std::string& text, std::chrono::milliseconds at) {
    const auto answer = Ask(text, at);
    if (!answer) return answer.error().message;
    model::Time source = model::kNoSource;
    if (const auto* vector = std::get_if<Vector>(&answer->value)) {
      if (vector->elements.size() != 1)
        return std::to_string(vector->elements.size()) + " elements";
      source = vector->elements[0].source;
    } else {
      source = std::get<Scalar>(answer->value).source;
    }
    return source == model::kNoSource ? "none"
                                      : base::SprintFloat(static_cast<double>(source) / 1000);
  }

  static std::string Text(const base::Result<Answer>& answer) {
    if (!answer) return answer.error().message;
    std::string out;
    if (const auto* scalar = std::get_if<Scalar>(&answer->value)) {
      out = base::SprintFloat(scalar->value);
    } else if (const auto* string = std::get_if<String>(&answer->value)) {
      out = string->value;
    } else if (const auto* vector = std::get_if<Vector>(&answer->value)) {
      for (const Element& element : vector->elements) {
        out += (out.empty() ? "" : "; ") + element.labels.ToString() + " " +
               base::SprintFloat(element.value);
      }
    } else {
      const auto& matrix = std::get<Matrix>(answer->value);
      for (const Matrix::Series& series : matrix.series) {
        out += (out.empty() ? "" : "; ") + series.labels.ToString();
        matrix.ForEachPoint(series, [&](model::Time time, double value) {
          out += " " + base::SprintFloat(value) + "@" +
                 base::SprintFloat(static_cast<double>(time) / 1000);
        });
      }
    }
    for (const std::string& warning : answer->annotations.warnings) out += " [" + warning + "]";
    for (const std::string& info : answer->annotations.infos) out += " [" + info + "]";
    return out;
  }

  test::MemoryStorage storage;
  Options options;
  promql::ParseOptions parse;
};

}  // namespace plimsoll::eval
