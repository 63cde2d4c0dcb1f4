// SPDX-License-Identifier: Apache-2.0
//
// Collects what is worth saying about a query without failing it.
//
// Two notes of equal text are one: the place of the later one counts (prometheus/prometheus
// util/annotations), except for repaired histograms, whose numbers are merged.
//
// Threads: belongs to one evaluation.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "eval/value.h"
#include "promql/ast.h"

namespace plimsoll::eval {

// What histogram_quantile had to repair so that counts rise with the bound.
struct Repair {
  Time first = 0;
  Time last = 0;
  double lowest_bound = 0;
  double highest_bound = 0;
  double largest_difference = 0;
  std::uint64_t further = 0;  // repaired histograms beyond the first
};

class Notes {
 public:
  // `text` comes without the prefix.
  void Warn(std::string text, promql::PosRange pos) { Add(true, std::move(text), pos); }
  void Inform(std::string text, promql::PosRange pos) { Add(false, std::move(text), pos); }
  void InformOfRepair(std::string_view metric, promql::PosRange pos, const Repair& repair);

  void WarnOfQuantile(double quantile, promql::PosRange pos);
  void WarnOfRatio(double ratio, double cap, promql::PosRange pos);
  void WarnOfBucket(std::string_view metric, std::string_view bound, promql::PosRange pos);
  void InformOfNonCounter(std::string_view metric, promql::PosRange pos);

  // Returns: the notes with the places that `query` gives them.
  Annotations Finish(std::string_view query) const;

 private:
  struct Note {
    bool warning = false;
    std::string text;
    promql::PosRange pos;
    bool has_repair = false;
    Repair repair;
  };
  void Add(bool warning, std::string text, promql::PosRange pos);
  std::vector<Note> notes_;
};

}  // namespace plimsoll::eval
