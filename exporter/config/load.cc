// SPDX-License-Identifier: Apache-2.0
//
// The top level of the file: which sections there are, and the files that it names.
#include "config/load.h"

#include <glob.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <unordered_map>

#include "base/format.h"
#include "base/number_text.h"
#include "config/detail/reading.h"
#include "config/preset.h"

namespace plimsoll::config {

namespace {

using detail::Inherited;
using detail::Reading;
using document::MapReader;
using document::YamlNode;

base::Result<std::string> ReadSystemFile(const std::string& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (std::filesystem::is_directory(path)) errno = EISDIR;
  if (!in || errno == EISDIR) {
    const int code = errno;
    return base::Error{
        code == ENOENT ? base::Error::Kind::kNotFound : base::Error::Kind::kUnavailable,
        fmt::format("cannot read {}: {}", path, std::strerror(code)),
        {path, 0, 0}};
  }
  // One byte more than any document may have, so that a device that never ends is refused and not
  // read.
  const std::size_t most = document::YamlLimits().bytes + 1;
  std::string text(most, '\0');
  in.read(text.data(), static_cast<std::streamsize>(most));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

std::vector<std::string> SystemGlob(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  return paths;
}

bool IsPack(std::string_view path) { return path.starts_with(kPackPrefix); }

// One star in the last part, as in "pack:trino/*.rules.yml".
bool MatchesPattern(std::string_view pattern, std::string_view text) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  const std::string_view head = pattern.substr(0, star), tail = pattern.substr(star + 1);
  return text.size() >= head.size() + tail.size() && text.starts_with(head) &&
         text.ends_with(tail) &&
         text.substr(star, text.size() - head.size() - tail.size()).find('/') ==
             std::string_view::npos;
}

std::vector<std::string> PackGlob(std::string_view pattern) {
  std::vector<std::string> names;
  for (const PackFile& file : PackFiles()) {
    std::string name = std::string(kPackPrefix) + std::string(file.name);
    if (MatchesPattern(pattern, name)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

base::Result<std::string> ReadPackFile(const std::string& name) {
  for (const PackFile& file : PackFiles()) {
    if (name == std::string(kPackPrefix) + std::string(file.name)) return std::string(file.text);
  }
  return base::Error{base::Error::Kind::kNotFound, "no file " + name + " is built in", {}};
}

// Prometheus's ^[^*]*(\*[^/]*)?$: a star only in the last part of the path.
bool IsFilePattern(std::string_view path) {
  const auto star = path.find('*');
  return star == std::string_view::npos || path.find('/', star) == std::string_view::npos;
}

// The paths that the patterns under `key` name, in their order.
std::vector<std::pair<std::string, base::Place>> Expand(MapReader& map, std::string_view key,
                                                        std::string_view what,
                                                        std::vector<std::string>& patterns,
                                                        Reading& reading) {
  std::vector<std::pair<std::string, base::Place>> paths;
  if (!map.Read(key, patterns)) return paths;
  const YamlNode* list = map.Get(key);
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    const base::Place where = list->items[i]->where();
    if (!IsFilePattern(patterns[i])) {
      reading.errors.Add(fmt::format("invalid {} file path {}", what, base::GoQuote(patterns[i])),
                         where);
      continue;
    }
    const bool pack = IsPack(patterns[i]);
    const std::string pattern = pack ? patterns[i] : reading.Resolve(patterns[i]);
    const std::vector<std::string> found =
        pack ? PackGlob(pattern) : reading.options.files.glob(pattern);
    if (found.empty()) {
      std::string text = fmt::format("'{}': no file matches {}", key, base::GoQuote(pattern));
      // A pack is part of the binary: a name that is not there is a mistake, not a file yet to
      // come.
      pack ? reading.errors.Add(std::move(text), where) : reading.Warn(std::move(text), where);
    }
    for (const std::string& path : found) paths.emplace_back(path, where);
  }
  return paths;
}

void ReadRuleFiles(MapReader& map, Config& config, Reading& reading) {
  const auto paths = Expand(map, "rule_files", "rule", config.rule_files, reading);
  if (paths.size() > reading.options.rule_files) {
    reading.errors.Add({base::Error::Kind::kLimit,
                        fmt::format("rule_files name {} files, more than {}", paths.size(),
                                    reading.options.rule_files),
                        map.where("rule_files")});
    return;
  }
  for (const auto& [path, where] : paths) {
    const auto is_known = [&name = path](const RuleFile& known) { return known.name == name; };
    if (std::any_of(config.rules.begin(), config.rules.end(), is_known)) continue;  // named twice
    auto text = IsPack(path) ? ReadPackFile(path) : reading.options.files.read(path);
    if (text) {
      config.rules.push_back({path, *std::move(text)});
    } else {
      reading.errors.Add({text.error().kind, text.error().message, where});
    }
  }
}

void AddScrapeConfigs(const YamlNode* list, const Inherited& inherited, Config& config,
                      Reading& reading) {
  if (list == nullptr) return;
  for (const YamlNode* item : list->items) {
    if (item->kind == YamlNode::Kind::kNull) {
      reading.errors.Add("empty or null scrape config section", item->where());
      continue;
    }
    ScrapeConfig scrape = detail::ReadScrapeConfig(*item, inherited, reading);
    const auto first =
        std::find_if(config.scrape_configs.begin(), config.scrape_configs.end(),
                     [&](const ScrapeConfig& other) { return other.job_name == scrape.job_name; });
    if (first != config.scrape_configs.end() && !scrape.job_name.empty()) {
      reading.errors.Add(
          fmt::format("found multiple scrape configs with job name {}, first found in {}",
                      base::GoQuote(scrape.job_name), first->where.ToString()),
          item->where());
    }
    config.scrape_configs.push_back(std::move(scrape));
  }
}

void ReadScrapeConfigFiles(MapReader& map, const Inherited& inherited, Config& config,
                           Reading& reading) {
  for (const auto& [path, where] :
       Expand(map, "scrape_config_files", "scrape config", config.scrape_config_files, reading)) {
    const auto text = reading.options.files.read(path);
    if (!text) {
      reading.errors.Add({text.error().kind, text.error().message, where});
      continue;
    }
    const auto document = document::ParseYaml(*text, path);
    if (!document) {
      reading.errors.Add(document.error());
      continue;
    }
    const std::string directory = std::filesystem::path(path).parent_path().string();
    Reading inner{*document, reading.errors, reading.warnings, reading.options, directory};
    MapReader file(document->root(), "a scrape config file", reading.errors);
    AddScrapeConfigs(file.List("scrape_configs"), inherited, config, inner);
    file.Finish();
  }
}

void RefuseSections(MapReader& map) {
  const auto refuse = [&](std::string_view section, std::string_view why) {
    map.Refuse(section, fmt::format("section '{}' is not supported by plimsoll: {}", section, why));
  };
  refuse("alerting", "it sends no alerts; let a Prometheus that scrapes it do so");
  refuse("remote_write", "let a Prometheus that scrapes it forward the samples");
  refuse("remote_read", "it answers from its own window");
  refuse("tracing", "it sends no traces");
  refuse("otlp", "it receives no samples, it scrapes");
  refuse("runtime", "it tunes the Go runtime");
}

void ReadOwnSections(MapReader& map, Config& config, Reading& reading) {
  config.params = detail::ReadParams(map.Map("params"), reading);
  config.signals = detail::ReadSignals(map.List("signals"), reading);
  config.external_metrics = detail::ReadExternalMetrics(map.List("external_metrics"), reading);
  config.hub = detail::ReadHub(map.Map("hub"), reading, config.scrape_configs);
  const auto above_zero = [](MapReader& section, std::string_view key, milliseconds& out) {
    if (section.Read(key, out) && out.count() <= 0)
      section.Fail(key, "expected a duration above zero, found 0");
  };
  const auto at_least_one = [](MapReader& section, std::string_view key, std::uint64_t value) {
    if (value == 0) section.Fail(key, "expected more than zero");
  };
  if (const YamlNode* node = map.Map("tick")) {
    MapReader tick(*node, "tick", reading.errors);
    above_zero(tick, "deadline", config.tick_deadline);
    tick.Finish();
  }
  if (const YamlNode* node = map.Map("storage")) {
    MapReader storage(*node, "storage", reading.errors);
    above_zero(storage, "max_window", config.max_window);
    for (const char* key : {"tsdb", "exemplars"}) {
      storage.Refuse(
          key, fmt::format("'storage.{}' is not supported by plimsoll: it keeps a window in memory "
                           "(storage.max_window, limits)",
                           key));
    }
    storage.Finish();
  }
  if (const YamlNode* node = map.Map("limits")) {
    MapReader limits(*node, "limits", reading.errors);
    if (limits.Read("max_series", config.limits.max_series))
      at_least_one(limits, "max_series", config.limits.max_series);
    if (limits.ReadSize("max_bytes", config.limits.max_bytes))
      at_least_one(limits, "max_bytes", config.limits.max_bytes);
    limits.Finish();
  }
}

std::string EnvironmentVariable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

}  // namespace

Files SystemFiles() { return {ReadSystemFile, SystemGlob}; }

Files PackFilesOnly() {
  return {[](const std::string& path) -> base::Result<std::string> {
            return base::Error{base::Error::Kind::kNotFound, "cannot read " + path, {path, 0, 0}};
          },
          [](const std::string&) { return std::vector<std::string>(); }};
}

Loaded LoadAll(std::string_view text, const std::string& name, const LoadOptions& given) {
  Loaded loaded;
  LoadOptions options = given;
  if (!options.environment) options.environment = EnvironmentVariable;
  const auto document = document::ParseYaml(text, name);
  if (!document) {
    loaded.errors.push_back(document.error());
    loaded.error_count = 1;
    return loaded;
  }
  auto config = std::make_shared<Config>();
  config->file = name;
  document::Errors errors;
  Reading reading{*document, errors, config->warnings, options, options.directory};
  MapReader map(document->root(), "the configuration", errors);
  RefuseSections(map);
  const Inherited inherited = detail::ReadGlobal(map.Map("global"), reading);
  config->global = inherited.global;
  ReadRuleFiles(map, *config, reading);
  AddScrapeConfigs(map.List("scrape_configs"), inherited, *config, reading);
  ReadScrapeConfigFiles(map, inherited, *config, reading);
  ReadOwnSections(map, *config, reading);
  map.Finish();
  loaded.errors = errors.list();
  loaded.error_count = errors.count();
  if (errors.empty()) loaded.config = std::move(config);
  return loaded;
}

base::Result<std::shared_ptr<const Config>> LoadText(std::string_view text, const std::string& name,
                                                     const LoadOptions& options) {
  Loaded loaded = LoadAll(text, name, options);
  if (loaded.config != nullptr) return std::move(loaded.config);
  base::Error error = loaded.errors.front();
  for (std::size_t i = 1; i < loaded.errors.size(); ++i)
    error.message += "\n" + loaded.errors[i].ToString();
  if (loaded.error_count > loaded.errors.size()) {
    error.message += fmt::format("\nand {} more", loaded.error_count - loaded.errors.size());
  }
  return error;
}

base::Result<std::shared_ptr<const Config>> Load(const std::string& path, LoadOptions options) {
  auto text = options.files.read(path);
  if (!text) return std::move(text).error();
  options.directory = std::filesystem::path(path).parent_path().string();
  return LoadText(*text, path, options);
}

}  // namespace plimsoll::config
