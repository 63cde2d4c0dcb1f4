// SPDX-License-Identifier: Apache-2.0
//
// Reads a Pravega controller's REST API: into how many segments each stream is divided.
//
// The controller's own gauge of that number is written when a stream is created or scaled, and is
// thrown away when other streams are written to and it was not for a few minutes: of a stream that
// nobody scales it is gone when it is needed. So every round asks for the last scaling event of
// every stream, which any controller of a cluster can answer, at a time ahead of the clock, so that
// a controller whose clock is ahead of ours tells of its newest event, too. The gauge is looked at
// once a minute, as a cross-check.
//
// Which streams: `params: {stream: [SCOPE/STREAM, SCOPE/*]}` of the scrape configuration; without
// it all of them but internal ones, listed once a minute.
//
// Threads: one caller at a time.
// Bounds:  PravegaLimits; what is remembered of a stream goes when the stream does.
// See:     docs/engines/pravega.md
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engines/collector.h"
#include "engines/detail/pravega_answers.h"

namespace plimsoll::engines {

namespace detail {

// The questions that there are.
enum class PravegaPart { kScopes, kStreams, kScaling, kGauges };

// What a round learnt; pravega_page.cc writes it down.
struct PravegaRound {
  std::map<PravegaStream, std::optional<PravegaScaling>> streams;  // nothing: it could not be read
  std::map<PravegaStream, double> gauges;
  std::map<std::string, bool> success;  // by part: whether every answer of this round could be used
  std::uint64_t requests = 0;
};

std::string WritePravegaPage(const PravegaRound& round);

}  // namespace detail

class PravegaCollector final : public Collector {
 public:
  explicit PravegaCollector(detail::PravegaLimits limits = {}) : limits_(limits) {}

  void SetParams(const Params& params) override;
  std::vector<Ask> Begin(base::Time now) override;
  std::vector<Ask> Take(const Ask& ask, base::Result<Answer> answer) override;
  Collected End() override;

 private:
  using Part = detail::PravegaPart;
  struct Question {
    Part part = Part::kScopes;
    detail::PravegaStream stream;  // or its scope alone
  };

  void Put(std::vector<Ask>& asks, Question question, std::string path);
  void AskForStreams(std::vector<Ask>& asks, const std::string& scope);
  void AskForScaling(std::vector<Ask>& asks);
  bool IsChosen(const detail::PravegaStream& stream) const;
  bool ListsAll() const;

  void TakeScopes(const std::string& body, std::vector<Ask>& asks);
  void TakeStreams(const std::string& scope, const std::string& body, std::vector<Ask>& asks);
  void TakeScaling(const detail::PravegaStream& stream, const std::string& body);
  void TakeGauges(const std::string& body);
  void Gone(const Question& question);
  void Miss(Part part, std::string_view reason);
  void Fail(Part part, std::string_view reason, base::Error error);
  void Refuse(std::string_view reason, std::uint64_t count = 1);

  const detail::PravegaLimits limits_;
  // From the configuration. Nothing chosen is everything.
  std::vector<detail::PravegaChoice> chosen_;
  std::optional<base::Error> bad_params_;
  // Kept between rounds.
  std::map<std::string, std::set<std::string>> listed_;  // streams by scope
  base::Time listed_at_ = 0;                             // zero: never
  std::map<detail::PravegaStream, double> gauges_;
  base::Time gauges_at_ = 0;
  bool recognised_ = false;  // it has answered as a controller does: a 404 is of a stream
  // Of this round.
  base::Time now_ = 0;
  detail::PravegaRound round_;
  std::map<std::string, Question> open_;  // by path
  std::size_t streams_asked_ = 0, streams_told_ = 0, streams_gone_ = 0, lists_told_ = 0;
  std::vector<detail::PravegaStream> deleted_;
  std::uint64_t left_out_ = 0;  // streams beyond the limit
  std::optional<base::Result<Answer>> failed_;
  std::vector<std::pair<std::string_view, std::uint64_t>> refused_;
};

}  // namespace plimsoll::engines
