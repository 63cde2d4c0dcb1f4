// SPDX-License-Identifier: Apache-2.0
#include "exposition/content_type.h"

#include <doctest/doctest.h>

using namespace plimsoll;
using config::ScrapeProtocol;
using exposition::AcceptHeader;
using exposition::Format;
using exposition::FormatOfPage;
using exposition::NegotiateOutput;

namespace {

std::string Refusal(std::string_view content_type) {
  const auto read = FormatOfPage(content_type, std::nullopt);
  return read ? "accepted" : read.error().message;
}

}  // namespace

TEST_CASE("the media type alone names the format") {
  CHECK(FormatOfPage("text/plain", {})->format == Format::kText);
  CHECK(FormatOfPage("text/plain; version=0.0.4; charset=utf-8", {})->format == Format::kText);
  CHECK(FormatOfPage("Text/Plain;", {})->format == Format::kText);
  CHECK(FormatOfPage("application/openmetrics-text;charset=utf-8;version=1.0.0", {})->format ==
        Format::kOpenMetrics);
  CHECK(FormatOfPage("application/openmetrics-text", {})->format == Format::kOpenMetrics);
  CHECK(FormatOfPage("text/plain; version=\"1.0.0\"", {})->format == Format::kText);
}

TEST_CASE("without a usable type the error names the option that helps") {
  CHECK(Refusal("") ==
        "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol "
        "specified for target");
  CHECK(Refusal("text/html; charset=utf-8") ==
        "received unsupported Content-Type \"text/html; charset=utf-8\" and no "
        "fallback_scrape_protocol specified for target");
  CHECK(Refusal("application/openmetrics-text; version=2.0.0") ==
        "received unsupported Content-Type \"application/openmetrics-text; version=2.0.0\" and no "
        "fallback_scrape_protocol "
        "specified for target");
  CHECK(Refusal("text/") ==
        "cannot parse Content-Type \"text/\" (mime: expected token after slash) and no "
        "fallback_scrape_protocol for target");
  CHECK(Refusal("text plain") ==
        "cannot parse Content-Type \"text plain\" (mime: expected slash after first token) and no "
        "fallback_scrape_protocol for target");
  CHECK(Refusal("text/plain; version") ==
        "cannot parse Content-Type \"text/plain; version\" (mime: invalid media parameter) and no "
        "fallback_scrape_protocol for target");
  CHECK(Refusal("text/plain; a=1; a=2") ==
        "cannot parse Content-Type \"text/plain; a=1; a=2\" (mime: duplicate parameter name) and "
        "no fallback_scrape_protocol for target");
}

TEST_CASE("the fallback is used with a warning, and only where it is needed") {
  const auto blank = FormatOfPage("", ScrapeProtocol::kOpenMetrics0_0_1);
  REQUIRE(blank);
  CHECK(blank->format == Format::kOpenMetrics);
  CHECK(blank->warning ==
        "non-compliant scrape target sending blank Content-Type, using fallback_scrape_protocol "
        "\"application/openmetrics-text\"");
  const auto html = FormatOfPage("text/html", ScrapeProtocol::kText0_0_4);
  REQUIRE(html);
  CHECK(html->format == Format::kText);
  CHECK(html->warning ==
        "received unsupported Content-Type \"text/html\", using fallback_scrape_protocol "
        "\"text/plain\"");
  CHECK(FormatOfPage("text/plain", ScrapeProtocol::kOpenMetrics1_0_0)->format == Format::kText);
  CHECK(FormatOfPage("text/plain", ScrapeProtocol::kOpenMetrics1_0_0)->warning == "");
  CHECK_FALSE(FormatOfPage("", ScrapeProtocol::kPrometheusProto));
}

TEST_CASE("the Accept header of a scrape counts down as Prometheus's does") {
  CHECK(AcceptHeader(config::ScrapeConfig{}.scrape_protocols) ==
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.7,application/"
        "openmetrics-text;version=0.0.1;q=0.6,"
        "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.4,*/"
        "*;q=0.3");
  CHECK(AcceptHeader({ScrapeProtocol::kText0_0_4}) == "text/plain;version=0.0.4;q=0.7,*/*;q=0.6");
  CHECK(AcceptHeader({ScrapeProtocol::kOpenMetrics1_0_0}, config::NameEscaping::kDots) ==
        "application/openmetrics-text;version=1.0.0;escaping=dots;q=0.7,*/*;q=0.6");
  CHECK(AcceptHeader({ScrapeProtocol::kPrometheusProto, ScrapeProtocol::kText0_0_4}) ==
        "text/plain;version=0.0.4;q=0.6,*/*;q=0.5");
  CHECK(AcceptHeader({}) == "*/*;q=0.7");
}

TEST_CASE("we answer in the format the asker likes best") {
  const std::string text = "text/plain; version=0.0.4; charset=utf-8";
  const std::string open_metrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
  CHECK(NegotiateOutput("").content_type == text);
  CHECK(NegotiateOutput("*/*").content_type == text);
  CHECK(NegotiateOutput("text/html,application/xml;q=0.9,*/*;q=0.8").content_type == text);
  CHECK(NegotiateOutput("application/json").content_type == text);
  CHECK(NegotiateOutput("application/openmetrics-text").content_type == open_metrics);
  CHECK(NegotiateOutput("application/openmetrics-text; version=2.0.0").content_type == text);
  CHECK(NegotiateOutput("application/openmetrics-text; version=0.0.1").content_type ==
        "application/openmetrics-text; version=0.0.1; charset=utf-8");
  CHECK(NegotiateOutput("text/plain;q=0.4, application/openmetrics-text;q=0.5").content_type ==
        open_metrics);
  CHECK(NegotiateOutput("text/plain;q=0.5, application/openmetrics-text;q=0.5").content_type ==
        text);
  CHECK(NegotiateOutput("application/openmetrics-text;q=0, */*;q=0.1").content_type == text);
  CHECK(NegotiateOutput("application/openmetrics-text;q=x, text/plain;q=0.1").content_type == text);
  CHECK(NegotiateOutput("a\"b, application/openmetrics-text").content_type == text);
}

TEST_CASE("a Prometheus 3 that allows UTF-8 names is told that it gets them") {
  const auto output = NegotiateOutput(AcceptHeader(config::ScrapeConfig{}.scrape_protocols));
  CHECK(output.format == Format::kOpenMetrics);
  CHECK(output.utf8_names);
  CHECK(output.content_type ==
        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8");
  CHECK(NegotiateOutput("text/plain;version=1.0.0;escaping=allow-utf-8").content_type ==
        "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8");
  CHECK(NegotiateOutput("text/plain;version=1.0.0;escaping=underscores").content_type ==
        "text/plain; version=0.0.4; charset=utf-8");
  CHECK_FALSE(NegotiateOutput("text/plain;version=0.0.4;escaping=allow-utf-8").utf8_names);
}
