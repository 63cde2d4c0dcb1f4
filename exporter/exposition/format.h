// SPDX-License-Identifier: Apache-2.0
//
// The two grammars that exposition pages are written in.
//
// Text 0.0.4 and 1.0.0 are one grammar here, and OpenMetrics 0.0.1 and 1.0.0 another: like
// Prometheus, the parser does not look at the version.
#pragma once

namespace plimsoll::exposition {

enum class Format { kText, kOpenMetrics };

}  // namespace plimsoll::exposition
