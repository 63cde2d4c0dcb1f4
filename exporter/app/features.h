// SPDX-License-Identifier: Apache-2.0
//
// --enable-feature: the names of Prometheus's feature flags as options of the parser and the
// evaluator. A name that nobody knows is ignored, as Prometheus does.
#pragma once

#include <string>
#include <vector>

#include "eval/engine.h"
#include "promql/parser.h"

namespace plimsoll::app {

promql::ParseOptions ParseOptionsOf(const std::vector<std::string>& features);
eval::Features FeaturesOf(const std::vector<std::string>& features);

}  // namespace plimsoll::app
