// SPDX-License-Identifier: Apache-2.0
//
// plimsoll check config|rules|metrics|web-config: says everything that is wrong with a file, and
// runs nothing.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>
#include <string>

#include "app/verbs.h"
#include "app/web_config.h"
#include "app/window.h"
#include "base/format.h"
#include "base/number_text.h"
#include "config/load.h"
#include "exposition/page_parser.h"
#include "ruler/rule_file.h"
#include "signals/evaluator.h"

namespace plimsoll::app {
namespace {

void PrintErrors(const std::vector<base::Error>& errors, std::size_t count) {
  for (const base::Error& error : errors) fmt::print(stderr, "{}\n", error.ToString());
  if (count > errors.size()) fmt::print(stderr, "... and {} more\n", count - errors.size());
}

std::size_t RuleCount(const ruler::RuleSet& rules) {
  std::size_t count = 0;
  for (const auto& file : rules) {
    for (const auto& group : file.groups) count += group.rules.size();
  }
  return count;
}

void PrintWarnings(const ruler::RuleSet& rules) {
  for (const auto& file : rules) {
    for (const std::string& warning : file.warnings) fmt::print(stderr, "warning: {}\n", warning);
  }
}

bool CheckConfig(const std::string& file) {
  auto text = config::SystemFiles().read(file);
  if (!text) return Fail(text.error()) == kGood;
  config::LoadOptions options;
  const auto slash = file.rfind('/');
  options.directory = slash == std::string::npos ? "." : file.substr(0, slash);
  const config::Loaded loaded = config::LoadAll(*text, file, options);
  if (!loaded.config) {
    PrintErrors(loaded.errors, loaded.error_count);
    return false;
  }
  ruler::RuleOptions rule_options;
  rule_options.evaluation_interval = loaded.config->global.evaluation_interval;
  document::Errors errors;
  const auto rules = ruler::LoadRules(loaded.config->rules, rule_options, errors);
  if (!rules) {
    PrintErrors(errors.list(), errors.count());
    return false;
  }
  PrintWarnings(*rules);
  const auto window = WindowOf(*loaded.config, *rules, QueryOptions{}, RunOptions{}.retention);
  if (!window) return Fail(window.error()) == kGood;
  if (auto signals = signals::Evaluator::Make(loaded.config, {}, nullptr); !signals)
    return Fail(signals.error()) == kGood;
  fmt::print("{}: {} scrape jobs, {} rules in {} files, {} signals, {} external metrics\n", file,
             loaded.config->scrape_configs.size(), RuleCount(*rules), rules->size(),
             loaded.config->signals.size(), loaded.config->external_metrics.size());
  fmt::print("{}: window {}, set by {}\n", file, base::FormatDuration(window->length),
             window->set_by);
  return true;
}

bool CheckRules(const std::string& file) {
  auto text = config::SystemFiles().read(file);
  if (!text) return Fail(text.error()) == kGood;
  document::Errors errors;
  ruler::RuleOptions options;
  // What a configuration may say, so that query_offset is not refused for want of it.
  options.evaluation_interval = std::chrono::minutes(1);
  const auto rules = ruler::LoadRules({{file, *text}}, options, errors);
  if (!rules) {
    PrintErrors(errors.list(), errors.count());
    return false;
  }
  PrintWarnings(*rules);
  fmt::print("{}: {} rules\n", file, RuleCount(*rules));
  return true;
}

bool CheckWebConfig(const std::string& file) {
  if (const auto loaded = LoadWebConfig(file); !loaded) {
    fmt::print(stderr, "{}\n", loaded.error().ToString());
    return false;
  }
  fmt::print("{} SUCCESS\n", file);
  return true;
}

// What promtool's linter says of a page; only what cannot be argued about.
bool CheckMetrics() {
  const std::string page((std::istreambuf_iterator<char>(std::cin)),
                         std::istreambuf_iterator<char>());
  const bool open_metrics =
      page.find("\n# EOF") != std::string::npos || page.rfind("# EOF", 0) == 0;
  exposition::PageParser parser(
      page, open_metrics ? exposition::Format::kOpenMetrics : exposition::Format::kText);
  std::set<std::string> helped, typed;
  std::size_t samples = 0;
  bool good = true;
  for (;;) {
    switch (parser.Next()) {
      case exposition::PageParser::Entry::kSample:
        ++samples;
        break;
      case exposition::PageParser::Entry::kHelp:
        helped.emplace(parser.Name());
        break;
      case exposition::PageParser::Entry::kUnit:
        break;
      case exposition::PageParser::Entry::kType: {
        const std::string name(parser.Name());
        if (!typed.insert(name).second) {
          fmt::print(stderr, "{}: TYPE is said twice\n", name);
          good = false;
        }
        const bool total = name.size() > 6 && name.substr(name.size() - 6) == "_total";
        if (!open_metrics && parser.Type() == model::MetricType::kCounter && !total) {
          fmt::print(stderr, "{}: a counter's name should end in _total\n", name);
          good = false;
        }
        if (helped.count(name) == 0) fmt::print(stderr, "{}: no HELP\n", name);
        break;
      }
      case exposition::PageParser::Entry::kError:
        return Fail(parser.error()) == kGood;
      case exposition::PageParser::Entry::kEnd:
        fmt::print("{} samples in {} families\n", samples, typed.size());
        return good;
    }
  }
}

}  // namespace

int Do(const CheckOptions& options) {
  bool good = true;
  switch (options.what) {
    case CheckOptions::What::kConfig:
      for (const std::string& file : options.files) good = CheckConfig(file) && good;
      break;
    case CheckOptions::What::kRules:
      for (const std::string& file : options.files) good = CheckRules(file) && good;
      break;
    case CheckOptions::What::kMetrics:
      good = CheckMetrics();
      break;
    case CheckOptions::What::kWebConfig:
      for (const std::string& file : options.files) good = CheckWebConfig(file) && good;
      break;
  }
  return good ? kGood : kBadInput;
}

}  // namespace plimsoll::app
