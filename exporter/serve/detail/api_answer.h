// SPDX-License-Identifier: Apache-2.0
//
// The envelope of the Prometheus HTTP API: success with data and warnings, or an error with its
// type.
//
// Threads: pure functions.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "document/json.h"
#include "http/message.h"
#include "model/labels.h"

namespace plimsoll::serve {

// `data` writes one JSON value.
http::Response ApiSuccess(const std::function<void(document::JsonWriter&)>& data,
                          const std::vector<std::string>& warnings = {});
// The status code follows from the kind, as the server's does.
http::Response ApiError(const base::Error& error);
http::Response ApiError(int code, std::string_view type, std::string_view message);
// For whoever reads samples: to be answered when Querier::Broken() is true at the end, because from
// then on the storage gave nothing, and an answer would leave out series that exist.
base::Error ViewExpired();

void WriteLabels(const model::Labels& labels, document::JsonWriter& json);
// "0001-01-01T00:00:00Z" for zero, as Go writes a time that never was.
void WriteTime(base::Time time, document::JsonWriter& json);

}  // namespace plimsoll::serve
