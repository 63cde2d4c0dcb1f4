// SPDX-License-Identifier: Apache-2.0
//
// Binary operators between two vectors. Which rows may meet is found once; whether they do is a
// question of the step.
#pragma once

#include "eval/detail/evaluator.h"

namespace plimsoll::eval {

// Rows of both sides by the labels that must be equal.
struct Signatures {
  std::vector<std::uint32_t> left;  // ordinal per row
  std::vector<std::uint32_t> right;
  std::size_t count = 0;
};
Signatures MatchRows(const Evaluator& evaluator, const Block& left, const Block& right,
                     const promql::VectorMatching& matching);

// and, or, unless
base::Result<Block> SetOperation(Evaluator& evaluator, const promql::Binary& binary, Block left,
                                 Block right, const Grid& grid);
// Everything else. `node`: for annotations.
base::Result<Block> VectorOperation(Evaluator& evaluator, const promql::Binary& binary,
                                    const Node& node, Block left, Block right, const Grid& grid);

}  // namespace plimsoll::eval
