// SPDX-License-Identifier: Apache-2.0
//
// The functions of the language as the type checker sees them: name, arguments, result.
//
// The rows stand in promql/function_list.h. The evaluator's table (eval/functions.cc) expands the
// same list, and a row without an implementation does not compile.
//
// Threads: the table is immutable.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "promql/ast.h"
#include "promql/function_list.h"

namespace plimsoll::promql {

// One enumerator per row, in the order of the table: the value is the index.
enum class FunctionId : std::uint16_t {
#define PLIMSOLL_ROW(name, args, variadic, returns, experimental) name,
  PLIMSOLL_PROMQL_FUNCTIONS(PLIMSOLL_ROW)
#undef PLIMSOLL_ROW
};

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
  FunctionId id() const { return static_cast<FunctionId>(index); }
};

// Returns: all rows, sorted by name. Lives as long as the process.
std::span<const Function> Functions();
// Returns: null if there is none. Names are case-sensitive.
const Function* FindFunction(std::string_view name);
// Returns: the row of `id`.
const Function& GetFunction(FunctionId id);

}  // namespace plimsoll::promql
