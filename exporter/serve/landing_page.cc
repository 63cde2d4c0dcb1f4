// SPDX-License-Identifier: Apache-2.0
//
// Rendering of the page at "/".
#include "serve/landing_page.h"

#include "base/format.h"
#include "base/number_text.h"
#include "signals/resolve.h"

namespace plimsoll::serve {
namespace {

constexpr std::string_view kHead =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta "
    "charset=\"utf-8\"><title>plimsoll</title><style>"
    "body{font-family:sans-serif;margin:2em auto;max-width:70em;padding:0 1em}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3em .8em;"
    "border-bottom:1px solid #ccc;vertical-align:top}.error{color:#a00}.held,.fallback{color:#a60}"
    "</style></head><body>\n<h1>plimsoll</h1>\n";

struct Link {
  std::string_view path;
  std::string_view text;
};
constexpr Link kLinks[] = {
    {"/metrics", "signals and telemetry for Prometheus"},
    {"/api/v1/query?query=up", "the query API"},
    {"/api/v1/targets", "targets"},
    {"/api/v1/rules", "rules"},
    {"/-/ready", "readiness"},
};

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string Row(std::string_view name_space, const signals::Metric& metric,
                const signals::Outcome& outcome) {
  std::string value, state, age;
  if (const auto* served = std::get_if<signals::Served>(&outcome)) {
    value = served->quantity;
    state = signals::StateText(served->state);
    age = base::FormatDuration(std::chrono::floor<std::chrono::seconds>(served->age));
  } else {
    const auto& failure = std::get<signals::Failure>(outcome);
    value = Escaped(failure.message);
    state = "error";
  }
  return base::format(
      "<tr><td>{}</td><td>{}</td><td "
      "class=\"{}\">{}</td><td>{}</td><td>{}</td><td><code>{}</code></td></tr>\n",
      Escaped(name_space), Escaped(metric.policy->name), state, state, value, age,
      Escaped(metric.policy->query));
}

}  // namespace

http::Response LandingPage::Handle(const http::Request& request) const {
  http::Response response{.content_type = "text/html; charset=utf-8"};
  response.headers.emplace_back("Content-Security-Policy",
                                "default-src 'none'; style-src 'unsafe-inline'");
  std::string& body = response.body;
  body += kHead;
  body += base::format("<p>Version {}.</p>\n<ul>\n", Escaped(version_));
  for (const Link& link : kLinks) {
    body += base::format("<li><a href=\"{}\">{}</a></li>\n", link.path, link.text);
  }
  body +=
      "</ul>\n<h2>External "
      "metrics</h2>\n<table>\n<tr><th>Namespace</th><th>Metric</th><th>State</th>"
      "<th>Value</th><th>Age</th><th>Query</th></tr>\n";
  if (const auto snapshot = snapshot_.Get()) {
    const signals::Moment now = signals::Moment::Of(clock_);
    for (const signals::Metric& metric : snapshot->metrics) {
      for (const std::string& name_space : metric.namespaces) {
        body +=
            Row(name_space, metric, signals::Resolve(*snapshot, metric, name_space, nullptr, now));
      }
    }
  }
  body += "</table>\n</body></html>\n";
  http::CompressIfAccepted(request, response);
  return response;
}

}  // namespace plimsoll::serve
