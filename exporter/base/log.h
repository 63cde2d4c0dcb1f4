// SPDX-License-Identifier: Apache-2.0
//
// Lines for the operator, on standard error: logfmt, one line per event.
//
// Secrets are never passed to this door. What happens on every request or scrape is a metric, not a
// line; what repeats is logged when it starts and when it ends.
//
// Threads: every function may be called from any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/format.h"
#include "base/result.h"

namespace plimsoll::base {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

// Fails with: kBadInput if `name` is none of debug, info, warn, error.
Result<LogLevel> ParseLogLevel(std::string_view name);
void SetLogLevel(LogLevel level);
void LogLine(LogLevel level, std::string_view line);
bool LogEnabled(LogLevel level);

template <typename... Args>
void LogDebug(fmt::format_string<Args...> text, Args&&... args) {
  if (LogEnabled(LogLevel::kDebug))
    LogLine(LogLevel::kDebug, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void LogInfo(fmt::format_string<Args...> text, Args&&... args) {
  if (LogEnabled(LogLevel::kInfo))
    LogLine(LogLevel::kInfo, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void LogWarn(fmt::format_string<Args...> text, Args&&... args) {
  if (LogEnabled(LogLevel::kWarn))
    LogLine(LogLevel::kWarn, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void LogError(fmt::format_string<Args...> text, Args&&... args) {
  LogLine(LogLevel::kError, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace plimsoll::base
