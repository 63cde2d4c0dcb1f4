// SPDX-License-Identifier: Apache-2.0
//
// Status bodies and the reading of Accept headers.
#include "serve/detail/api_status.h"

#include <algorithm>

#include "base/number_text.h"
#include "document/json.h"

namespace plimsoll::serve {
namespace {

std::string_view ReasonOf(int code) {
  switch (code) {
    case 400:
      return "BadRequest";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 405:
      return "MethodNotAllowed";
    case 406:
      return "NotAcceptable";
    case 413:
      return "RequestEntityTooLarge";
    case 503:
      return "ServiceUnavailable";
    case 504:
      return "Timeout";
    default:
      return code >= 500 ? "InternalError" : "BadRequest";
  }
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string_view TakeUntil(std::string_view& text, char separator) {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return Trim(part);
}

}  // namespace

http::Response ApiStatus(int code, std::string_view message, const StatusDetails& details) {
  http::Response response{.status = code, .content_type = "application/json"};
  document::JsonWriter json(response.body);
  json.Object()
      .Key("kind")
      .String("Status")
      .Key("apiVersion")
      .String("v1")
      .Key("metadata")
      .Object()
      .EndObject();
  json.Key("status").String("Failure").Key("message").String(message).Key("reason").String(
      ReasonOf(code));
  const bool about = !details.name.empty() || !details.group.empty() || !details.kind.empty() ||
                     !details.cause.empty();
  if (about) {
    json.Key("details").Object();
    if (!details.name.empty()) json.Key("name").String(details.name);
    if (!details.group.empty()) json.Key("group").String(details.group);
    if (!details.kind.empty()) json.Key("kind").String(details.kind);
    if (!details.cause.empty()) {
      json.Key("causes").List().Object().Key("reason").String(details.cause).EndObject().EndList();
    }
    json.EndObject();
  }
  json.Key("code").Integer(code).EndObject();
  return response;
}

std::string_view MediaRange::Parameter(std::string_view name) const {
  std::string_view rest = parameters;
  while (!rest.empty()) {
    std::string_view parameter = TakeUntil(rest, ';');
    if (TakeUntil(parameter, '=') == name) return Trim(parameter);
  }
  return {};
}

MediaRange TakeMediaRange(std::string_view& accept) {
  std::string_view element = TakeUntil(accept, ',');
  MediaRange range;
  range.type = TakeUntil(element, ';');
  range.parameters = element;
  if (const std::string_view q = range.Parameter("q"); !q.empty()) {
    range.weight = std::clamp(base::ParseFloat(q).value_or(1), 0.0, 1.0);
  }
  return range;
}

bool AcceptsJson(std::string_view accept) {
  if (accept.empty()) return true;
  while (!accept.empty()) {
    const MediaRange range = TakeMediaRange(accept);
    const bool json =
        range.type == "*/*" || range.type == "application/json" || range.type == "application/*";
    if (json && range.weight > 0 && range.Parameter("as").empty()) return true;
  }
  return false;
}

}  // namespace plimsoll::serve
