// SPDX-License-Identifier: Apache-2.0
#include "eval/detail/call_functions.h"

namespace plimsoll::eval::call {

Result Info(Evaluator&, const Node&, const Grid&) {
  return ExecutionError("info() is not supported");
}

}  // namespace plimsoll::eval::call
