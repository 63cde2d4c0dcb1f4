// SPDX-License-Identifier: Apache-2.0
//
// Quantiles and fractions of classic histograms.
//
// Which rows are buckets of which histogram, and their order, is found once; a step then only picks
// the buckets that have a value. Rules: prometheus/prometheus promql/quantile.go.
#include <algorithm>
#include <cmath>

#include "base/number_text.h"
#include "eval/detail/call_functions.h"
#include "eval/detail/numerics.h"

namespace plimsoll::eval::call {
namespace {

// Differences that only rounding explains are repaired in silence.
constexpr double kSmallDelta = 1e-12;

struct Bucket {
  double bound = 0;
  double count = 0;
};

struct Histogram {
  const model::Labels* labels = nullptr;  // without le
  bool drop_name = false;
  std::string_view metric;
  std::vector<std::pair<double, std::uint32_t>> buckets;  // bound and row, ascending
};

struct Repaired {
  bool any = false;
  double lowest = kInf;
  double highest = -kInf;
  double largest = 0;
};

std::vector<Histogram> GroupBuckets(Evaluator& evaluator, const Block& block, const Node& arg) {
  static const std::vector<std::string> kLe = {"le"};
  std::vector<Histogram> histograms;
  KeyTable keys(block.rows.size() / 8 + 1);
  std::string key;
  for (std::uint32_t r = 0; r < block.rows.size(); ++r) {
    const Row& row = block.rows[r];
    const bool hidden = evaluator.Hidden(row);
    const std::string_view text = row.labels->Get("le");
    const std::optional<double> bound = base::ParseFloat(text);
    if (!bound || std::isnan(*bound)) {
      const std::string_view metric =
          evaluator.delayed() ? row.labels->MetricName() : std::string_view();
      evaluator.notes().WarnOfBucket(metric, text, arg.expr->pos);
      continue;
    }
    key.clear();
    AppendLabelsWithout(*row.labels, hidden, kLe, key);
    const std::uint32_t ordinal = keys.Insert(key);
    if (ordinal == histograms.size()) {
      histograms.push_back({evaluator.arena().Add(DropLabels(*row.labels, hidden, kLe)),
                            row.drop_name,
                            row.labels->MetricName(),
                            {}});
    }
    histograms[ordinal].buckets.emplace_back(*bound, r);
  }
  for (Histogram& histogram : histograms) {
    std::stable_sort(histogram.buckets.begin(), histogram.buckets.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
  }
  return histograms;
}

// The buckets of one step, those with equal bounds added up.
void Gather(const Histogram& histogram, const Block& block, std::size_t step,
            std::vector<Bucket>& out) {
  out.clear();
  for (const auto& [bound, row] : histogram.buckets) {
    const double count = block.RowValues(row)[step];
    if (IsAbsent(count)) continue;
    if (!out.empty() && out.back().bound == bound) {
      out.back().count += count;
    } else {
      out.push_back({bound, count});
    }
  }
}

Repaired MakeMonotonic(std::vector<Bucket>& buckets) {
  Repaired repaired;
  double before = buckets[0].count;
  for (std::size_t i = 1; i < buckets.size(); ++i) {
    const double now = buckets[i].count;
    if (now == before) continue;
    if (AlmostEqual(before, now, kSmallDelta)) {
      buckets[i].count = before;
      continue;
    }
    if (now < before) {
      buckets[i].count = before;
      repaired.any = true;
      repaired.lowest = std::min(repaired.lowest, buckets[i].bound);
      repaired.highest = std::max(repaired.highest, buckets[i].bound);
      repaired.largest = std::max(repaired.largest, before - now);
      continue;
    }
    before = now;
  }
  return repaired;
}

// Requires: at least one bucket, ascending, no bound twice.
double BucketQuantile(double q, std::vector<Bucket>& buckets, Repaired& repaired) {
  if (std::isnan(q)) return NaN();
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  if (buckets.back().bound != kInf) return NaN();
  repaired = MakeMonotonic(buckets);
  if (buckets.size() < 2) return NaN();
  const double observations = buckets.back().count;
  if (observations == 0) return NaN();
  double rank = q * observations;
  const auto at =
      std::partition_point(buckets.begin(), buckets.end() - 1,
                           [&](const Bucket& bucket) { return !(bucket.count >= rank); });
  const std::size_t b = static_cast<std::size_t>(at - buckets.begin());
  if (b == buckets.size() - 1) return buckets[b - 1].bound;
  if (b == 0 && buckets[0].bound <= 0) return buckets[0].bound;
  double start = 0;
  double count = buckets[b].count;
  if (b > 0) {
    start = buckets[b - 1].bound;
    count -= buckets[b - 1].count;
    rank -= buckets[b - 1].count;
  }
  return start + (buckets[b].bound - start) * (rank / count);
}

double BucketFraction(double lower, double upper, const std::vector<Bucket>& buckets) {
  if (buckets.back().bound != kInf) return NaN();
  const double count = buckets.back().count;
  if (count == 0 || std::isnan(lower) || std::isnan(upper)) return NaN();
  if (lower >= upper) return 0;
  double rank = 0, lower_rank = 0, upper_rank = 0;
  bool lower_set = false, upper_set = false;
  double from = buckets[0].bound <= 0 ? -kInf : 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    if (i > 0) from = buckets[i - 1].bound;
    const double to = buckets[i].bound;
    const auto interpolate = [&](double value) {
      if (from == -kInf) return buckets[i].count;
      return rank + (buckets[i].count - rank) * (value - from) / (to - from);
    };
    if (!lower_set && from >= lower) {
      lower_rank = rank;
      lower_set = true;
    }
    if (!upper_set && from >= upper) {
      upper_rank = rank;
      upper_set = true;
    }
    if (lower_set && upper_set) break;
    if (!lower_set && from < lower && to > lower) {
      lower_rank = interpolate(lower);
      lower_set = true;
    }
    if (!upper_set && from < upper && to > upper) {
      upper_rank = interpolate(upper);
      upper_set = true;
    }
    if (lower_set && upper_set) break;
    rank = buckets[i].count;
  }
  if (!lower_set || lower_rank > count) lower_rank = count;
  if (!upper_set || upper_rank > count) upper_rank = count;
  return (upper_rank - lower_rank) / count;
}

// The note about repairs of one metric. Prometheus merges a note with itself once per later step,
// and its number of samples is part of the text that people compare; so it is counted the same way.
struct RepairNote {
  std::string metric;
  Repair repair;
  std::uint64_t in_step = 0;
  bool fresh = true;
};

class RepairNotes {
 public:
  void Add(std::string_view metric, plimsoll::eval::Time at, const Repaired& repaired) {
    auto note = std::find_if(notes_.begin(), notes_.end(),
                             [&](const RepairNote& n) { return n.metric == metric; });
    if (note == notes_.end()) {
      notes_.push_back({std::string(metric),
                        {at, at, repaired.lowest, repaired.highest, repaired.largest, 0},
                        0,
                        true});
      note = notes_.end() - 1;
    }
    Repair& all = note->repair;
    all.first = std::min(all.first, at);
    all.last = std::max(all.last, at);
    all.lowest_bound = std::min(all.lowest_bound, repaired.lowest);
    all.highest_bound = std::max(all.highest_bound, repaired.highest);
    all.largest_difference = std::max(all.largest_difference, repaired.largest);
    ++note->in_step;
  }
  void EndStep() {
    for (RepairNote& note : notes_) {
      if (note.fresh) {
        note.repair.further = note.in_step - 1;
        note.fresh = false;
      } else {
        note.repair.further = 2 * (note.repair.further + note.in_step) + 1;
      }
      note.in_step = 0;
    }
  }
  void Finish(Notes& notes, promql::PosRange pos) const {
    for (const RepairNote& note : notes_) notes.InformOfRepair(note.metric, pos, note.repair);
  }

 private:
  std::vector<RepairNote> notes_;
};

void NewestSource(const Histogram& histogram, const Block& block, std::size_t step,
                  plimsoll::eval::Time& source) {
  source = model::kNoSource;
  for (const auto& [bound, row] : histogram.buckets) {
    if (!IsAbsent(block.RowValues(row)[step]))
      source = model::NewerSource(source, block.RowSources(row)[step]);
  }
}

// Fills one row of `out` per histogram with `value(buckets, step, histogram)`.
template <typename ValueOf>
void FillRows(Evaluator& evaluator, const std::vector<Histogram>& histograms, const Block& in,
              const Grid& grid, const std::string* quantile_label, const std::string& quantile_text,
              Block& out, ValueOf&& value) {
  std::vector<Bucket> buckets;
  for (const Histogram& histogram : histograms) {
    double* values = out.NextValues();
    std::size_t present = 0;
    for (std::size_t k = 0; k < grid.steps; ++k) {
      Gather(histogram, in, k, buckets);
      values[k] = eval::Absent();
      if (buckets.empty()) continue;
      values[k] = value(buckets, k, histogram);
      ++present;
      if (evaluator.track()) NewestSource(histogram, in, k, out.NextSources()[k]);
    }
    const model::Labels* labels = histogram.labels;
    if (quantile_label != nullptr) {
      model::LabelsBuilder builder;
      ForEachLabel(*labels, !evaluator.delayed(),
                   [&](const model::Label& l) { builder.Set(l.name, l.value); });
      builder.Set(*quantile_label, quantile_text);
      labels = evaluator.arena().Add(builder.Build());
    }
    out.AddRow(labels, histogram.drop_name, present);
  }
}

// `le` in the canonical form of OpenMetrics.
std::string QuantileText(double q) {
  if (std::isnan(q)) return "NaN";
  std::string text = base::ShortestG(q);
  if (std::isfinite(q) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

void WarnOfQuantiles(Evaluator& evaluator, const Block& q, const Grid& grid, promql::PosRange pos) {
  for (std::size_t k = 0; k < grid.steps; ++k) {
    const double value = q.values.data()[k];
    if (!(value >= 0 && value <= 1)) evaluator.notes().WarnOfQuantile(value, pos);
  }
}

Result Finish(Evaluator& evaluator, Block out, const Grid& grid) {
  evaluator.DropNames(out);
  if (auto finished = FinishStepwise(evaluator, out, grid); !finished) return finished.error();
  return out;
}

// The quantiles in `qs`; with a label to tell them apart when there is one.
Result Quantiles(Evaluator& evaluator, const Node& node, const Grid& grid, std::size_t vector_arg,
                 std::size_t first_quantile, const std::string* label) {
  std::vector<Block> qs;
  std::vector<promql::PosRange> places;
  for (std::size_t i = first_quantile; i < node.children.size(); ++i) {
    if (i == vector_arg) continue;
    auto q = EvalScalarArg(evaluator, node, i, grid);
    if (!q) return q;
    qs.push_back(std::move(*q));
    places.push_back(node.children[i].expr->pos);
  }
  const auto in = evaluator.Eval(node.children[vector_arg], grid);
  if (!in) return in.error();
  for (std::size_t i = 0; i < qs.size(); ++i) WarnOfQuantiles(evaluator, qs[i], grid, places[i]);
  const Node& arg = node.children[vector_arg];
  const std::vector<Histogram> histograms = GroupBuckets(evaluator, *in, arg);
  auto out = evaluator.NewBlock(histograms.size() * qs.size(), grid.steps);
  if (!out) return out;
  // What each step repaired, histogram by histogram; the note counts step by step.
  std::vector<std::vector<std::pair<std::string_view, Repaired>>> repairs(grid.steps);
  for (const Block& q : qs) {
    const std::string text = label == nullptr ? std::string() : QuantileText(q.values.data()[0]);
    FillRows(evaluator, histograms, *in, grid, label, text, *out,
             [&](std::vector<Bucket>& buckets, std::size_t k, const Histogram& histogram) {
               Repaired repaired;
               const double value = BucketQuantile(q.values.data()[k], buckets, repaired);
               if (repaired.any) repairs[k].emplace_back(histogram.metric, repaired);
               return value;
             });
  }
  RepairNotes notes;
  for (std::size_t k = 0; k < grid.steps; ++k) {
    for (const auto& [metric, repaired] : repairs[k]) {
      notes.Add(evaluator.delayed() ? metric : std::string_view(), grid.At(k), repaired);
    }
    notes.EndStep();
  }
  notes.Finish(evaluator.notes(), arg.expr->pos);
  out->unique = label == nullptr;
  return Finish(evaluator, std::move(*out), grid);
}

}  // namespace

Result HistogramQuantile(Evaluator& evaluator, const Node& node, const Grid& grid) {
  return Quantiles(evaluator, node, grid, 1, 0, nullptr);
}

Result HistogramQuantiles(Evaluator& evaluator, const Node& node, const Grid& grid) {
  return Quantiles(evaluator, node, grid, 0, 2, &StringArg(node, 1));
}

Result HistogramFraction(Evaluator& evaluator, const Node& node, const Grid& grid) {
  const auto lower = EvalScalarArg(evaluator, node, 0, grid);
  if (!lower) return lower.error();
  const auto upper = EvalScalarArg(evaluator, node, 1, grid);
  if (!upper) return upper.error();
  const auto in = evaluator.Eval(node.children[2], grid);
  if (!in) return in.error();
  const std::vector<Histogram> histograms = GroupBuckets(evaluator, *in, node.children[2]);
  auto out = evaluator.NewBlock(histograms.size(), grid.steps);
  if (!out) return out;
  FillRows(evaluator, histograms, *in, grid, nullptr, {}, *out,
           [&](std::vector<Bucket>& buckets, std::size_t k, const Histogram&) {
             return BucketFraction(lower->values.data()[k], upper->values.data()[k], buckets);
           });
  out->unique = true;
  return Finish(evaluator, std::move(*out), grid);
}

}  // namespace plimsoll::eval::call
