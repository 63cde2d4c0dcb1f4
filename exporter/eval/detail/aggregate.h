// SPDX-License-Identifier: Apache-2.0
//
// Groups of rows, and the aggregations that choose or count elements instead of folding them.
#pragma once

#include "eval/detail/evaluator.h"

namespace plimsoll::eval {

struct Groups {
  std::vector<std::uint32_t> of_row;
  std::vector<const model::Labels*> labels;  // only when they were asked for
  std::vector<char> drop_name;
  std::size_t count = 0;
};

// Puts rows into groups, also when they come a few at a time.
class Grouper {
 public:
  Grouper(Evaluator& evaluator, const promql::Aggregate& aggregate, bool with_labels,
          std::size_t expected);
  // From now on of_row is that of these rows.
  void Add(const std::vector<Row>& rows);
  const Groups& groups() const { return groups_; }

 private:
  Evaluator& evaluator_;
  bool without_;
  bool with_labels_;
  std::vector<std::string> names_;
  KeyTable keys_;
  std::string key_;
  Groups groups_;
};
Groups GroupRows(Evaluator& evaluator, const promql::Aggregate& aggregate, const Block& block,
                 bool with_labels);

// topk, bottomk, limitk, limit_ratio. `param`: one value per step.
base::Result<Block> SelectRows(Evaluator& evaluator, const promql::Aggregate& aggregate,
                               const Node& node, Block in, const double* param, const Grid& grid);
base::Result<Block> CountValues(Evaluator& evaluator, const promql::Aggregate& aggregate,
                                const Node& node, const Grid& grid);

// xxHash64 with seed zero: by it limit_ratio chooses.
std::uint64_t SampleHash(std::string_view bytes);

}  // namespace plimsoll::eval
