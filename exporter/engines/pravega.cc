// SPDX-License-Identifier: Apache-2.0
//
// What to ask of a controller, and when.
#include "engines/pravega.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace plimsoll::engines {
namespace {

using detail::PravegaStream;

// How long a list of streams, and the controller's own gauges, are taken for unchanged.
constexpr base::Time kRememberMs = 60'000;
// How far a controller's clock may be ahead of ours: events behind the time asked for are left out.
constexpr base::Time kClockSlackMs = 3'600'000;

constexpr std::string_view kStreamParam = "stream";
constexpr std::string_view kScopes = "/v1/scopes";

// The names of PravegaRound::success, one for each part of the API.
std::string_view NameOf(detail::PravegaPart part) {
  using Part = detail::PravegaPart;
  switch (part) {
    case Part::kScopes:
      return "scopes";
    case Part::kStreams:
      return "streams";
    case Part::kScaling:
      return "scaling_events";
    case Part::kGauges:
      return "prometheus";
  }
  return "";
}

std::string StreamsPath(const std::string& scope) {
  return std::string(kScopes) + '/' + scope + "/streams";
}

}  // namespace

void PravegaCollector::SetParams(const Params& params) {
  std::vector<detail::PravegaChoice> chosen;
  bad_params_.reset();
  for (const auto& [name, value] : params) {
    if (name != kStreamParam) continue;
    auto choice = detail::ReadChoice(value);
    if (!choice) {
      bad_params_ = std::move(choice).error();
      return;
    }
    chosen.push_back(*std::move(choice));
  }
  if (chosen == chosen_) return;
  chosen_ = std::move(chosen);
  listed_.clear();
  gauges_.clear();
  listed_at_ = gauges_at_ = 0;
}

bool PravegaCollector::ListsAll() const {
  return chosen_.empty() ||
         std::any_of(chosen_.begin(), chosen_.end(),
                     [](const detail::PravegaChoice& choice) { return choice.scope.empty(); });
}

bool PravegaCollector::IsChosen(const PravegaStream& stream) const {
  return ListsAll() ||
         std::any_of(chosen_.begin(), chosen_.end(), [&](const detail::PravegaChoice& choice) {
           return choice.scope == stream.scope &&
                  (choice.name.empty() || choice.name == stream.name);
         });
}

void PravegaCollector::Refuse(std::string_view reason, std::uint64_t count) {
  if (count > 0) refused_.emplace_back(reason, count);
}

void PravegaCollector::Put(std::vector<Ask>& asks, Question question, std::string path) {
  const Part part = question.part;
  if (!open_.emplace(path, std::move(question)).second) return;
  round_.success.emplace(NameOf(part), true);
  asks.push_back({.path = std::move(path),
                  .accept = part == Part::kGauges ? "text/plain" : "application/json"});
}

void PravegaCollector::AskForStreams(std::vector<Ask>& asks, const std::string& scope) {
  Put(asks, {Part::kStreams, {scope, {}}}, StreamsPath(scope));
}

// Of every stream that is chosen by name or was listed, and has not been asked for in this round.
void PravegaCollector::AskForScaling(std::vector<Ask>& asks) {
  std::set<PravegaStream> wanted;
  for (const auto& choice : chosen_) {
    if (!choice.name.empty()) wanted.insert(choice);
  }
  for (const auto& [scope, names] : listed_) {
    for (const std::string& name : names) wanted.insert({scope, name});
  }
  left_out_ = 0;
  const std::string time = std::to_string(now_ + kClockSlackMs);
  for (const PravegaStream& stream : wanted) {
    if (round_.streams.contains(stream)) continue;
    if (round_.streams.size() >= limits_.streams) {
      ++left_out_;
      continue;
    }
    round_.streams.emplace(stream, std::nullopt);
    ++streams_asked_;
    Put(asks, {Part::kScaling, stream},
        StreamsPath(stream.scope) + '/' + stream.name + "/scaling-events?from=" + time +
            "&to=" + time);
  }
}

std::vector<Ask> PravegaCollector::Begin(base::Time now) {
  now_ = now;
  round_ = {};
  open_.clear();
  streams_asked_ = streams_told_ = streams_gone_ = lists_told_ = 0;
  deleted_.clear();
  left_out_ = 0;
  failed_.reset();
  refused_.clear();

  std::vector<Ask> asks;
  if (bad_params_) return asks;
  const auto due = [&](base::Time at) { return at == 0 || now - at >= kRememberMs || now < at; };
  // The first stream of all shall not wait, and a scrape has to ask for something.
  const bool none = std::all_of(listed_.begin(), listed_.end(),
                                [](const auto& scope) { return scope.second.empty(); });
  if (due(listed_at_) || none) {
    listed_at_ = now;
    if (ListsAll()) {
      Put(asks, {Part::kScopes, {}}, std::string(kScopes));
    } else {
      for (const auto& choice : chosen_) {
        if (choice.name.empty()) AskForStreams(asks, choice.scope);
      }
    }
  }
  AskForScaling(asks);
  // Last: it is large, and the least of what is needed.
  if (due(gauges_at_)) {
    gauges_at_ = now;
    Put(asks, {Part::kGauges, {}}, "/prometheus");
  }
  return asks;
}

std::vector<Ask> PravegaCollector::Take(const Ask& ask, base::Result<Answer> answer) {
  std::vector<Ask> asks;
  const auto found = open_.find(ask.path);
  if (found == open_.end()) return asks;
  const Question question = std::move(found->second);
  open_.erase(found);
  if (!answer) {
    Fail(question.part, "failed_request", std::move(answer).error());
    return asks;
  }
  ++round_.requests;
  if (answer->status != 200) {
    if (answer->status == 404 && question.part != Part::kScopes) {
      Gone(question);
    } else {
      Miss(question.part, "failed_request");
    }
    // Whoever may not read is told so, whatever else was wrong before.
    const bool refused = answer->status == 401 || answer->status == 403;
    if (question.part != Part::kGauges && (refused || !failed_)) failed_ = *std::move(answer);
    return asks;
  }
  switch (question.part) {
    case Part::kScopes:
      TakeScopes(answer->body, asks);
      break;
    case Part::kStreams:
      TakeStreams(question.stream.scope, answer->body, asks);
      break;
    case Part::kScaling:
      TakeScaling(question.stream, answer->body);
      break;
    case Part::kGauges:
      TakeGauges(answer->body);
      break;
  }
  return asks;
}

// 404: a scope or a stream that is not there, or a controller without its metrics page.
void PravegaCollector::Gone(const Question& question) {
  switch (question.part) {
    case Part::kScopes:
      break;
    case Part::kStreams:
      listed_.erase(question.stream.scope);
      break;
    case Part::kScaling:
      Refuse("gone");
      // One that was listed a moment ago has been deleted; one that is asked for by name is missed.
      ++streams_gone_;
      if (const auto scope = listed_.find(question.stream.scope); scope != listed_.end())
        scope->second.erase(question.stream.name);
      if (std::find(chosen_.begin(), chosen_.end(), question.stream) == chosen_.end())
        deleted_.push_back(question.stream);
      break;
    case Part::kGauges:
      round_.success.erase(std::string(NameOf(Part::kGauges)));
      gauges_.clear();
      break;
  }
}

void PravegaCollector::Miss(Part part, std::string_view reason) {
  round_.success[std::string(NameOf(part))] = false;
  Refuse(reason);
  if (part == Part::kGauges) gauges_.clear();
  // What was listed before counts until the next round has listed it again.
  if (part == Part::kScopes || part == Part::kStreams) listed_at_ = 0;
}

void PravegaCollector::Fail(Part part, std::string_view reason, base::Error error) {
  Miss(part, reason);
  if (part != Part::kGauges && !failed_) failed_ = std::move(error);
}

void PravegaCollector::TakeScopes(const std::string& body, std::vector<Ask>& asks) {
  auto scopes = detail::ReadScopes(body, limits_);
  if (!scopes) return Fail(Part::kScopes, "bad_answer", std::move(scopes).error());
  recognised_ = true;
  ++lists_told_;
  Refuse("scopes", scopes->left_out);
  const std::set<std::string> there(scopes->names.begin(), scopes->names.end());
  std::erase_if(listed_, [&](const auto& known) { return !there.contains(known.first); });
  for (const std::string& scope : there) AskForStreams(asks, scope);
}

void PravegaCollector::TakeStreams(const std::string& scope, const std::string& body,
                                   std::vector<Ask>& asks) {
  auto streams = detail::ReadStreams(body, limits_);
  if (!streams) return Fail(Part::kStreams, "bad_answer", std::move(streams).error());
  recognised_ = true;
  ++lists_told_;
  Refuse("streams", streams->left_out);
  listed_[scope] = {std::make_move_iterator(streams->names.begin()),
                    std::make_move_iterator(streams->names.end())};
  AskForScaling(asks);
}

void PravegaCollector::TakeScaling(const PravegaStream& stream, const std::string& body) {
  auto scaling = detail::ReadScaling(body, limits_);
  if (!scaling) return Fail(Part::kScaling, "bad_answer", std::move(scaling).error());
  recognised_ = true;
  ++streams_told_;
  round_.streams[stream] = *scaling;
}

void PravegaCollector::TakeGauges(const std::string& body) {
  auto gauges = detail::ReadGauges(body, limits_);
  if (!gauges) return Fail(Part::kGauges, "bad_answer", std::move(gauges).error());
  if (!gauges->segments.empty()) recognised_ = true;
  Refuse("gauges", gauges->left_out);
  gauges_ = std::move(gauges->segments);
  std::erase_if(gauges_, [&](const auto& gauge) { return !IsChosen(gauge.first); });
}

Collected PravegaCollector::End() {
  if (bad_params_) return {*bad_params_, {}};
  for (const auto& [path, question] : open_) Miss(question.part, "not_answered");
  Refuse("streams", left_out_);
  // Lists and gauges without a single stream are no success: the scrape says what is wrong.
  const std::size_t told = streams_told_ + (recognised_ ? streams_gone_ : 0);
  if ((streams_asked_ > 0 ? told : lists_told_) == 0) {
    auto page =
        failed_
            ? *std::move(failed_)
            : base::Result<Answer>(base::Error{base::Error::Kind::kTimeout, "no answer in time"});
    return {std::move(page), std::move(refused_)};
  }
  for (const PravegaStream& stream : deleted_) round_.streams.erase(stream);
  round_.gauges = gauges_;
  return {Answer{.status = 200,
                 .status_text = "200 OK",
                 .content_type = "text/plain; version=0.0.4",
                 .body = detail::WritePravegaPage(round_)},
          std::move(refused_)};
}

}  // namespace plimsoll::engines
