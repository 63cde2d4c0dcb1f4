// SPDX-License-Identifier: Apache-2.0
//
// Orders of results: natural label order, NaN last both ways.
#include "eval/detail/ordering.h"

#include <algorithm>

namespace plimsoll::eval {
namespace {

// Up to this many elements Go sorts by insertion, which decides where equal elements go.
constexpr std::size_t kInsertion = 12;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

template <typename T, typename Less, typename Order>
void SortAsGo(std::vector<T>& items, Less&& less, Order&& order) {
  if (items.size() > kInsertion) {
    std::stable_sort(items.begin(), items.end(), order);
    return;
  }
  for (std::size_t i = 1; i < items.size(); ++i) {
    for (std::size_t j = i; j > 0 && less(items[j], items[j - 1]); --j)
      std::swap(items[j], items[j - 1]);
  }
}

}  // namespace

void SortWithNaNLast(std::vector<std::uint32_t>& order, const double* values, bool descending) {
  // The reverse of an order in which NaN is before everything, itself included.
  const auto less = [&](std::uint32_t a, std::uint32_t b) {
    if (std::isnan(values[b])) return true;
    return descending ? values[b] < values[a] : values[b] > values[a];
  };
  const auto strict = [&](std::uint32_t a, std::uint32_t b) {
    if (std::isnan(values[b])) return !std::isnan(values[a]);
    return descending ? values[b] < values[a] : values[b] > values[a];
  };
  SortAsGo(order, less, strict);
}

bool NaturalLess(std::string_view a, std::string_view b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (IsDigit(a[i]) && IsDigit(b[j])) {
      std::size_t end_a = i, end_b = j;
      while (end_a < a.size() && IsDigit(a[end_a])) ++end_a;
      while (end_b < b.size() && IsDigit(b[end_b])) ++end_b;
      std::string_view left = a.substr(i, end_a - i), right = b.substr(j, end_b - j);
      const std::size_t zeros_left = std::min(left.find_first_not_of('0'), left.size());
      const std::size_t zeros_right = std::min(right.find_first_not_of('0'), right.size());
      const std::string_view number_left = left.substr(zeros_left),
                             number_right = right.substr(zeros_right);
      if (number_left.size() != number_right.size())
        return number_left.size() < number_right.size();
      if (number_left != number_right) return number_left < number_right;
      if (zeros_left != zeros_right) return zeros_left < zeros_right;
      i = end_a;
      j = end_b;
      continue;
    }
    if (a[i] != b[j]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
    ++i;
    ++j;
  }
  return a.size() - i < b.size() - j;
}

void BestK::Up(std::size_t child) {
  while (child > 0) {
    const std::size_t parent = (child - 1) / 2;
    if (!Above(heap_[child], heap_[parent])) break;
    std::swap(heap_[child], heap_[parent]);
    child = parent;
  }
}

void BestK::Down(std::size_t parent) {
  for (;;) {
    std::size_t child = 2 * parent + 1;
    if (child >= heap_.size()) return;
    if (child + 1 < heap_.size() && Above(heap_[child + 1], heap_[child])) ++child;
    if (!Above(heap_[child], heap_[parent])) return;
    std::swap(heap_[child], heap_[parent]);
    parent = child;
  }
}

void BestK::Offer(std::uint32_t index, double value) {
  if (heap_.size() < k_) {
    heap_.push_back({index, value});
    Up(heap_.size() - 1);
    return;
  }
  const double worst = heap_[0].value;
  const bool better =
      (largest_ ? worst < value : worst > value) || (std::isnan(worst) && !std::isnan(value));
  if (!better) return;
  heap_[0] = {index, value};
  if (k_ > 1) Down(0);
}

std::vector<std::uint32_t> BestK::TakeSorted() {
  const auto less = [&](const Item& a, const Item& b) { return Above(b, a); };
  const auto strict = [&](const Item& a, const Item& b) {
    if (std::isnan(b.value)) return !std::isnan(a.value);
    return !std::isnan(a.value) && Above(b, a);
  };
  SortAsGo(heap_, less, strict);
  std::vector<std::uint32_t> indices;
  indices.reserve(heap_.size());
  for (const Item& item : heap_) indices.push_back(item.index);
  heap_.clear();
  return indices;
}

}  // namespace plimsoll::eval
