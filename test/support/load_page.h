// SPDX-License-Identifier: Apache-2.0
//
// A metrics page of any size whose every value changes from scrape to scrape.
//
// Shaped like a large engine: mostly counters, some gauges, some histogram buckets, three labels
// each. Values have a fixed width, so that Next only rewrites digits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace plimsoll::test {

class LoadPage {
 public:
  explicit LoadPage(std::size_t samples) {
    const std::size_t families = 10;
    for (std::size_t family = 0; family < families; ++family) {
      const bool gauge = family >= 8;
      std::string name = gauge ? "load_gauge_" : "load_counter_";
      name += std::to_string(family);
      if (!gauge) name += "_total";
      text_ += "# HELP " + name + " Synthetic load.\n# TYPE " + name;
      text_ += gauge ? " gauge\n" : " counter\n";
      for (std::size_t i = 0; i < samples / families; ++i) AddLine(name, i);
    }
  }

  const std::string& text() const { return text_; }
  std::size_t samples() const { return places_.size(); }
  // Every value grows by a constant of its own.
  void Next() {
    ++tick_;
    for (std::size_t i = 0; i < places_.size(); ++i) {
      std::uint64_t value = 100000000 + i * 131 + tick_ * (1 + i % 97);
      for (std::size_t at = places_[i] + kWidth; at-- > places_[i]; value /= 10) {
        text_[at] = static_cast<char>('0' + value % 10);
      }
    }
  }

 private:
  static constexpr std::size_t kWidth = 9;

  void AddLine(const std::string& name, std::size_t i) {
    text_ += name;
    text_ += "{catalog=\"catalog_";
    text_ += std::to_string(i / 10 % 8);
    text_ += "\",node=\"node-";
    text_ += std::to_string(1000 + i / 10);
    text_ += ".example\",op=\"operation_";
    text_ += std::to_string(i % 10);
    text_ += "\"} ";
    places_.push_back(text_.size());
    text_.append(kWidth, '1');
    text_ += '\n';
  }

  std::string text_;
  std::vector<std::size_t> places_;
  std::uint64_t tick_ = 0;
};

}  // namespace plimsoll::test
