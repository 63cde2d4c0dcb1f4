// SPDX-License-Identifier: Apache-2.0
//
// A round's findings as an exposition page: every series that the collector has, with its help.
//
// What could not be read of a stream is absent, never zero.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engines/pravega.h"
#include "exposition/writer.h"
#include "model/family.h"

namespace plimsoll::engines::detail {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

class Page {
 public:
  void Begin(std::string name, std::string help) {
    families_.push_back({.name = std::move(name),
                         .metadata = {.type = model::MetricType::kGauge, .help = std::move(help)}});
  }
  void Add(Pairs labels, double value) {
    labels.emplace_back(model::kMetricName, families_.back().name);
    families_.back().points.push_back(
        {.labels = model::Labels::FromPairs(std::move(labels)), .value = value});
  }
  std::string Write() const {
    return exposition::WritePage(families_, {.format = exposition::Format::kText,
                                             .escaping = config::NameEscaping::kAllowUtf8});
  }

 private:
  std::vector<model::Family> families_;
};

Pairs LabelsOf(const PravegaStream& stream) {
  return {{"scope", stream.scope}, {"stream", stream.name}};
}

}  // namespace

std::string WritePravegaPage(const PravegaRound& round) {
  Page page;
  const auto scalings = [&](std::string name, std::string help,
                            const std::function<double(const PravegaScaling&)>& value) {
    page.Begin(std::move(name), std::move(help));
    for (const auto& [stream, scaling] : round.streams) {
      if (scaling) page.Add(LabelsOf(stream), value(*scaling));
    }
  };
  scalings("pravega_controller_stream_segments",
           "Segments into which the stream is divided, by its last scaling event.",
           [](const PravegaScaling& scaling) { return scaling.segments; });
  scalings("pravega_controller_stream_scaled_timestamp_seconds",
           "When the stream was last scaled, or created.",
           [](const PravegaScaling& scaling) { return scaling.time_ms / 1000; });
  scalings("pravega_controller_stream_epoch",
           "Epoch of the stream's youngest segment: rises when the stream is scaled.",
           [](const PravegaScaling& scaling) { return scaling.epoch; });

  page.Begin("pravega_controller_stream_success",
             "Whether the stream's scaling events could be read.");
  double read = 0;
  for (const auto& [stream, scaling] : round.streams) {
    page.Add(LabelsOf(stream), scaling ? 1 : 0);
    read += scaling ? 1 : 0;
  }
  page.Begin("pravega_controller_streams_read", "Streams whose scaling events could be read.");
  page.Add({}, read);

  page.Begin(
      "pravega_controller_segments_count",
      "The controller's own count, up to a minute old; gone for a stream that is not scaled.");
  for (const auto& [stream, segments] : round.gauges) page.Add(LabelsOf(stream), segments);

  page.Begin("pravega_rest_success",
             "Whether all answers of that part of the REST API could be used.");
  for (const auto& [part, good] : round.success) page.Add({{"part", part}}, good ? 1 : 0);
  page.Begin("pravega_rest_requests", "Requests of the scrape that were answered.");
  page.Add({}, static_cast<double>(round.requests));
  return page.Write();
}

}  // namespace plimsoll::engines::detail
