// SPDX-License-Identifier: Apache-2.0
//
// How an external metric travels from a sidecar to a hub: as ordinary series on /metrics.
//
// What travels are facts, not an answer: the value as the query gave it, when its sample was
// scraped, the last good value, and the policy. The hub decides at the read, by the same code as
// the sidecar would, so nothing is rounded, clamped or held twice. Numbers are written as the
// shortest text that reads back to the same bits. Labels of a series travel with a prefix, so that
// they cannot meet those of the target.
//
// Threads: pure functions.
// Bounds:  kMostErrorBytes.
// See:     docs/adr/0009-how-a-metric-travels.md
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "model/family.h"
#include "signals/snapshot.h"

namespace plimsoll::hub {

// Of a label on a page that is one of the metric's own series.
inline constexpr std::string_view kLabelPrefix = "label_";
// An error travels as a label, so it must be short and say the same for as long as it is the same.
constexpr std::size_t kMostErrorBytes = 200;

// Every series of the catalogue's plimsoll_exported_*; the time of the page always, so that a page
// that exports nothing is told from one that says nothing. Only what is our own travels: a hub that
// is scraped by a hub passes nothing on.
std::vector<model::Family> ExportedFamilies(const signals::Snapshot& snapshot, signals::Moment now);

// A policy as the labels of plimsoll_exported_metric_info, and back.
model::Labels PolicyLabels(const signals::Metric& metric);
struct Policy {
  std::shared_ptr<const config::ExternalMetric> metric;  // never null
  std::chrono::seconds window{0};
  bool reads_scraped = true;
};
// As strict as a configuration file: a page is somebody else's word.
// Fails with: kBadInput naming the label.
base::Result<Policy> ReadPolicy(const model::Labels& labels);

}  // namespace plimsoll::hub
