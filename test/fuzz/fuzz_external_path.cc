// SPDX-License-Identifier: Apache-2.0
//
// Whatever is asked of the external metrics face, the answer has a Content-Type and no Retry-After,
// an error is a Status with words, and a 200 is JSON.
//
// Input, by line: target; method and certificate (p proxy, c client, u untrusted, - none); then
// headers.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "document/json.h"
#include "serve/external_metrics.h"
#include "serve/health.h"
#include "support/fake_clock.h"

namespace {

using namespace plimsoll;  // NOLINT: a harness

std::string_view TakeLine(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

std::shared_ptr<const http::ClientCertificate> CertificateOf(char kind) {
  switch (kind) {
    case 'p':
      return std::make_shared<http::ClientCertificate>(
          http::ClientCertificate{.common_name = "proxy", .trusted_by = {"requestheader"}});
    case 'c':
      return std::make_shared<http::ClientCertificate>(http::ClientCertificate{
          .common_name = "admin", .organizations = {"system:masters"}, .trusted_by = {"client"}});
    case 'u':
      return std::make_shared<http::ClientCertificate>(
          http::ClientCertificate{.common_name = "proxy", .problem = "self-signed"});
    default:
      return nullptr;
  }
}

http::Request RequestOf(std::string_view text) {
  http::Request request;
  const std::string_view target = TakeLine(text);
  request.raw_path = target.substr(0, target.find('?'));
  request.path = http::PercentDecode(request.raw_path, false);
  if (target.size() > request.raw_path.size())
    request.raw_query = target.substr(request.raw_path.size() + 1);
  const std::string_view how = TakeLine(text);
  request.method = how.substr(0, how.find(' '));
  request.certificate = CertificateOf(how.empty() ? '-' : how.back());
  while (!text.empty()) {
    const std::string_view line = TakeLine(text);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    request.headers.emplace_back(line.substr(0, colon),
                                 line.substr(std::min(line.size(), colon + 2)));
  }
  return request;
}

struct Face {
  test::FakeClock clock{1'767'225'600'000};
  base::Published<signals::Snapshot> snapshot;
  serve::ExternalMetricsApi api{snapshot, clock, nullptr, {}};
  serve::Health health{{}};

  Face() {
    auto next = std::make_shared<signals::Snapshot>();
    signals::Metric metric;
    metric.policy =
        std::make_shared<config::ExternalMetric>(config::ExternalMetric{.name = "trino-queued"});
    metric.namespaces = {"*"};
    metric.evaluated = signals::Moment::Of(clock);
    for (const char* cluster : {"a", "b"}) {
      metric.entries.push_back({.labels = model::Labels{{"cluster", cluster}},
                                .present = true,
                                .value = 1.5,
                                .source = metric.evaluated,
                                .seen = metric.evaluated,
                                .last_good = {}});
    }
    next->metrics = {std::move(metric)};
    next->BuildIndex();
    snapshot.Publish(next);
  }
};

[[noreturn]] void Broken(const char* what, const http::Response& response) {
  std::fprintf(stderr, "%s: %d %s\n%s\n", what, response.status, response.content_type.c_str(),
               std::string(response.Body()).c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Face face;
  const http::Request request = RequestOf({reinterpret_cast<const char*>(data), size});
  const http::Response response = face.api.Handle(
      request, [](const http::Request& asked) { return face.health.Answer(asked); });
  if (response.content_type.empty()) Broken("no Content-Type", response);
  for (const auto& [name, value] : response.headers) {
    if (name == "Retry-After") Broken("Retry-After", response);
  }
  if (response.content_type == "text/plain; charset=utf-8") return 0;
  if (response.status == 304) return 0;
  const auto json = document::ParseJson(response.Body());
  if (!json) Broken(json.error().message.c_str(), response);
  if (response.status == 200) return 0;
  if (json->String("kind") != "Status" || json->String("message").value_or("").empty()) {
    Broken("an error without words", response);
  }
  if (json->Integer("code") != response.status) Broken("two codes", response);
  return 0;
}
