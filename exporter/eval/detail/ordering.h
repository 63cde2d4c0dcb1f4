// SPDX-License-Identifier: Apache-2.0
//
// Orders of elements as Go's sort and heap leave them, ties included where they can be known.
//
// Which of several equal elements topk keeps is decided by the moves of container/heap, so the
// moves are the same here. Source: Go's container/heap and sort; prometheus/prometheus
// promql/functions.go (vectorByValueHeap).
#pragma once

#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

namespace plimsoll::eval {

// Sorts indices by the value behind them; NaN comes last in either direction.
void SortWithNaNLast(std::vector<std::uint32_t>& order, const double* values, bool descending);

// "a2" before "a10": runs of digits compare as numbers.
bool NaturalLess(std::string_view a, std::string_view b);

// The k best elements of one group at one step. The worst of them is on top.
class BestK {
 public:
  BestK(bool largest, std::size_t k) : largest_(largest), k_(k) {}
  void Offer(std::uint32_t index, double value);
  // Returns: the elements, best first.
  std::vector<std::uint32_t> TakeSorted();
  bool empty() const { return heap_.empty(); }

 private:
  struct Item {
    std::uint32_t index;
    double value;
  };
  // Whether a must be above b: a is the worse one. NaN is the worst.
  bool Above(const Item& a, const Item& b) const {
    if (std::isnan(a.value)) return true;
    return largest_ ? a.value < b.value : a.value > b.value;
  }
  void Up(std::size_t child);
  void Down(std::size_t parent);

  bool largest_;
  std::size_t k_;
  std::vector<Item> heap_;
};

}  // namespace plimsoll::eval
