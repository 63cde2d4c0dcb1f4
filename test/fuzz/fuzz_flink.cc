// SPDX-License-Identifier: Apache-2.0
//
// Whatever a JobManager answers: what fuzz_collector.h checks of a collector.
#include "engines/flink.h"
#include "fuzz/fuzz_collector.h"

using namespace plimsoll;  // NOLINT: a harness

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  engines::detail::FlinkLimits limits;
  limits.jobs = 4;
  limits.vertices = 8;
  limits.inputs = 4;
  limits.names = 100;
  limits.values = 5000;
  engines::FlinkCollector collector(limits);
  fuzz::RunRounds(collector, fuzz::SplitSections({reinterpret_cast<const char*>(data), size}),
                  {1'000'000, 1'005'000, 1'020'000},
                  [](const model::LabelsBuilder&, double, const std::string&) {});
  return 0;
}
