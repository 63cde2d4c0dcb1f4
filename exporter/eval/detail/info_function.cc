// SPDX-License-Identifier: Apache-2.0
//
// info(): joins data labels of info metrics onto a vector, by `instance` and `job`.
//
// Which info series count is decided anew at every step (the newest of those with equal identifying
// labels), so one row of the argument may become several.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "base/format.h"
#include "eval/detail/call_functions.h"
#include "eval/detail/info_reference.h"

namespace plimsoll::eval::call {
namespace {

using model::Matcher;

struct Wanted {
  model::Matchers names;                           // which info metrics
  std::map<std::string, model::Matchers> by_data;  // which data labels; empty: all

  bool Takes(std::string_view label) const {
    return by_data.empty() || by_data.count(std::string(label)) != 0;
  }
  // Whether a series without any info series may stay.
  bool MayLack() const {
    for (const auto& [name, matchers] : by_data) {
      for (const Matcher& matcher : matchers) {
        if (!matcher.MatchesEmpty()) return false;
      }
    }
    return true;
  }
};

Wanted WantedOf(const Node& node) {
  Wanted wanted;
  bool positive = false;
  if (node.children.size() > 1) {
    for (const Matcher& matcher : node.children[1].vector_selector().matchers) {
      if (matcher.name() != model::kMetricName) {
        wanted.by_data[matcher.name()].push_back(matcher);
        continue;
      }
      positive = positive || matcher.type() == Matcher::Type::kEqual ||
                 matcher.type() == Matcher::Type::kRegex;
      wanted.names.push_back(matcher);
    }
  }
  if (wanted.names.empty()) {
    wanted.names.push_back(Matcher::Equal(std::string(model::kMetricName), "target_info"));
  } else if (!positive) {
    auto all = Matcher::Make(Matcher::Type::kRegex, std::string(model::kMetricName), ".+_info");
    wanted.names.insert(wanted.names.begin(), std::move(*all));
  }
  return wanted;
}

struct Identity {
  std::string instance, job;
  bool operator<(const Identity& other) const {
    return std::tie(instance, job) < std::tie(other.instance, other.job);
  }
};

Identity IdentityOf(const model::Labels& labels, bool hidden) {
  return {std::string(GetLabel(labels, hidden, "instance")),
          std::string(GetLabel(labels, hidden, "job"))};
}

// The rows of the result, whose labels are known step by step.
class Joined {
 public:
  Joined(Evaluator& evaluator, const Block& base, const Grid& grid)
      : evaluator_(evaluator), base_(base), grid_(grid) {}

  void Put(std::size_t row, model::Labels labels, std::size_t step) {
    auto [found, is_new] = ordinals_.try_emplace({row, labels}, rows_.size());
    if (is_new) {
      rows_.push_back({row, evaluator_.arena().Add(std::move(labels)), {}});
      rows_.back().values.assign(grid_.steps, eval::Absent());
    }
    rows_[found->second].values[step] = base_.RowValues(row)[step];
  }

  Result Finish() {
    auto out = evaluator_.NewBlock(rows_.size(), grid_.steps);
    if (!out) return out;
    for (const Made& made : rows_) {
      const Row& from = base_.rows[made.base];
      std::copy(made.values.begin(), made.values.end(), out->NextValues());
      if (evaluator_.track())
        std::copy_n(base_.RowSources(made.base), grid_.steps, out->NextSources());
      out->AddRow(made.labels, evaluator_.delayed() && from.drop_name,
                  CountPresent(made.values.data(), grid_.steps));
    }
    if (auto merged = evaluator_.MergeEqualRows(*out, grid_); !merged) return merged.error();
    return out;
  }

 private:
  struct Made {
    std::size_t base;
    const model::Labels* labels;
    std::vector<double> values;
  };
  Evaluator& evaluator_;
  const Block& base_;
  const Grid& grid_;
  std::vector<Made> rows_;
  std::map<std::pair<std::size_t, model::Labels>, std::size_t> ordinals_;
};

// The info series that count at one step, by metric and identity.
using Current = std::map<std::pair<std::string_view, Identity>, std::size_t>;

base::Result<Current> CurrentAt(const Block& infos, const std::vector<Identity>& identities,
                                std::size_t step) {
  Current current;
  for (std::size_t r = 0; r < infos.rows.size(); ++r) {
    const double time = infos.RowValues(r)[step];
    if (IsAbsent(time)) continue;
    const model::Labels& labels = *infos.rows[r].labels;
    const auto [found, is_new] =
        current.try_emplace({labels.Get(model::kMetricName), identities[r]}, r);
    if (is_new) continue;
    const double other = infos.RowValues(found->second)[step];
    if (other == time) {
      return ExecutionError(base::format(
          "found duplicate series for info metric: existing {} @ {}, new {} @ {}",
          SeriesText(*infos.rows[found->second].labels), static_cast<model::Time>(other),
          SeriesText(labels), static_cast<model::Time>(time)));
    }
    if (other < time) found->second = r;
  }
  return current;
}

// Adds to `data` what one info series has to say beside the base series.
base::Result<void> AddData(const model::Labels& info, const Wanted& wanted,
                           const model::Labels& base, bool hidden, model::LabelsBuilder& data) {
  for (const model::Label& label : info) {
    if (label.name == model::kMetricName || !wanted.Takes(label.name)) continue;
    const std::string_view before = data.Get(label.name);
    if (!before.empty() && before != label.value)
      return ExecutionError(base::format("conflicting label: {}", label.name));
    if (GetLabel(base, hidden, label.name).empty()) data.Set(label.name, label.value);
  }
  return {};
}

}  // namespace

Result Info(Evaluator& evaluator, const Node& node, const Grid& grid) {
  const Reference reference = SharedReference(node.children[0]).value_or(Reference{});
  auto base = evaluator.Eval(node.children[0], grid);
  if (!base) return base;
  const Wanted wanted = WantedOf(node);

  // Info series themselves stay as they are.
  std::vector<Identity> identities(base->rows.size());
  std::vector<bool> is_info(base->rows.size());
  std::map<std::pair<bool, bool>, std::pair<std::set<std::string>, std::set<std::string>>> groups;
  for (std::size_t r = 0; r < base->rows.size(); ++r) {
    const bool hidden = evaluator.Hidden(base->rows[r]);
    const std::string_view name = GetLabel(*base->rows[r].labels, hidden, model::kMetricName);
    is_info[r] = std::all_of(wanted.names.begin(), wanted.names.end(),
                             [&](const Matcher& matcher) { return matcher.Matches(name); });
    identities[r] = IdentityOf(*base->rows[r].labels, hidden);
    const Identity& identity = identities[r];
    if (is_info[r] || (identity.instance.empty() && identity.job.empty())) continue;
    auto& group = groups[{!identity.instance.empty(), !identity.job.empty()}];
    group.first.insert(identity.instance);
    group.second.insert(identity.job);
  }

  model::Matchers matchers = wanted.names;
  for (const auto& [label, of_label] : wanted.by_data)
    matchers.insert(matchers.end(), of_label.begin(), of_label.end());
  auto infos = groups.empty()
                   ? base::Result<Block>(Block(0, grid.steps, false))
                   : evaluator.EvalSampleTimes(
                         matchers,
                         [&](const model::Labels& labels) {
                           const Identity identity = IdentityOf(labels, false);
                           const auto group =
                               groups.find({!identity.instance.empty(), !identity.job.empty()});
                           return group != groups.end() &&
                                  group->second.first.count(identity.instance) != 0 &&
                                  group->second.second.count(identity.job) != 0;
                         },
                         grid, reference.at, reference.offset);
  if (!infos) return infos;
  std::vector<Identity> info_identities;
  std::set<std::string_view> names;
  for (const Row& row : infos->rows) {
    info_identities.push_back(IdentityOf(*row.labels, false));
    names.insert(row.labels->Get(model::kMetricName));
  }

  Joined joined(evaluator, *base, grid);
  model::LabelsBuilder data;
  for (std::size_t k = 0; k < grid.steps; ++k) {
    const bool any = std::any_of(base->rows.begin(), base->rows.end(), [&](const Row& row) {
      return !IsAbsent(base->RowValues(static_cast<std::size_t>(&row - base->rows.data()))[k]);
    });
    if (!any) continue;
    const auto current = CurrentAt(*infos, info_identities, k);
    if (!current) return current.error();
    for (std::size_t r = 0; r < base->rows.size(); ++r) {
      if (IsAbsent(base->RowValues(r)[k])) continue;
      const bool hidden = evaluator.Hidden(base->rows[r]);
      const model::Labels& labels = *base->rows[r].labels;
      data.Reset();
      bool found = false;
      for (const std::string_view name : names) {
        const auto info = current->find({name, identities[r]});
        if (is_info[r] || info == current->end()) continue;
        found = true;
        auto added = AddData(*infos->rows[info->second].labels, wanted, labels, hidden, data);
        if (!added) return added.error();
      }
      if (!is_info[r] && !found && !wanted.MayLack()) continue;
      model::LabelsBuilder all;
      ForEachLabel(labels, hidden,
                   [&](const model::Label& label) { all.Set(label.name, label.value); });
      for (const auto& [name, value] : data.pairs()) all.Set(name, value);
      joined.Put(r, all.Build(), k);
    }
  }
  return joined.Finish();
}

}  // namespace plimsoll::eval::call
