// SPDX-License-Identifier: Apache-2.0
//
// Writing the envelope.
#include "serve/detail/api_answer.h"

#include "base/number_text.h"
#include "eval/answer.h"

namespace plimsoll::serve {
namespace {

int CodeOf(base::Error::Kind kind) {
  switch (kind) {
    case base::Error::Kind::kBadInput:
      return 400;
    case base::Error::Kind::kNotFound:
      return 404;
    case base::Error::Kind::kLimit:
      return 422;
    case base::Error::Kind::kTimeout:
      return 503;
    case base::Error::Kind::kCanceled:
      return 499;
    case base::Error::Kind::kUnavailable:
      return 503;
    case base::Error::Kind::kExecution:
      return 422;
    case base::Error::Kind::kInternal:
      return 500;
  }
  return 500;
}

}  // namespace

http::Response ApiSuccess(const std::function<void(document::JsonWriter&)>& data,
                          const std::vector<std::string>& warnings) {
  http::Response response{.content_type = "application/json"};
  document::JsonWriter json(response.body);
  json.Object().Key("status").String("success").Key("data");
  data(json);
  if (!warnings.empty()) {
    json.Key("warnings").List();
    for (const std::string& warning : warnings) json.String(warning);
    json.EndList();
  }
  json.EndObject();
  return response;
}

http::Response ApiError(const base::Error& error) {
  http::Response response{.status = CodeOf(error.kind), .content_type = "application/json"};
  eval::AppendError(error, response.body);
  return response;
}

http::Response ApiError(int code, std::string_view type, std::string_view message) {
  http::Response response{.status = code, .content_type = "application/json"};
  document::JsonWriter json(response.body);
  json.Object()
      .Key("status")
      .String("error")
      .Key("errorType")
      .String(type)
      .Key("error")
      .String(message)
      .EndObject();
  return response;
}

base::Error ViewExpired() {
  return {base::Error::Kind::kInternal, "the query took so long that its samples have expired"};
}

void WriteLabels(const model::Labels& labels, document::JsonWriter& json) {
  json.Object();
  for (const model::Label& label : labels) json.Key(label.name).LabelString(label.value);
  json.EndObject();
}

void WriteTime(base::Time time, document::JsonWriter& json) {
  json.String(time == 0 ? "0001-01-01T00:00:00Z" : base::FormatRfc3339(time));
}

}  // namespace plimsoll::serve
