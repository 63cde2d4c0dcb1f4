// SPDX-License-Identifier: Apache-2.0
//
// The functions of the language as the type checker sees them: name, arguments, result.
//
// One table (functions.cc). The evaluator's table (eval/functions.cc) has one row per row of this
// one, and a row that is missing on either side does not compile.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "promql/ast.h"

namespace plimsoll::promql {

struct Function {
  std::string_view name;
  std::vector<ValueType> args;
  // Zero: exactly args.size(). Positive: the last argument may be left out, and up to `variadic`
  // optional ones in all. -1: the last may be left out or repeated without end (Prometheus's
  // Variadic).
  int variadic = 0;
  ValueType returns = ValueType::kVector;
  bool experimental = false;
  std::uint16_t index = 0;  // position in the table
};

// Returns: all rows, sorted by name. Lives as long as the process.
std::span<const Function> Functions();
// Returns: null if there is none.
const Function* FindFunction(std::string_view name);

}  // namespace plimsoll::promql
