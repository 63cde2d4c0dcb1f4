// SPDX-License-Identifier: Apache-2.0
//
// Answers as bytes: the bodies of /api/v1/query and /api/v1/query_range.
//
// An answer can be tens of megabytes, most of it numbers and times, so it is appended to one string
// without an intermediate tree. Spellings are those of Prometheus's json codec, byte for byte.
//
// Threads: the functions keep no state.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "eval/value.h"

namespace plimsoll::eval {

// Appends {"status":"success","data":{...}} with warnings and infos when there are any.
// `max_annotations`: of each kind; what is left out is said as Prometheus says it; 0: all.
// `stats`: one JSON value that goes beside the result; "": none.
void AppendAnswer(const Answer& answer, std::size_t max_annotations, std::string& out,
                  std::string_view stats = {});

// Appends {"resultType":...,"result":...}: the data part alone.
void AppendData(const Value& value, std::string& out);

// Appends {"status":"error","errorType":...,"error":...}.
void AppendError(const base::Error& error, std::string& out);

// Returns: "bad_data", "execution", "timeout", "canceled", "internal", ...: errorType of the HTTP
// API.
std::string_view ErrorTypeText(base::Error::Kind kind);

}  // namespace plimsoll::eval
