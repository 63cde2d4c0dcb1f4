// SPDX-License-Identifier: Apache-2.0
//
// Standard base64, as the -data fields of a kubeconfig and the values of a Secret are written.
//
// Threads: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace plimsoll::kube::detail {

// Line breaks are skipped, as Go's decoder does. Returns: nothing when it is not base64.
std::optional<std::string> DecodeBase64(std::string_view text);
std::string EncodeBase64(std::string_view bytes);

}  // namespace plimsoll::kube::detail
