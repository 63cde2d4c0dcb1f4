// SPDX-License-Identifier: Apache-2.0
//
// What to ask of a Spark process, and what becomes of a part that does not answer.
#include "engines/spark.h"

#include <algorithm>
#include <utility>

#include "base/format.h"

namespace plimsoll::engines {
namespace {

using Part = detail::SparkPart;

constexpr std::string_view kApplications = "/api/v1/applications", kState = "/json/";
// How long settings that could not be read are left alone.
constexpr base::Time kAskAgainMs = 60'000;

// The names of SparkRound::success.
std::string_view NameOf(Part part) {
  switch (part) {
    case Part::kApplications:
      return "application";
    case Part::kState:
      return "state";
    case Part::kActiveStages:
    case Part::kPendingStages:
      return "stages";
    case Part::kExecutors:
    case Part::kExecutorsPage:
      return "executors";
    case Part::kEnvironment:
      return "settings";
    case Part::kMetrics:
    case Part::kMetricsPage:
      return "metrics";
  }
  return "";
}

// Spark's web servers answer what they do not know with the page that they have at "/".
bool IsWebPage(const Answer& answer) {
  std::string type = answer.content_type.substr(0, answer.content_type.find(';'));
  for (char& c : type) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  while (type.ends_with(' ')) type.pop_back();
  return type == "text/html" || type == "application/xhtml+xml";
}

// Returns: why an answer cannot be read; "" when it can.
std::string_view WhyUnusable(const base::Result<Answer>& answer) {
  if (!answer) return "failed_request";
  if (answer->status == 404) return "gone";
  if (answer->status != 200) return "failed_request";
  return IsWebPage(*answer) ? "web_page" : "";
}

std::string Describe(std::string_view path, const base::Result<Answer>& answer) {
  if (!answer) return answer.error().ToString();
  if (answer->status == 200 && IsWebPage(*answer))
    return fmt::format("{} answered with a web page ({})", path, answer->content_type);
  return fmt::format("{} answered {}", path, answer->status_text);
}

}  // namespace

void SparkCollector::Refuse(std::string_view reason, std::uint64_t count) {
  if (count == 0) return;
  for (auto& [known, total] : refused_) {
    if (known == reason) {
      total += count;
      return;
    }
  }
  refused_.emplace_back(reason, count);
}

void SparkCollector::Fail(Part part, std::string_view reason) {
  round_.success[std::string(NameOf(part))] = false;
  Refuse(reason);
}

void SparkCollector::Put(std::vector<Ask>& asks, Part part, std::string path) {
  if (!open_.emplace(path, part).second) return;
  asks.push_back({.path = std::move(path)});
}

std::vector<Ask> SparkCollector::Begin(base::Time now) {
  now_ = now;
  round_ = {};
  open_.clear();
  unusable_.clear();
  refused_.clear();
  std::vector<Ask> asks;
  if (role_ != Role::kStandalone) Put(asks, Part::kApplications, std::string(kApplications));
  if (role_ != Role::kDriver) Put(asks, Part::kState, std::string(kState));
  return asks;
}

std::vector<Ask> SparkCollector::Take(const Ask& ask, base::Result<Answer> answer) {
  std::vector<Ask> asks;
  const auto found = open_.find(ask.path);
  if (found == open_.end()) return asks;
  ++round_.requests;
  const Part part = found->second;
  open_.erase(found);
  switch (part) {
    case Part::kApplications:
      TakeApplications(ask, answer, asks);
      break;
    case Part::kState:
      TakeState(answer);
      break;
    case Part::kActiveStages:
    case Part::kPendingStages:
    case Part::kExecutors:
    case Part::kExecutorsPage:
    case Part::kEnvironment:
    case Part::kMetrics:
    case Part::kMetricsPage:
      TakePart(part, answer, asks);
      break;
  }
  return asks;
}

void SparkCollector::TakeApplications(const Ask& ask, const base::Result<Answer>& answer,
                                      std::vector<Ask>& asks) {
  if (!WhyUnusable(answer).empty()) {
    unusable_.emplace(Part::kApplications, answer);
    return;
  }
  auto application = detail::ReadSparkApplications(answer->body, limits_);
  if (!application) {
    unusable_.emplace(Part::kApplications, std::move(application).error());
    return;
  }
  round_.is_driver = true;
  round_.success[std::string(NameOf(Part::kApplications))] = true;
  if (!*application) return;
  round_.application = *std::move(application);
  const std::string& id = round_.application->id;
  if (application_ != id) {
    application_ = id;
    settings_.reset();
    settings_asked_ = 0;
    metrics_page_first_ = false;
  }
  for (const Part part : {Part::kActiveStages, Part::kExecutors, Part::kMetrics})
    round_.success[std::string(NameOf(part))] = true;
  const std::string path = ask.path + "/" + id;
  if (metrics_page_first_) {
    Put(asks, Part::kMetricsPage, "/metrics/prometheus/");
  } else {
    Put(asks, Part::kMetrics, "/metrics/json/");
  }
  Put(asks, Part::kExecutors, path + "/executors");
  Put(asks, Part::kActiveStages, path + "/stages?status=active");
  Put(asks, Part::kPendingStages, path + "/stages?status=pending");
  if (settings_) {
    round_.settings = settings_;
  } else if (settings_asked_ == 0 || now_ - settings_asked_ >= kAskAgainMs ||
             now_ < settings_asked_) {
    settings_asked_ = now_;
    round_.success[std::string(NameOf(Part::kEnvironment))] = true;
    Put(asks, Part::kEnvironment, path + "/environment");
  } else {
    round_.success[std::string(NameOf(Part::kEnvironment))] = false;
  }
}

void SparkCollector::TakeState(const base::Result<Answer>& answer) {
  if (!WhyUnusable(answer).empty()) {
    unusable_.emplace(Part::kState, answer);
    return;
  }
  auto state = detail::ReadSparkState(answer->body, limits_);
  if (!state) {
    unusable_.emplace(Part::kState, std::move(state).error());
    return;
  }
  round_.success[std::string(NameOf(Part::kState))] = true;
  if (auto* master = std::get_if<detail::SparkMaster>(&*state)) {
    if (master->left_out > 0) {
      Refuse("limit", master->left_out);
      round_.success[std::string(NameOf(Part::kState))] = false;
    }
    round_.master = std::move(*master);
  } else {
    round_.worker = std::get<detail::SparkWorker>(*std::move(state));
  }
}

void SparkCollector::TakePart(Part part, const base::Result<Answer>& answer,
                              std::vector<Ask>& asks) {
  if (const auto reason = WhyUnusable(answer); !reason.empty()) return Fall(part, reason, asks);
  // What is cut short is not published: a sum of some executors is a false number.
  const auto keep = [&](auto& into, auto read) {
    if (!read) return Fall(part, "bad_answer", asks);
    if (read->left_out > 0) {
      Fail(part, "limit");
      return;
    }
    into = *std::move(read);
  };
  const auto keep_metrics = [&](auto read) {
    if (!read) return Fall(part, "bad_answer", asks);
    Refuse("limit", read->left_out);
    Refuse("unreadable_line", read->unreadable);
    metrics_page_first_ = part == Part::kMetricsPage;
    round_.metrics = *std::move(read);
  };
  switch (part) {
    case Part::kApplications:
    case Part::kState:
      break;
    case Part::kActiveStages:
      keep(round_.active, detail::ReadSparkStages(answer->body, limits_));
      break;
    case Part::kPendingStages:
      keep(round_.pending, detail::ReadSparkStages(answer->body, limits_));
      break;
    case Part::kExecutors:
      keep(round_.executors, detail::ReadSparkExecutors(answer->body, limits_));
      break;
    case Part::kExecutorsPage:
      keep(round_.executors, detail::ReadSparkExecutorsPage(answer->body, limits_));
      break;
    case Part::kEnvironment:
      if (auto settings = detail::ReadSparkSettings(answer->body, limits_)) {
        round_.settings = settings_ = *std::move(settings);
      } else {
        Fall(part, "bad_answer", asks);
      }
      break;
    case Part::kMetrics:
      keep_metrics(detail::ReadSparkMetrics(answer->body, application_, limits_));
      break;
    case Part::kMetricsPage:
      keep_metrics(detail::ReadSparkMetricsPage(answer->body, application_, limits_));
      break;
  }
}

void SparkCollector::Fall(Part part, std::string_view reason, std::vector<Ask>& asks) {
  if (part == Part::kMetrics) {
    Refuse(reason);
    Put(asks, Part::kMetricsPage, "/metrics/prometheus/");
  } else if (part == Part::kExecutors) {
    Refuse(reason);
    Put(asks, Part::kExecutorsPage, "/metrics/executors/prometheus/");
  } else {
    if (part == Part::kMetricsPage) metrics_page_first_ = false;
    Fail(part, reason);
  }
}

// What says which process this is did not. One answer that says why is better than a guess.
Collected SparkCollector::Failed() {
  role_ = Role::kUnknown;
  for (const auto& [part, answer] : unusable_) {
    // Nobody there, or nobody who lets us in.
    if (!answer && answer.error().kind != base::Error::Kind::kBadInput)
      return {answer, std::move(refused_)};
    if (answer && answer->status != 200 && answer->status != 404)
      return {answer, std::move(refused_)};
  }
  if (unusable_.empty()) {
    return {base::Error{base::Error::Kind::kTimeout,
                        fmt::format("{}: no answer in time", kApplications)},
            std::move(refused_)};
  }
  std::string text;
  for (const auto& [part, answer] : unusable_) {
    if (!text.empty()) text += ", ";
    text += Describe(part == Part::kState ? kState : kApplications, answer);
  }
  return {base::BadInput(text +
                         ": expected JSON from the web port of a Spark driver (4040), a standalone "
                         "master (8080) or a worker (8081)"),
          std::move(refused_)};
}

Collected SparkCollector::End() {
  for (const auto& [path, part] : open_) {
    if (part != Part::kApplications && part != Part::kState) Fail(part, "not_answered");
  }
  if (!round_.is_driver && !round_.master && !round_.worker) return Failed();
  role_ = round_.is_driver ? Role::kDriver : Role::kStandalone;
  if (round_.is_driver) {
    round_.master.reset();
    round_.worker.reset();
    round_.success.erase(std::string(NameOf(Part::kState)));
  }
  return {Answer{.status = 200,
                 .status_text = "200 OK",
                 .content_type = "text/plain; version=0.0.4",
                 .body = detail::WriteSparkPage(round_)},
          std::move(refused_)};
}

}  // namespace plimsoll::engines
