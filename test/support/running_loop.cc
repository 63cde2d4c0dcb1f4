// SPDX-License-Identifier: Apache-2.0
//
// The wiring of app/instance.cc, with a fake clock and fake targets.
#include "support/running_loop.h"

#include <algorithm>
#include <utility>

#include "config/load.h"
#include "config/preset.h"
#include "ruler/dependencies.h"
#include "ruler/rule_file.h"
#include "support/error_text.h"

namespace plimsoll::test {

std::shared_ptr<const config::Config> ConfigOf(std::string_view text, std::string_view rules) {
  config::LoadOptions options;
  const config::Files packs = config::PackFilesOnly();
  options.files.read =
      [packs, rules = std::string(rules)](const std::string& path) -> base::Result<std::string> {
    if (path.starts_with(config::kPackPrefix)) return packs.read(path);
    return rules;
  };
  options.files.glob = [packs](const std::string& pattern) {
    if (pattern.starts_with(config::kPackPrefix)) return packs.glob(pattern);
    return std::vector<std::string>{pattern};
  };
  auto config = config::LoadText(text, "test.yml", options);
  REQUIRE_MESSAGE(config.has_value(), ErrorText(config));
  return *std::move(config);
}

std::shared_ptr<const config::Config> PresetOf(const std::string& engine,
                                               const std::string& target) {
  const auto preset = config::FromPreset(engine, target);
  REQUIRE_MESSAGE(preset.has_value(), ErrorText(preset));
  return preset->config;
}

RunningLoop::RunningLoop(const std::shared_ptr<const config::Config>& config, base::Time start)
    : clock(start), store({}, &telemetry), loop({&clock, &store, &snapshot, &telemetry}) {
  tick::Plan plan = PlanOf(config);
  if (!plan.jobs.empty())
    clock.Advance(std::chrono::milliseconds(plan.jobs.front()->NextSlot(start - 1) - start));
  loop.Use(std::move(plan), clock.Now());
}

tick::Plan RunningLoop::PlanOf(const std::shared_ptr<const config::Config>& config) {
  ruler::RuleOptions rule_options;
  rule_options.evaluation_interval = config->global.evaluation_interval;
  const auto rules = ruler::LoadRules(config->rules, rule_options);
  REQUIRE_MESSAGE(rules.has_value(), ErrorText(rules));

  tick::Plan plan;
  plan.config = config;
  document::Errors errors;
  plan.window = std::max(plan.window, std::chrono::duration_cast<std::chrono::milliseconds>(
                                          ruler::RequiredWindow(*rules, {}, errors).reach));
  REQUIRE(errors.empty());

  ruler::Ruler::Options ruler_options;
  ruler_options.clock = &clock;
  ruler_options.evaluation_interval = config->global.evaluation_interval;
  plan.ruler = std::make_shared<ruler::Ruler>(*rules, ruler_options, clock.Now(), &telemetry);

  const auto dependencies = std::make_shared<const ruler::Dependencies>(*rules);
  signals::Evaluator::Options signal_options;
  signal_options.reads_scraped = [dependencies](const promql::Expr& expr) {
    return dependencies->ReadsScraped(expr);
  };
  auto evaluator = signals::Evaluator::Make(config, signal_options, &telemetry);
  REQUIRE_MESSAGE(evaluator.has_value(), ErrorText(evaluator));
  plan.signals = *std::move(evaluator);
  if (!config->hub.jobs.empty()) {
    hub::Hub::Options hub_options{.config = config->hub};
    hub_options.ours = [own = plan.signals](std::string_view name_space, std::string_view name) {
      return own->Owns(name_space, name);
    };
    plan.hub = std::make_shared<hub::Hub>(std::move(hub_options), &telemetry);
  }

  for (const config::ScrapeConfig& job : config->scrape_configs) {
    scrape::JobScraper::Options job_options;
    job_options.config = std::shared_ptr<const config::ScrapeConfig>(config, &job);
    job_options.external_labels = config->global.external_labels;
    plan.jobs.push_back(std::make_shared<scrape::JobScraper>(std::move(job_options), targets,
                                                             &telemetry, [this] { ++wakes; }));
  }
  return plan;
}

void RunningLoop::Run(std::chrono::milliseconds duration) {
  const base::Time end = clock.Now() + duration.count();
  for (;;) {
    const base::Time due = Step();
    const base::Time now = clock.Now();
    if (now >= end) return;
    clock.Advance(std::chrono::milliseconds(std::min(end, std::max(due, now + 1)) - now));
  }
}

std::optional<model::Sample> RunningLoop::Newest(std::string_view name, std::string_view label,
                                                 std::string_view value) const {
  model::Matchers matchers = {
      model::Matcher::Equal(std::string(model::kMetricName), std::string(name))};
  if (!label.empty())
    matchers.push_back(model::Matcher::Equal(std::string(label), std::string(value)));
  const base::Time now = clock.Now();
  const base::Time oldest = now - 5 * 60 * 1000 + 1;
  const auto querier = store.Open();
  std::optional<model::Sample> newest;
  for (const auto& series : querier->Select(matchers, oldest, now)) {
    const auto latest = querier->ReadLatest(series.ref, oldest, now);
    if (!latest || model::IsStaleNaN(latest->sample.value)) continue;
    REQUIRE_FALSE(newest.has_value());
    newest = latest->sample;
  }
  return newest;
}

}  // namespace plimsoll::test
