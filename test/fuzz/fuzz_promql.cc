// SPDX-License-Identifier: Apache-2.0
//
// A query that parses prints as text that parses to an equal tree, on one line and on several, and
// printing is then stable.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "promql/parser.h"
#include "promql/prettify.h"
#include "promql/print.h"
#include "promql/reach.h"
#include "promql/walk.h"

namespace {

using namespace plimsoll;  // NOLINT: a harness

[[noreturn]] void Broken(const char* what, std::string_view query, std::string_view printed) {
  std::fprintf(stderr, "%s\n  query:   %.*s\n  printed: %.*s\n", what,
               static_cast<int>(query.size()), query.data(), static_cast<int>(printed.size()),
               printed.data());
  std::abort();
}

// Beyond this many milliseconds a double cannot tell neighbours apart, so `@` does not read back.
bool IsUnreadable(const std::optional<promql::AtModifier>& at) {
  return at && std::abs(static_cast<double>(at->time)) > 0x1p53;
}

// A duration is read as seconds in a double and cut to milliseconds, as in Prometheus: beyond 2^23
// seconds the cut may take a millisecond that was meant.
bool IsUnreadable(const promql::Duration& duration) {
  return std::abs(static_cast<double>(duration.milliseconds)) > 0x1p23 * 1000;
}

bool HasUnreadableTime(const promql::Expr& expr) {
  bool found = false;
  if (const auto* selector = std::get_if<promql::VectorSelector>(&expr.node)) {
    found = IsUnreadable(selector->at) || IsUnreadable(selector->offset);
  } else if (const auto* matrix = std::get_if<promql::MatrixSelector>(&expr.node)) {
    found = IsUnreadable(matrix->range);
  } else if (const auto* subquery = std::get_if<promql::Subquery>(&expr.node)) {
    found = IsUnreadable(subquery->at) || IsUnreadable(subquery->range) ||
            IsUnreadable(subquery->step) || IsUnreadable(subquery->offset);
  }
  promql::ForEachChild(
      expr, [&found](const promql::Expr& child) { found = found || HasUnreadableTime(child); });
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view query(reinterpret_cast<const char*>(data), size);
  promql::ParseOptions options;
  options.experimental_functions = options.extended_range_selectors = options.binop_fill = true;
  (void)promql::ParseSelector(query);
  const auto first = promql::Parse(query, options);
  if (!first || HasUnreadableTime(**first)) return 0;
  (void)promql::ReachOf(**first, std::chrono::minutes(5), std::chrono::minutes(1));
  if (!promql::Equal(**first, *promql::Clone(**first))) Broken("a copy differs", query, "");
  const std::string printed = promql::Print(**first);
  const auto second = promql::Parse(printed, options);
  if (!second) Broken(second.error().message.c_str(), query, printed);
  if (!promql::Equal(**first, **second)) Broken("the trees differ", query, printed);
  if (promql::Print(**second) != printed) Broken("printing is not stable", query, printed);
  const std::string pretty = promql::Prettify(**first);
  const auto third = promql::Parse(pretty, options);
  if (!third) Broken(third.error().message.c_str(), query, pretty);
  if (!promql::Equal(**first, **third)) Broken("the pretty tree differs", query, pretty);
  return 0;
}
