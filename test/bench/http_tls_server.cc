// SPDX-License-Identifier: Apache-2.0
//
// The Beast server with a handler that only answers: the floor under every HPA read.
//
// usage: http_tls_server ADDRESS CERTIFICATE KEY CLIENT_CA   (runs until standard input ends)
//
// An external load generator measures it, because what counts is the CPU time of the server process
// alone. test/bench/README.md has the question, the command and the numbers.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "http/server.h"
#include "telemetry/telemetry.h"

namespace {

std::string ReadAll(const char* file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

int main(int argc, char** argv) {
  using namespace plimsoll;
  if (argc != 5)
    return std::fprintf(stderr, "usage: http_tls_server ADDRESS CERTIFICATE KEY CLIENT_CA\n"), 2;
  telemetry::Telemetry telemetry;
  const std::string body =
      R"({"kind":"ExternalMetricValueList","apiVersion":"external.metrics.k8s.io/v1beta1","metadata":{},"items":[{"metricName":"plimsoll_queued","metricLabels":{},"timestamp":"2026-01-01T00:00:00Z","value":"7"}]})";
  const auto server = http::NewTlsServer(
      {.listener = "bench", .address = argv[1]},
      {.certificate_pem = ReadAll(argv[2]),
       .key_pem = ReadAll(argv[3]),
       .trust_pools = {{"requestheader", ReadAll(argv[4])}}},
      [&](const http::Request& request) {
        const bool trusted = request.certificate && !request.certificate->trusted_by.empty();
        if (!trusted)
          return http::Response{.status = 401, .content_type = "application/json", .body = "{}"};
        return http::Response{.content_type = "application/json", .body = body};
      },
      &telemetry);
  if (auto started = server->Start(); !started)
    return std::fprintf(stderr, "%s\n", started.error().ToString().c_str()), 1;
  std::printf("%u\n", server->port());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  server->Stop(std::chrono::seconds(1));
  return 0;
}
