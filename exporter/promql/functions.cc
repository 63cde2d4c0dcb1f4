// SPDX-License-Identifier: Apache-2.0
//
// The table behind promql/functions.h, built once from the list.
#include "promql/functions.h"

#include <algorithm>

namespace plimsoll::promql {

namespace {

std::vector<ValueType> ArgumentTypes(std::string_view letters) {
  std::vector<ValueType> types;
  types.reserve(letters.size());
  for (const char letter : letters) {
    types.push_back(letter == 'v'   ? ValueType::kVector
                    : letter == 'm' ? ValueType::kMatrix
                    : letter == 's' ? ValueType::kScalar
                                    : ValueType::kString);
  }
  return types;
}

const std::vector<Function>& Table() {
  static const std::vector<Function> table = {
#define PLIMSOLL_ROW(name, letters, variadic, returns, experimental) \
  Function{#name,        ArgumentTypes(letters),                     \
           variadic,     ValueType::returns,                         \
           experimental, static_cast<std::uint16_t>(FunctionId::name)},
      PLIMSOLL_PROMQL_FUNCTIONS(PLIMSOLL_ROW)
#undef PLIMSOLL_ROW
  };
  return table;
}

}  // namespace

std::span<const Function> Functions() { return Table(); }

const Function* FindFunction(std::string_view name) {
  const auto& table = Table();
  const auto at = std::lower_bound(
      table.begin(), table.end(), name,
      [](const Function& row, std::string_view wanted) { return row.name < wanted; });
  return at != table.end() && at->name == name ? &*at : nullptr;
}

const Function& GetFunction(FunctionId id) { return Table()[static_cast<std::size_t>(id)]; }

}  // namespace plimsoll::promql
