// SPDX-License-Identifier: Apache-2.0
//
// A file into a validated Config, or every error that is in it.
//
// global, rule_files, scrape_config_files and scrape_configs mean what they mean in Prometheus 3,
// with its defaults and its error texts; what we do not support is refused by name, never ignored.
// Environment variables are expanded in global.external_labels and nowhere else.
//
// Rule files are read here, once, so that a reload swaps rules and configuration together or not at
// all.
//
// Threads: every function may be called from any thread.
// Bounds:  document::YamlLimits for each file; LoadOptions::rule_files.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "promql/parser.h"

namespace plimsoll::config {

// What a load reads. Tests and fuzzers bring their own.
struct Files {
  std::function<base::Result<std::string>(const std::string& path)> read;
  // Returns: the paths that match, sorted; a pattern without a wildcard matches the file of that
  // name.
  std::function<std::vector<std::string>(const std::string& pattern)> glob;
};
// The file system, and for names that begin with "pack:" the files compiled into the binary.
Files SystemFiles();
// Only the packs.
Files PackFilesOnly();

struct LoadOptions {
  std::string directory;  // relative paths are relative to it; Load takes the file's own
  Files files = SystemFiles();
  // Returns: the variable's value, "" when it is not set.
  std::function<std::string(const std::string& name)> environment;  // default: the process's
  std::vector<std::string> collectors = {"exposition", "flink", "pravega",
                                         "spark"};  // what `collector:` may name
  promql::ParseOptions promql;
  std::size_t rule_files = 1000;  // that may be loaded
};

// All that is wrong, in the order of the text.
struct Loaded {
  std::shared_ptr<const Config> config;  // nullptr when there are errors
  std::vector<base::Error> errors;
  std::size_t error_count = 0;  // may exceed the list, which is bounded
};
Loaded LoadAll(std::string_view text, const std::string& name, const LoadOptions& options = {});

// Fails with: the first error; its message has the others on lines of their own.
base::Result<std::shared_ptr<const Config>> LoadText(std::string_view text, const std::string& name,
                                                     const LoadOptions& options = {});
// Fails with: also kNotFound or kUnavailable when the file cannot be read.
base::Result<std::shared_ptr<const Config>> Load(const std::string& path, LoadOptions options = {});

}  // namespace plimsoll::config
