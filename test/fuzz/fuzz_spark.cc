// SPDX-License-Identifier: Apache-2.0
//
// Whatever a Spark process answers: what holds of every collector (fuzz_collector.h, which says
// what the input is), and that no name on the page carries the application's id.
#include "engines/spark.h"
#include "fuzz/fuzz_collector.h"

using namespace plimsoll;  // NOLINT: a harness

namespace {

// The metrics of one application under the name of another are the same.
void CheckFolding(std::string_view name) {
  const std::string rest = "S_" + std::string(name.substr(0, name.find_first_of("\n\r")));
  for (const char* id : {"app-1-0000", "spark-0af9", "x"}) {
    std::string plain(id);
    for (char& c : plain) c = c == '-' ? '_' : c;
    const auto folded = engines::detail::FoldSparkName("metrics_" + plain + "_driver_" + rest, id);
    if (!folded || *folded != rest) fuzz::Broken("a name that depends on the application", rest);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  CheckFolding(input);
  engines::detail::SparkLimits limits;
  limits.executors = 4;
  limits.stages = 4;
  limits.metrics = 50;
  limits.workers = 4;
  limits.applications = 4;
  limits.values = 5000;
  engines::SparkCollector collector(limits);
  fuzz::RunRounds(collector, fuzz::SplitSections(input), {1'000'000, 1'005'000, 1'070'000},
                  [](const model::LabelsBuilder&, double, const std::string&) {});
  return 0;
}
