// SPDX-License-Identifier: Apache-2.0
//
// Health, readiness and reload: codes and texts.
#include "serve/health.h"

#include <doctest/doctest.h>

namespace plimsoll::serve {
namespace {

std::string Ask(const Health& health, std::string method, std::string path) {
  const http::Request request{.method = std::move(method), .path = path, .raw_path = path};
  auto answer = health.Answer(request);
  if (!answer) answer = health.AnswerLifecycle(request);
  if (!answer) return "nothing";
  CHECK(answer->content_type == "text/plain; charset=utf-8");
  return std::to_string(answer->status) + " " + answer->body;
}

TEST_CASE("a process that answers is healthy") {
  const Health health({});
  CHECK(Ask(health, "GET", "/-/healthy") == "200 plimsoll is Healthy.\n");
  CHECK(Ask(health, "HEAD", "/-/healthy") == "200 plimsoll is Healthy.\n");
  CHECK(Ask(health, "GET", "/healthz") == "200 ok");
  CHECK(Ask(health, "GET", "/livez") == "200 ok");
  CHECK(Ask(health, "POST", "/healthz") == "405 Method Not Allowed\n");
  CHECK(Ask(health, "GET", "/other") == "nothing");
}

TEST_CASE("ready says why it is not") {
  std::string why = "the API listener has no certificate";
  const Health health({.not_ready = [&] { return why; }});
  CHECK(Ask(health, "GET", "/-/ready") ==
        "503 Service Unavailable: the API listener has no certificate\n");
  CHECK(Ask(health, "GET", "/readyz") ==
        "503 Service Unavailable: the API listener has no certificate\n");
  CHECK(Ask(health, "GET", "/livez") == "200 ok");
  why = "";
  CHECK(Ask(health, "GET", "/-/ready") == "200 plimsoll is Ready.\n");
  CHECK(Ask(health, "GET", "/readyz") == "200 ok");
}

TEST_CASE("reload needs the lifecycle API and a POST or PUT") {
  int reloads = 0;
  const auto reload = [&]() -> base::Result<void> { return ++reloads, base::Result<void>(); };
  const Health closed({.reload = reload});
  CHECK(Ask(closed, "POST", "/-/reload") == "403 Lifecycle API is not enabled.");
  CHECK(Ask(closed, "GET", "/-/reload") == "405 Only POST or PUT requests allowed");
  const Health open({.lifecycle = true, .reload = reload});
  CHECK(Ask(open, "POST", "/-/reload") == "200 ");
  CHECK(Ask(open, "PUT", "/-/reload") == "200 ");
  CHECK(Ask(open, "GET", "/-/reload") == "405 Only POST or PUT requests allowed");
  CHECK(reloads == 2);
}

TEST_CASE("a reload that fails says where") {
  const Health health(
      {.lifecycle = true, .reload = []() -> base::Result<void> {
         return base::BadInput("unknown key \"scrap_configs\"", {"plimsoll.yml", 3, 1});
       }});
  CHECK(Ask(health, "POST", "/-/reload") ==
        "500 failed to reload config: plimsoll.yml:3:1: unknown key \"scrap_configs\"\n");
}

}  // namespace
}  // namespace plimsoll::serve
