// SPDX-License-Identifier: Apache-2.0
//
// From the bytes of a series on a page to its labels.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/family.h"
#include "model/labels.h"

namespace plimsoll::exposition::detail {

// Appends `raw` with \\ \n (and \" when `quotes`) replaced; other escapes stay as they are.
void AppendUnescaped(std::string_view raw, bool quotes, std::string& out);

// Requires: `series` was accepted by the parser.
// Fails with: kBadInput when a label name is given twice; `out` then holds the last value.
base::Result<void> DecodeSeries(std::string_view series, model::MetricType type,
                                model::LabelsBuilder& out);

}  // namespace plimsoll::exposition::detail
