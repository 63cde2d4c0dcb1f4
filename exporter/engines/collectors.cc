// SPDX-License-Identifier: Apache-2.0
//
// The table of collectors: one row each.
#include "engines/collector.h"
#include "engines/flink.h"
#include "engines/pravega.h"
#include "engines/spark.h"

namespace plimsoll::engines {
namespace {

struct Row {
  std::string_view name;
  std::unique_ptr<Collector> (*make)();
};
constexpr Row kCollectors[] = {
    {"flink", [] { return std::unique_ptr<Collector>(std::make_unique<FlinkCollector>()); }},
    {"pravega", [] { return std::unique_ptr<Collector>(std::make_unique<PravegaCollector>()); }},
    {"spark", [] { return std::unique_ptr<Collector>(std::make_unique<SparkCollector>()); }},
};

}  // namespace

void Collector::SetParams(const Params&) {}

std::unique_ptr<Collector> MakeCollector(std::string_view name) {
  for (const Row& row : kCollectors) {
    if (row.name == name) return row.make();
  }
  return nullptr;
}

std::vector<std::string_view> CollectorNames() {
  std::vector<std::string_view> names;
  for (const Row& row : kCollectors) names.push_back(row.name);
  return names;
}

}  // namespace plimsoll::engines
