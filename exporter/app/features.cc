// SPDX-License-Identifier: Apache-2.0
//
// See app/features.h.
#include "app/features.h"

#include <algorithm>
#include <string_view>

namespace plimsoll::app {

namespace {

bool Has(const std::vector<std::string>& features, std::string_view name) {
  return std::find(features.begin(), features.end(), name) != features.end();
}

}  // namespace

promql::ParseOptions ParseOptionsOf(const std::vector<std::string>& features) {
  promql::ParseOptions options;
  options.experimental_functions = Has(features, "promql-experimental-functions");
  options.extended_range_selectors = Has(features, "promql-extended-range-selectors");
  options.binop_fill = Has(features, "promql-binop-fill-modifiers");
  return options;
}

eval::Features FeaturesOf(const std::vector<std::string>& features) {
  eval::Features options;
  options.delayed_name_removal = Has(features, "promql-delayed-name-removal");
  return options;
}

}  // namespace plimsoll::app
