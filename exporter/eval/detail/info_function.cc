// SPDX-License-Identifier: Apache-2.0
//
// info(): joins data labels of an info metric onto a vector.
#include "eval/detail/call_functions.h"

namespace plimsoll::eval::call {

Result Info(Evaluator&, const Node&, const Grid&) {
  return ExecutionError("info() is not supported");
}

}  // namespace plimsoll::eval::call
