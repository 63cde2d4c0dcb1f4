// SPDX-License-Identifier: Apache-2.0
//
// Labels to a policy. Every value is checked as the configuration's is, because a page is somebody
// else's word: what could serve a false zero, or a value that an HPA misreads, is refused.
#include "config/policy.h"

#include <algorithm>

#include "base/format.h"
#include "base/number_text.h"
#include "hub/travel.h"

namespace plimsoll::hub {
namespace {

using config::ExternalMetric;

constexpr std::chrono::hours kMostAge{24 * 365};

// Reads labels one by one; the first bad one is kept.
class Reader {
 public:
  explicit Reader(const model::Labels& labels) : labels_(labels) {}

  std::string_view Text(std::string_view name) const { return labels_.Get(name); }

  std::optional<double> Number(std::string_view name) {
    const std::string_view text = Text(name);
    if (text.empty()) return std::nullopt;
    const auto number = base::ParseFloat(text);
    if (number && config::IsQuantity(*number)) return number;
    Fail(name, "a number that an HPA can be told");
    return std::nullopt;
  }

  std::chrono::milliseconds Duration(std::string_view name) {
    const std::string_view text = Text(name);
    if (text.empty()) return std::chrono::milliseconds(0);
    const auto duration = base::ParseDuration(text);
    if (duration && *duration <= kMostAge) return *duration;
    Fail(name, "a duration");
    return std::chrono::milliseconds(0);
  }

  template <typename E, std::size_t N>
  void Word(std::string_view name, const std::array<config::Words<E>, N>& words, E& out) {
    if (const auto meaning = config::MeaningOf(words, Text(name))) {
      out = *meaning;
    } else {
      Fail(name, "one of " + config::ListOf(words));
    }
  }

  void Fail(std::string_view name, std::string_view expected) {
    if (!error_.empty()) return;
    error_ =
        base::format("label {}: expected {}, found {}", name, expected, base::GoQuote(Text(name)));
  }
  const std::string& error() const { return error_; }

 private:
  const model::Labels& labels_;
  std::string error_;
};

void ReadNamespaces(Reader& read, std::vector<std::string>& out) {
  std::string_view rest = read.Text("namespaces");
  while (!rest.empty()) {
    const std::string_view name = rest.substr(0, rest.find(','));
    if (name != "*" && !config::IsNamespaceName(name)) read.Fail("namespaces", "namespaces");
    out.emplace_back(name);
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
  }
  if (out.size() > 1 && std::find(out.begin(), out.end(), "*") != out.end())
    read.Fail("namespaces", "\"*\" alone, or names");
}

}  // namespace

base::Result<Policy> ReadPolicy(const model::Labels& labels) {
  auto policy = std::make_shared<ExternalMetric>();
  Reader read(labels);
  policy->name = read.Text("metric");
  if (const auto problem = config::ExternalMetricNameProblem(policy->name); !problem.empty())
    return base::BadInput("label metric: " + problem);
  read.Word("type", config::kMetricTypes, policy->type);
  read.Word("several", config::kSeveral, policy->several);
  read.Word("round", config::kRound, policy->round);
  policy->max_age = read.Duration("max_age");
  policy->hold = read.Duration("hold");
  if (const auto then = read.Number("then"))
    policy->then = ExternalMetric::Fallback{*then, read.Text("then_exactly") == "true"};
  policy->when_empty = read.Number("when_empty");
  policy->valid_min = read.Number("valid_min").value_or(policy->valid_min);
  policy->valid_max = read.Number("valid_max").value_or(policy->valid_max);
  policy->clamp_min = read.Number("clamp_min");
  policy->clamp_max = read.Number("clamp_max");
  ReadNamespaces(read, policy->namespaces);
  Policy out;
  const auto window = read.Number("window").value_or(0);
  if (window < 0 || std::chrono::duration<double>(window) > kMostAge)
    read.Fail("window", "seconds");
  if (!read.error().empty()) return base::BadInput(read.error());
  if (const auto problems = config::PolicyProblems(*policy); !problems.empty())
    return base::BadInput(base::format("{}: {}", problems.front().key, problems.front().text));
  out.window = std::chrono::seconds(static_cast<std::int64_t>(window));
  out.reads_scraped = read.Text("reads") != "nothing";
  out.metric = std::move(policy);
  return out;
}

}  // namespace plimsoll::hub
