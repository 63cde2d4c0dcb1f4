// SPDX-License-Identifier: Apache-2.0
//
// Arithmetic and comparison between two vectors.
//
// Nearly always every signature has one row on the "one" side and matches are the same at all
// steps: then a result is one loop over two rows. Where rows share a signature, whether that is an
// error depends on which of them have a value at the same step, so those queries walk step by step.
// Source: prometheus/prometheus promql/engine.go (VectorBinop, resultMetric).
#include <algorithm>
#include <map>

#include "base/format.h"
#include "base/number_text.h"
#include "eval/detail/binary.h"
#include "eval/detail/function_row.h"
#include "eval/detail/operators.h"

namespace plimsoll::eval {
namespace {

constexpr std::uint32_t kNone = UINT32_MAX;
using Card = promql::VectorMatching::Card;

bool HasTypeOrUnit(const Evaluator& evaluator, const std::vector<Row>& rows) {
  return std::any_of(rows.begin(), rows.end(), [&](const Row& row) {
    return !evaluator.Hidden(row) && (row.labels->Has("__type__") || row.labels->Has("__unit__"));
  });
}

class VectorMatcher {
 public:
  VectorMatcher(Evaluator& evaluator, const promql::Binary& binary, Block left, Block right,
                const Grid& grid)
      : evaluator_(evaluator),
        binary_(binary),
        matching_(*binary.matching),
        grid_(grid),
        flip_(matching_.card == Card::kOneToMany),
        removes_metadata_(ChangesMetric(binary.op) || (binary.return_bool && !evaluator.delayed())),
        many_(flip_ ? std::move(right) : std::move(left)),
        one_(flip_ ? std::move(left) : std::move(right)) {
    Signatures signatures = MatchRows(evaluator, many_, one_, matching_);
    many_of_ = std::move(signatures.left);
    one_of_ = std::move(signatures.right);
    count_ = signatures.count;
    names_ = matching_.labels;
    std::sort(names_.begin(), names_.end());
  }

  base::Result<Block> Run() {
    const bool fills = matching_.fill_left || matching_.fill_right;
    if (!fills && (many_.rows.empty() || one_.rows.empty()))
      return Block(0, grid_.steps, evaluator_.track());
    std::vector<std::uint32_t> one_by_signature(count_, kNone);
    bool simple = !fills;
    for (std::uint32_t r = 0; r < one_.rows.size() && simple; ++r) {
      simple = one_by_signature[one_of_[r]] == kNone;
      one_by_signature[one_of_[r]] = r;
    }
    if (simple && matching_.card == Card::kOneToOne) {
      std::vector<char> seen(count_, 0);
      for (const std::uint32_t signature : many_of_)
        simple = simple && !std::exchange(seen[signature], 1);
    }
    if (simple) {
      std::vector<Row> rows;
      simple = MakeRows(one_by_signature, rows);
      if (simple) return RowByRow(one_by_signature, rows);
    }
    return StepByStep();
  }

 private:
  // The labels of a result. `one`: null when a fill value stands in for that side.
  Row ResultRow(const Row& many, const Row* one) {
    const bool hidden = evaluator_.Hidden(many);
    Row result;
    result.drop_name = evaluator_.delayed() && binary_.return_bool;
    const bool reshapes = matching_.card == Card::kOneToOne ? matching_.on || !names_.empty()
                                                            : !matching_.include.empty();
    if (!reshapes) {
      result.labels = many.labels;
      if (!evaluator_.delayed()) {
        result.drop_name = many.drop_name || removes_metadata_;
      } else if (removes_metadata_) {
        result.labels = evaluator_.arena().Add(VisibleLabels(*many.labels, true));
      }
      return result;
    }
    const bool hide = hidden || removes_metadata_;
    if (matching_.card == Card::kOneToOne) {
      result.labels = evaluator_.arena().Add(matching_.on ? KeepLabels(*many.labels, hide, names_)
                                                          : DropLabels(*many.labels, hide, names_));
      return result;
    }
    std::vector<model::Label> labels;
    const auto included = [&](std::string_view name) {
      return std::find(matching_.include.begin(), matching_.include.end(), name) !=
             matching_.include.end();
    };
    ForEachLabel(*many.labels, hide, [&](const model::Label& label) {
      if (!included(label.name)) labels.push_back(label);
    });
    for (std::size_t i = 0; i < matching_.include.size() && one != nullptr; ++i) {
      const std::string& name = matching_.include[i];
      if (std::find(matching_.include.begin(),
                    matching_.include.begin() + static_cast<std::ptrdiff_t>(i),
                    name) != matching_.include.begin() + static_cast<std::ptrdiff_t>(i)) {
        continue;
      }
      const std::string_view value = GetLabel(*one->labels, evaluator_.Hidden(*one), name);
      if (!value.empty()) labels.push_back({name, value});
    }
    std::sort(labels.begin(), labels.end());
    result.labels = evaluator_.arena().Add(model::Labels::FromSorted(labels));
    return result;
  }

  // Makes the result labels of every row that has a partner. Returns: false if two rows of one
  // group get the same labels, which only their steps can excuse.
  bool MakeRows(const std::vector<std::uint32_t>& one_by_signature, std::vector<Row>& rows) {
    const bool may_clash = matching_.card != Card::kOneToOne;
    KeyTable keys(may_clash ? many_.rows.size() : 0);
    std::string key;
    std::size_t made = 0;
    for (std::size_t r = 0; r < many_.rows.size(); ++r) {
      const std::uint32_t one = one_by_signature[many_of_[r]];
      rows.emplace_back();
      if (one == kNone) continue;
      rows.back() = ResultRow(many_.rows[r], &one_.rows[one]);
      if (!may_clash) continue;
      key.assign(reinterpret_cast<const char*>(&many_of_[r]), sizeof(many_of_[r]));
      AppendAllLabels(*rows.back().labels, evaluator_.Hidden(rows.back()), key);
      if (keys.Insert(key) != made++) return false;
    }
    return true;
  }

  // Whether results of different groups differ for certain.
  bool Unique() const {
    if (evaluator_.delayed()) return false;
    if (matching_.card != Card::kOneToOne) {
      if (!matching_.include.empty() || !many_.unique) return false;
      return !removes_metadata_ || HidingKeepsUnique(many_.rows);
    }
    if (!removes_metadata_) return true;
    if (!matching_.on) return !HasTypeOrUnit(evaluator_, many_.rows);
    return std::none_of(names_.begin(), names_.end(),
                        [](const std::string& name) { return IsMetadataLabel(name); });
  }

  base::Result<Block> RowByRow(const std::vector<std::uint32_t>& one_by_signature,
                               const std::vector<Row>& rows) {
    auto made = evaluator_.NewBlock(many_.rows.size(), grid_.steps);
    if (!made) return made;
    Block& out = *made;
    WithOperator(binary_.op, binary_.return_bool, [&](auto operation) {
      for (std::size_t r = 0; r < many_.rows.size(); ++r) {
        const std::uint32_t one = one_by_signature[many_of_[r]];
        if (one == kNone) continue;
        const double* many_values = many_.RowValues(r);
        const double* one_values = one_.RowValues(one);
        const double* a = flip_ ? one_values : many_values;
        const double* b = flip_ ? many_values : one_values;
        double* values = out.NextValues();
        std::size_t present = 0;
        for (std::size_t k = 0; k < grid_.steps; ++k) {
          values[k] = IsAbsent(a[k]) || IsAbsent(b[k]) ? Absent() : operation(a[k], b[k]);
          present += IsAbsent(values[k]) ? 0 : 1;
        }
        if (present == 0) continue;
        if (evaluator_.track()) {
          const Time* left = many_.RowSources(r);
          const Time* right = one_.RowSources(one);
          for (std::size_t k = 0; k < grid_.steps; ++k)
            out.NextSources()[k] = model::OlderSource(left[k], right[k]);
        }
        out.AddRow(rows[r].labels, rows[r].drop_name, present);
      }
    });
    out.unique = Unique();
    if (auto finished = FinishStepwise(evaluator_, out, grid_); !finished) return finished.error();
    return made;
  }

  base::Error DuplicateOnOneSide(const Row& a, const Row& b) const {
    const auto text = [&](const Row& row) {
      return SeriesText(VisibleLabels(*row.labels, evaluator_.Hidden(row)));
    };
    std::string first = text(a), second = text(b);
    if (second < first) std::swap(first, second);
    std::vector<std::string> names = names_;
    if (!matching_.on) {
      names.emplace_back(model::kMetricName);
      std::sort(names.begin(), names.end());
    }
    const bool hidden = evaluator_.Hidden(a);
    const model::Labels group =
        matching_.on ? KeepLabels(*a.labels, hidden, names) : DropLabels(*a.labels, hidden, names);
    return ExecutionError(
        base::format("found duplicate series for the match group {} on the {} hand-side of the "
                     "operation: [{}, {}];many-to-many "
                     "matching not allowed: matching labels must be unique on one side",
                     SeriesText(group), flip_ ? "left" : "right", first, second));
  }

  // One result row per pair of rows that ever meets.
  struct Pair {
    Row row;
    std::uint32_t clash = 0;  // equal for pairs that must not meet at one step
    std::vector<double> values;
    std::vector<Time> sources;
  };

  base::Result<Block> StepByStep() {
    // Under group_right fill_right stands in for the left side, as in Prometheus 3.15.
    const std::optional<double> fill_one = matching_.fill_right;
    const std::optional<double> fill_many = matching_.fill_left;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::size_t> pair_of;
    std::vector<Pair> pairs;
    KeyTable clashes(16);
    std::vector<std::uint32_t> one_now(count_);
    std::vector<std::size_t> met(count_, 0);  // the step, plus one, at which a signature last met
    std::vector<std::size_t> clashed;         // likewise per clash ordinal
    for (std::size_t k = 0; k < grid_.steps; ++k) {
      const bool any_many = AnyPresent(many_, k), any_one = AnyPresent(one_, k);
      if (!any_many && !any_one) continue;
      if ((!any_many || !any_one) && !fill_one && !fill_many) continue;
      std::fill(one_now.begin(), one_now.end(), kNone);
      for (std::uint32_t r = 0; r < one_.rows.size(); ++r) {
        if (IsAbsent(one_.RowValues(r)[k])) continue;
        std::uint32_t& now = one_now[one_of_[r]];
        if (now != kNone) return DuplicateOnOneSide(one_.rows[r], one_.rows[now]);
        now = r;
      }
      const auto meet = [&](std::uint32_t many, std::uint32_t one,
                            std::uint32_t signature) -> base::Result<void> {
        const auto [at, fresh] = pair_of.try_emplace({many, one}, pairs.size());
        if (fresh) pairs.push_back(MakePair(many, one, signature, clashes));
        Pair& pair = pairs[at->second];
        if (matching_.card == Card::kOneToOne) {
          if (met[signature] == k + 1) {
            return ExecutionError(
                "multiple matches for labels: many-to-one matching must be explicit "
                "(group_left/group_right)");
          }
        } else {
          if (clashed.size() <= pair.clash) clashed.resize(pair.clash + 1, 0);
          if (clashed[pair.clash] == k + 1) {
            return ExecutionError(
                "multiple matches for labels: grouping labels must ensure unique matches");
          }
          clashed[pair.clash] = k + 1;
        }
        met[signature] = k + 1;
        const double many_value = many == kNone ? *fill_many : many_.RowValues(many)[k];
        const double one_value = one == kNone ? *fill_one : one_.RowValues(one)[k];
        WithOperator(binary_.op, binary_.return_bool, [&](auto operation) {
          pair.values[k] =
              flip_ ? operation(one_value, many_value) : operation(many_value, one_value);
        });
        if (evaluator_.track()) {
          const Time left = many == kNone ? model::kNoSource : many_.RowSources(many)[k];
          const Time right = one == kNone ? model::kNoSource : one_.RowSources(one)[k];
          pair.sources[k] = model::OlderSource(left, right);
        }
        return {};
      };
      for (std::uint32_t r = 0; r < many_.rows.size(); ++r) {
        if (IsAbsent(many_.RowValues(r)[k])) continue;
        const std::uint32_t one = one_now[many_of_[r]];
        if (one == kNone && !fill_one) continue;
        if (auto done = meet(r, one, many_of_[r]); !done) return done.error();
      }
      if (!fill_many) continue;
      for (std::uint32_t r = 0; r < one_.rows.size(); ++r) {
        if (IsAbsent(one_.RowValues(r)[k]) || met[one_of_[r]] == k + 1) continue;
        if (auto done = meet(kNone, r, one_of_[r]); !done) return done.error();
      }
    }
    auto out = evaluator_.NewBlock(pairs.size(), grid_.steps);
    if (!out) return out;
    for (const Pair& pair : pairs) {
      std::copy(pair.values.begin(), pair.values.end(), out->NextValues());
      if (evaluator_.track())
        std::copy(pair.sources.begin(), pair.sources.end(), out->NextSources());
      out->AddRow(pair.row.labels, pair.row.drop_name,
                  CountPresent(pair.values.data(), grid_.steps));
    }
    if (auto finished = FinishStepwise(evaluator_, *out, grid_); !finished) return finished.error();
    return out;
  }

  Pair MakePair(std::uint32_t many, std::uint32_t one, std::uint32_t signature, KeyTable& clashes) {
    Pair pair;
    // A fill value has the labels by which it would have matched.
    Row stand_in;
    const Row& with_labels = many == kNone ? one_.rows[one] : many_.rows[many];
    if (many == kNone || one == kNone) {
      std::vector<std::string> names = names_;
      if (!matching_.on) names.emplace_back(model::kMetricName);
      std::sort(names.begin(), names.end());
      const bool hidden = evaluator_.Hidden(with_labels);
      stand_in.labels =
          evaluator_.arena().Add(matching_.on ? KeepLabels(*with_labels.labels, hidden, names)
                                              : DropLabels(*with_labels.labels, hidden, names));
    }
    pair.row = ResultRow(many == kNone ? stand_in : many_.rows[many],
                         one == kNone ? &stand_in : &one_.rows[one]);
    pair.values.assign(grid_.steps, Absent());
    if (evaluator_.track()) pair.sources.assign(grid_.steps, model::kNoSource);
    std::string key(reinterpret_cast<const char*>(&signature), sizeof(signature));
    AppendAllLabels(*pair.row.labels, evaluator_.Hidden(pair.row), key);
    pair.clash = clashes.Insert(key);
    return pair;
  }

  static bool AnyPresent(const Block& block, std::size_t step) {
    for (std::size_t r = 0; r < block.rows.size(); ++r) {
      if (!IsAbsent(block.RowValues(r)[step])) return true;
    }
    return false;
  }

  Evaluator& evaluator_;
  const promql::Binary& binary_;
  const promql::VectorMatching& matching_;
  const Grid& grid_;
  bool flip_;
  bool removes_metadata_;
  Block many_;
  Block one_;
  std::vector<std::uint32_t> many_of_;
  std::vector<std::uint32_t> one_of_;
  std::size_t count_ = 0;
  std::vector<std::string> names_;
};

}  // namespace

base::Result<Block> VectorOperation(Evaluator& evaluator, const promql::Binary& binary,
                                    const Node& node, Block left, Block right, const Grid& grid) {
  if (binary.op == promql::BinaryOp::kTrimLower || binary.op == promql::BinaryOp::kTrimUpper) {
    if (!left.rows.empty() && !right.rows.empty()) {
      evaluator.notes().Inform(
          base::format(
              "incompatible sample types encountered for binary operator {}: float {} float",
              base::GoQuote(promql::OpText(binary.op)), promql::OpText(binary.op)),
          node.expr->pos);
    }
    return Block(0, grid.steps, evaluator.track());
  }
  return VectorMatcher(evaluator, binary, std::move(left), std::move(right), grid).Run();
}

}  // namespace plimsoll::eval
