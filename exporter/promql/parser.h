// SPDX-License-Identifier: Apache-2.0
//
// Text to typed tree.
//
// Threads: Parse may be called from any thread.
// Bounds:  ParseOptions::max_depth keeps a hostile query from exhausting the stack.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "promql/ast.h"

namespace plimsoll::promql {

// What Prometheus hides behind --enable-feature. All off, as in the server.
struct ParseOptions {
  bool experimental_functions = false;
  bool extended_range_selectors = false;  // anchored, smoothed
  bool binop_fill = false;                // fill, fill_left, fill_right
  int max_depth = 500;
};

// Fails with: kBadInput; message is Prometheus's, with its position in front, exactly as the server
// prints it: "1:5: parse error: unexpected end of input".
base::Result<ExprPtr> Parse(std::string_view query, const ParseOptions& options = {});

// A selector alone, as in match[] parameters. Fails like Parse.
base::Result<model::Matchers> ParseSelector(std::string_view text);

// Line and column of a byte offset, both from one; columns count bytes as Prometheus's do.
std::string PositionText(std::string_view query, std::int32_t offset);

}  // namespace plimsoll::promql
