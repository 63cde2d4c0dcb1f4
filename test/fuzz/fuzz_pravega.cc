// SPDX-License-Identifier: Apache-2.0
//
// Whatever a Pravega controller answers: what fuzz_collector.h checks of a collector; and nothing
// is said of an internal stream, a stream that is read has at least one segment and a whole number
// of them, and no more streams are read than may be.
#include "engines/pravega.h"
#include "fuzz/fuzz_collector.h"

using namespace plimsoll;  // NOLINT: a harness

namespace {

constexpr std::size_t kStreams = 6;

void CheckSample(const model::LabelsBuilder& labels, double value, const std::string& page) {
  const std::string_view name = labels.Get(model::kMetricName);
  if (labels.Get("scope").starts_with('_') || labels.Get("stream").starts_with('_'))
    fuzz::Broken("a series of an internal stream", page);
  if (name == "pravega_controller_stream_segments" && (value < 1 || value != std::floor(value)))
    fuzz::Broken("a number of segments that no stream has", page);
  if (name == "pravega_controller_streams_read" && value > static_cast<double>(kStreams))
    fuzz::Broken("more streams than may be read", page);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  engines::detail::PravegaLimits limits;
  limits.streams = kStreams;
  limits.scopes = 4;
  limits.segments = 50;
  limits.gauges = 20;
  limits.values = 5000;
  engines::PravegaCollector collector(limits);
  const auto sections = fuzz::SplitSections({reinterpret_cast<const char*>(data), size});
  fuzz::RunRounds(collector, sections, {1'000'000, 1'010'000, 1'070'000}, CheckSample);
  collector.SetParams({{"stream", "test/stream"}, {"stream", "other/*"}});
  fuzz::RunRounds(collector, sections, {1'080'000}, CheckSample);
  return 0;
}
