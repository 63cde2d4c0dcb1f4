// SPDX-License-Identifier: Apache-2.0
//
// Answers as bytes: the bodies of /api/v1/query and /api/v1/query_range.
//
// An answer can be tens of megabytes, most of it numbers and times, so it is written without an
// intermediate tree, and piece by piece where it can be sent so. Spellings are those of
// Prometheus's json codec, byte for byte.
//
// Threads: the functions keep no state.
#pragma once

#include <cstddef>
#include <memory>
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

// The same, piece by piece: an answer that is sent while it is written need not be held whole. A
// server that cannot send pieces, and compression, hold it whole all the same.
// Requires: `answer` outlives the writer.
class AnswerWriter {
 public:
  AnswerWriter(const Answer& answer, std::size_t max_annotations, std::string_view stats);
  ~AnswerWriter();
  // Appends some 100 KB, or one series that is longer. Returns: whether there is more.
  bool Append(std::string& out);

 private:
  struct Items;
  const Answer& answer_;
  std::size_t max_annotations_;
  std::string stats_;
  std::unique_ptr<Items> items_;  // null: the value is none of many
  std::size_t next_ = 0;          // the item to be written
  bool begun_ = false;
};

// Appends {"status":"error","errorType":...,"error":...}.
void AppendError(const base::Error& error, std::string& out);

// Returns: "bad_data", "execution", "timeout", "canceled", "internal", ...: errorType of the HTTP
// API.
std::string_view ErrorTypeText(base::Error::Kind kind);

}  // namespace plimsoll::eval
