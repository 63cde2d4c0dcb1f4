// SPDX-License-Identifier: Apache-2.0
//
// Bodies of TokenReview and SubjectAccessReview, and the reading of their answers.
//
// An answer that does not say yes in so many words is a no or an error, never a yes.
#include <algorithm>

#include "base/format.h"
#include "kube/api.h"

namespace plimsoll::kube {
namespace {

using document::Json;
using document::JsonWriter;

void WriteTexts(const std::vector<std::string>& texts, JsonWriter& json) {
  json.List();
  for (const std::string& text : texts) json.String(text);
  json.EndList();
}

// Extras grouped by key, as the API has them.
void WriteExtra(const UserInfo& user, JsonWriter& json) {
  std::vector<std::string_view> keys;
  for (const auto& [key, value] : user.extra) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  }
  std::sort(keys.begin(), keys.end());  // so that the order of headers is not another question
  json.Object();
  for (const std::string_view key : keys) {
    json.Key(key).List();
    for (const auto& [each, value] : user.extra) {
      if (each == key) json.String(value);
    }
    json.EndList();
  }
  json.EndObject();
}

const Json* StatusOf(const Json& review, std::string_view kind) {
  if (review.String("kind").value_or("") != kind) return nullptr;
  const Json* status = review.Find("status");
  return status != nullptr && status->is_object() ? status : nullptr;
}

base::Error NoAnswer(std::string_view kind) {
  return {base::Error::Kind::kExecution,
          base::format("the API server's answer is no {} with a status", kind)};
}

base::Result<UserInfo> ReadUser(const Json& status) {
  const auto bad = [](std::string_view what) {
    return base::Error{base::Error::Kind::kExecution,
                       base::format("TokenReview: unexpected {} in status.user", what)};
  };
  const Json* from = status.Find("user");
  if (from == nullptr || from->String("username").value_or("").empty()) return bad("username");
  UserInfo user{.name = std::string(*from->String("username")),
                .uid = std::string(from->String("uid").value_or(""))};
  if (const Json* groups = from->Find("groups"); groups != nullptr && !groups->is_null()) {
    if (!groups->is_list()) return bad("groups");
    for (const Json& group : groups->items) {
      if (group.kind != Json::Kind::kString) return bad("groups");
      user.groups.push_back(group.text);
    }
  }
  if (const Json* extra = from->Find("extra"); extra != nullptr && !extra->is_null()) {
    if (!extra->is_object()) return bad("extra");
    for (const auto& [key, values] : extra->members) {
      if (!values.is_list()) return bad("extra");
      for (const Json& value : values.items) {
        if (value.kind != Json::Kind::kString) return bad("extra");
        user.extra.emplace_back(key, value.text);
      }
    }
  }
  return user;
}

}  // namespace

std::string TokenReviewBody(std::string_view token) {
  std::string body;
  JsonWriter json(body);
  json.Object()
      .Key("kind")
      .String("TokenReview")
      .Key("apiVersion")
      .String("authentication.k8s.io/v1");
  json.Key("spec").Object().Key("token").String(token).EndObject().EndObject();
  return body;
}

base::Result<TokenVerdict> ReadTokenReview(const Json& review) {
  const Json* status = StatusOf(review, "TokenReview");
  if (status == nullptr) return NoAnswer("TokenReview");
  TokenVerdict verdict{.error = std::string(status->String("error").value_or(""))};
  if (!status->Bool("authenticated").value_or(false)) return verdict;
  auto user = ReadUser(*status);
  if (!user) return std::move(user).error();
  verdict.user = *std::move(user);
  verdict.authenticated = true;
  return verdict;
}

std::string AccessReviewBody(const AccessQuestion& question) {
  std::string body;
  JsonWriter json(body);
  json.Object()
      .Key("kind")
      .String("SubjectAccessReview")
      .Key("apiVersion")
      .String("authorization.k8s.io/v1");
  json.Key("spec").Object();
  if (!question.resource.empty()) {
    json.Key("resourceAttributes").Object();
    if (!question.name_space.empty()) json.Key("namespace").String(question.name_space);
    json.Key("verb").String(question.verb).Key("group").String(question.group);
    json.Key("version").String(question.version).Key("resource").String(question.resource);
    json.EndObject();
  } else {
    json.Key("nonResourceAttributes").Object().Key("path").String(question.path);
    json.Key("verb").String(question.verb).EndObject();
  }
  json.Key("user").String(question.user.name);
  if (!question.user.groups.empty()) {
    json.Key("groups");
    WriteTexts(question.user.groups, json);
  }
  if (!question.user.extra.empty()) {
    json.Key("extra");
    WriteExtra(question.user, json);
  }
  if (!question.user.uid.empty()) json.Key("uid").String(question.user.uid);
  json.EndObject().EndObject();
  return body;
}

base::Result<AccessVerdict> ReadAccessReview(const Json& review) {
  const Json* status = StatusOf(review, "SubjectAccessReview");
  if (status == nullptr) return NoAnswer("SubjectAccessReview");
  const bool denied = status->Bool("denied").value_or(false);
  AccessVerdict verdict{.allowed = status->Bool("allowed").value_or(false),
                        .reason = std::string(status->String("reason").value_or(""))};
  if (verdict.allowed && denied) {
    return base::Error{base::Error::Kind::kExecution,
                       "SubjectAccessReview: the answer is both allowed and denied"};
  }
  return verdict;
}

}  // namespace plimsoll::kube
