// SPDX-License-Identifier: Apache-2.0
//
// Requests as a listener would hand them over, and answers in few words.
#include "integration/whole_path/faces.h"

#include <doctest/doctest.h>

#include <utility>

#include "exposition/page_parser.h"

namespace plimsoll::test {
namespace {

std::string Between(std::string_view text, std::string_view before, std::string_view after) {
  const std::size_t at = text.find(before);
  if (at == std::string_view::npos) return "";
  const std::size_t from = at + before.size();
  return std::string(text.substr(from, text.find(after, from) - from));
}

}  // namespace

Faces::Faces(const std::shared_ptr<const config::Config>& config, base::Time start)
    : path(config, start),
      metrics_(path.snapshot, path.clock, none_),
      prometheus_(path.store, status_, path.clock, nullptr, {}),
      external_(path.snapshot, path.clock, nullptr, {.version = "test"}) {}

http::Response Faces::MetricsPage() const {
  return metrics_.Handle({.path = "/metrics", .raw_path = "/metrics"});
}

http::Response Faces::Query(std::string_view expression) const {
  http::Request request{.path = "/api/v1/query", .raw_path = "/api/v1/query"};
  request.raw_query = "query=" + http::PercentEncode(expression);
  return prometheus_.Handle(request);
}

http::Response Faces::External(std::string_view name, std::string_view name_space,
                               std::string_view selector) const {
  http::Request request;
  request.path = "/apis/external.metrics.k8s.io/v1beta1/namespaces/" + std::string(name_space) +
                 "/" + std::string(name);
  request.raw_path = request.path;
  if (!selector.empty()) request.raw_query = "labelSelector=" + http::PercentEncode(selector);
  request.headers = {
      {"X-Remote-User", "system:serviceaccount:kube-system:horizontal-pod-autoscaler"}};
  request.certificate = std::make_shared<http::ClientCertificate>(http::ClientCertificate{
      .common_name = "front-proxy-client", .trusted_by = {"requestheader"}});
  return external_.Handle(request);
}

Faces::Samples Faces::AllSignals() const {
  const http::Response page = MetricsPage();
  REQUIRE(page.status == 200);
  Samples samples;
  exposition::PageParser parser(page.Body(), exposition::Format::kText);
  for (;;) {
    const auto entry = parser.Next();
    REQUIRE(entry != exposition::PageParser::Entry::kError);
    if (entry == exposition::PageParser::Entry::kEnd) return samples;
    if (entry != exposition::PageParser::Entry::kSample) continue;
    const std::string series(parser.SeriesBytes());
    REQUIRE_MESSAGE(samples.emplace(series, parser.Value()).second,
                    series << " stands there twice");
  }
}

Faces::Samples Faces::Signal(std::string_view name) const {
  Samples found;
  for (const auto& [series, value] : AllSignals()) {
    if (series.substr(0, series.find('{')) == name) found[series.substr(name.size())] = value;
  }
  return found;
}

std::string Faces::Message(std::string_view name, std::string_view name_space,
                           std::string_view selector) const {
  return Between(External(name, name_space, selector).Body(), "\"message\":\"", "\",\"reason\"");
}

std::string Faces::Read(std::string_view name, std::string_view name_space,
                        std::string_view selector) const {
  const http::Response answer = External(name, name_space, selector);
  if (answer.status == 200) return Between(answer.Body(), "\"value\":\"", "\"");
  return std::to_string(answer.status) + " " +
         Between(answer.Body(), "\"causes\":[{\"reason\":\"", "\"");
}

}  // namespace plimsoll::test
