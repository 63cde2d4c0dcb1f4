// SPDX-License-Identifier: Apache-2.0
//
// The documents and their negotiation.
#include "serve/detail/discovery.h"

#include "base/format.h"
#include "base/md5.h"
#include "document/json.h"
#include "serve/detail/api_status.h"

namespace plimsoll::serve {
namespace {

constexpr std::string_view kGroup =
    R"("name":"external.metrics.k8s.io","versions":[{"groupVersion":"external.metrics.k8s.io/v1beta1",)"
    R"("version":"v1beta1"}],"preferredVersion":{"groupVersion":"external.metrics.k8s.io/v1beta1",)"
    R"("version":"v1beta1"}})";

std::string Aggregated(std::string_view version) {
  return base::format(
      R"({{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/{}","metadata":{{}},"items":[)"
      R"({{"metadata":{{"name":"external.metrics.k8s.io"}},"versions":[{{"version":"v1beta1",)"
      R"("resources":[{{"resource":"externalmetrics","responseKind":{{"group":"external.metrics.k8s.io",)"
      R"("version":"v1beta1","kind":"ExternalMetricValueList"}},"scope":"Namespaced","singularResource":"",)"
      R"("verbs":["get"]}}],"freshness":"Current"}}]}}]}})",
      version);
}

std::string AggregatedType(std::string_view version) {
  return base::format("application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList",
                      version);
}

bool MatchesTag(std::string_view if_none_match, std::string_view etag) {
  while (!if_none_match.empty()) {
    const std::size_t comma = if_none_match.find(',');
    std::string_view one = if_none_match.substr(0, comma);
    if_none_match =
        comma == std::string_view::npos ? std::string_view() : if_none_match.substr(comma + 1);
    while (!one.empty() && one.front() == ' ') one.remove_prefix(1);
    while (!one.empty() && one.back() == ' ') one.remove_suffix(1);
    if (one.substr(0, 2) == "W/") one.remove_prefix(2);
    if (one == "*" || one == etag) return true;
  }
  return false;
}

}  // namespace

Discovery::Document Discovery::Make(std::string content_type, std::string body) {
  std::string etag = "\"";
  for (const std::uint8_t byte : base::Md5(body)) etag += base::format("{:02X}", byte);
  return {std::move(content_type), std::move(body), etag + '"'};
}

Discovery::Discovery(std::string_view version) {
  groups_ =
      Make("application/json",
           base::format(R"({{"kind":"APIGroupList","apiVersion":"v1","groups":[{{{}]}})", kGroup));
  groups_v2_ = Make(AggregatedType("v2"), Aggregated("v2"));
  groups_v2beta1_ = Make(AggregatedType("v2beta1"), Aggregated("v2beta1"));
  group_ =
      Make("application/json", base::format(R"({{"kind":"APIGroup","apiVersion":"v1",{})", kGroup));
  resources_ = Make(
      "application/json",
      R"({"kind":"APIResourceList","apiVersion":"v1","groupVersion":"external.metrics.k8s.io/v1beta1",)"
      R"("resources":[{"name":"externalmetrics","singularName":"","namespaced":true,)"
      R"("kind":"ExternalMetricValueList","verbs":["get"]}]})");
  std::string openapi = R"({"swagger":"2.0","info":{"title":"plimsoll","version":)";
  document::AppendJsonStringHtml(version, openapi);
  openapi_ = Make("application/json", openapi + R"(},"paths":{}})");
}

http::Response Discovery::Serve(const Document& document, const http::Request& request,
                                bool negotiated) {
  http::Response response{.content_type = document.content_type};
  response.headers.emplace_back("ETag", document.etag);
  response.headers.emplace_back("Cache-Control", "public");
  if (negotiated) response.headers.emplace_back("Vary", "Accept");
  if (MatchesTag(request.Header("If-None-Match"), document.etag)) {
    response.status = 304;
  } else {
    response.body = document.body;
  }
  return response;
}

// The aggregator names v2 and v2beta1 in one header; an equal weight prefers what comes first.
http::Response Discovery::AnswerGroups(const http::Request& request) const {
  std::string_view accept = request.Header("Accept");
  const Document* best = accept.empty() ? &groups_ : nullptr;
  double best_weight = 0;
  while (!accept.empty()) {
    const MediaRange range = TakeMediaRange(accept);
    const bool json =
        range.type == "application/json" || range.type == "application/*" || range.type == "*/*";
    if (!json || range.weight <= best_weight) continue;
    const Document* offered = nullptr;
    if (range.Parameter("as").empty()) {
      offered = &groups_;
    } else if (range.Parameter("as") == "APIGroupDiscoveryList" &&
               range.Parameter("g") == "apidiscovery.k8s.io") {
      if (range.Parameter("v") == "v2") offered = &groups_v2_;
      if (range.Parameter("v") == "v2beta1") offered = &groups_v2beta1_;
    }
    if (offered == nullptr) continue;
    best = offered;
    best_weight = range.weight;
  }
  if (best == nullptr) return ApiStatus(406, "only application/json is served here");
  return Serve(*best, request, true);
}

std::optional<http::Response> Discovery::Answer(std::string_view path,
                                                const http::Request& request) const {
  if (path == "/apis") return AnswerGroups(request);
  const Document* document = nullptr;
  if (path == "/apis/external.metrics.k8s.io") document = &group_;
  if (path == "/apis/external.metrics.k8s.io/v1beta1") document = &resources_;
  if (path == "/openapi/v2") document = &openapi_;
  if (document == nullptr) return std::nullopt;
  if (!AcceptsJson(request.Header("Accept")))
    return ApiStatus(406, "only application/json is served here");
  return Serve(*document, request, false);
}

}  // namespace plimsoll::serve
