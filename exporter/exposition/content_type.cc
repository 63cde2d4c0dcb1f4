// SPDX-License-Identifier: Apache-2.0
//
// Content-Type in, Accept out, and the reverse. See content_type.h.
#include "exposition/content_type.h"

#include <algorithm>
#include <utility>

#include "base/format.h"
#include "base/number_text.h"
#include "exposition/detail/media_type.h"

namespace plimsoll::exposition {
namespace {

using config::ScrapeProtocol;

constexpr std::string_view kOpenMetricsType = "application/openmetrics-text";
constexpr std::string_view kTextType = "text/plain";

// What Prometheus calls the fallback in its texts: the media type.
std::optional<Format> FormatOf(ScrapeProtocol protocol) {
  switch (protocol) {
    case ScrapeProtocol::kOpenMetrics1_0_0:
    case ScrapeProtocol::kOpenMetrics0_0_1:
      return Format::kOpenMetrics;
    case ScrapeProtocol::kText1_0_0:
    case ScrapeProtocol::kText0_0_4:
      return Format::kText;
    case ScrapeProtocol::kPrometheusProto:
      return std::nullopt;
  }
  return std::nullopt;
}

std::string_view MediaTypeOf(Format format) {
  return format == Format::kText ? kTextType : kOpenMetricsType;
}

std::string_view AcceptElement(ScrapeProtocol protocol) {
  switch (protocol) {
    case ScrapeProtocol::kOpenMetrics1_0_0:
      return "application/openmetrics-text;version=1.0.0";
    case ScrapeProtocol::kOpenMetrics0_0_1:
      return "application/openmetrics-text;version=0.0.1";
    case ScrapeProtocol::kText1_0_0:
      return "text/plain;version=1.0.0";
    case ScrapeProtocol::kText0_0_4:
      return "text/plain;version=0.0.4";
    case ScrapeProtocol::kPrometheusProto:
      return {};
  }
  return {};
}

bool KnowsEscaping(ScrapeProtocol protocol) {
  return protocol == ScrapeProtocol::kOpenMetrics1_0_0 || protocol == ScrapeProtocol::kText1_0_0;
}

std::string_view TextOf(config::NameEscaping escaping) {
  switch (escaping) {
    case config::NameEscaping::kAllowUtf8:
      return "allow-utf-8";
    case config::NameEscaping::kUnderscores:
      return "underscores";
    case config::NameEscaping::kDots:
      return "dots";
    case config::NameEscaping::kValues:
      return "values";
  }
  return {};
}

// The first entry of a list that has every protocol once gets this many tenths.
constexpr int kFirstQuality = 7;

double QualityOf(const detail::MediaType& media) {
  const std::string_view q = media.Parameter("q");
  if (q.empty()) return 1;
  const auto value = base::ParseFloat(q);
  return value && *value >= 0 && *value <= 1 ? *value : 0;
}

// Returns: how to answer one element of Accept, or nothing if we do not write that.
std::optional<OutputFormat> OutputFor(const detail::MediaType& media) {
  const std::string_view version = media.Parameter("version");
  const bool utf8 = media.Parameter("escaping") == "allow-utf-8";
  if (media.type == kOpenMetricsType) {
    if (!version.empty() && version != "1.0.0" && version != "0.0.1") return std::nullopt;
    const bool names = utf8 && version != "0.0.1";
    return OutputFormat{Format::kOpenMetrics, names,
                        base::format("application/openmetrics-text; version={}; charset=utf-8{}",
                                     version == "0.0.1" ? version : "1.0.0",
                                     names ? "; escaping=allow-utf-8" : "")};
  }
  if (media.type == kTextType && version == "1.0.0" && utf8) {
    return OutputFormat{Format::kText, true,
                        "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"};
  }
  const bool any = media.type == "*/*" || media.type == "text/*";
  const bool text =
      media.type == kTextType && (version.empty() || version == "0.0.4" || version == "1.0.0");
  if (!any && !text) return std::nullopt;
  return OutputFormat{Format::kText, false, "text/plain; version=0.0.4; charset=utf-8"};
}

// The media type of an answer to one element of Accept; "" when we do not write that.
std::string_view FederationType(const detail::MediaType& media) {
  constexpr std::string_view kText = "text/plain; version=0.0.4; charset=utf-8";
  const std::string_view version = media.Parameter("version");
  if (media.type == kOpenMetricsType) {
    if (version == "1.0.0") return "application/openmetrics-text; version=1.0.0; charset=utf-8";
    if (version.empty() || version == "0.0.1")
      return "application/openmetrics-text; version=0.0.1; charset=utf-8";
    return {};
  }
  if (media.type == kTextType) return version.empty() || version == "0.0.4" ? kText : "";
  return media.type == "*/*" || media.type == "text/*" ? kText : "";
}

constexpr std::pair<std::string_view, config::NameEscaping> kEscapings[] = {
    {"allow-utf-8", config::NameEscaping::kAllowUtf8},
    {"underscores", config::NameEscaping::kUnderscores},
    {"dots", config::NameEscaping::kDots},
    {"values", config::NameEscaping::kValues}};

}  // namespace

base::Result<PageFormat> FormatOfPage(std::string_view content_type,
                                      const std::optional<ScrapeProtocol>& fallback) {
  const std::optional<Format> otherwise = fallback ? FormatOf(*fallback) : std::nullopt;
  const auto fall_back = [&](std::string fault,
                             std::string_view without) -> base::Result<PageFormat> {
    if (!otherwise) return base::BadInput(fault + std::string(without));
    return PageFormat{*otherwise, base::format("{}, using fallback_scrape_protocol {}", fault,
                                               base::GoQuote(MediaTypeOf(*otherwise)))};
  };
  if (content_type.empty()) {
    return fall_back("non-compliant scrape target sending blank Content-Type",
                     " and no fallback_scrape_protocol specified for target");
  }
  const std::string quoted = base::GoQuote(content_type);
  const auto media = detail::ParseMediaType(content_type);
  if (!media) {
    return fall_back(
        base::format("cannot parse Content-Type {} ({})", quoted, media.error().message),
        " and no fallback_scrape_protocol for target");
  }
  if (media->type == kTextType) return PageFormat{Format::kText};
  const bool version_2 = media->Parameter("version") == "2.0.0";
  if (media->type == kOpenMetricsType && !version_2) return PageFormat{Format::kOpenMetrics};
  return fall_back(base::format("received unsupported Content-Type {}", quoted),
                   " and no fallback_scrape_protocol specified for target");
}

std::string AcceptHeader(const std::vector<ScrapeProtocol>& protocols,
                         config::NameEscaping escaping) {
  std::string header;
  int quality = kFirstQuality;
  for (const ScrapeProtocol protocol : protocols) {
    const std::string_view element = AcceptElement(protocol);
    if (!element.empty()) {
      header += element;
      if (KnowsEscaping(protocol)) header += base::format(";escaping={}", TextOf(escaping));
      header += base::format(";q=0.{},", quality);
    }
    quality = std::max(quality - 1, 1);
  }
  return header + base::format("*/*;q=0.{}", quality);
}

OutputFormat NegotiateOutput(std::string_view accept) {
  std::optional<OutputFormat> best;
  double best_quality = 0;
  for (const std::string_view element : detail::SplitList(accept)) {
    const auto media = detail::ParseMediaType(element);
    if (!media) continue;
    const double quality = QualityOf(*media);
    auto output = OutputFor(*media);
    if (!output || quality <= best_quality) continue;
    best = std::move(output);
    best_quality = quality;
  }
  if (best) return *std::move(best);
  return {Format::kText, false, "text/plain; version=0.0.4; charset=utf-8"};
}

FederationFormat NegotiateFederation(std::string_view accept) {
  std::vector<detail::MediaType> wanted;
  for (const std::string_view element : detail::SplitList(accept)) {
    if (auto media = detail::ParseMediaType(element)) wanted.push_back(*std::move(media));
  }
  std::stable_sort(wanted.begin(), wanted.end(),
                   [](const auto& a, const auto& b) { return QualityOf(a) > QualityOf(b); });
  std::string_view escaping = "underscores";
  std::string_view type;
  for (const detail::MediaType& media : wanted) {
    const std::string_view asked = media.Parameter("escaping");
    for (const auto& [name, known] : kEscapings) {
      if (asked == name) escaping = name;
    }
    type = FederationType(media);
    if (!type.empty()) break;
  }
  if (type.empty()) type = "text/plain; version=0.0.4; charset=utf-8";
  FederationFormat format;
  format.format = type.starts_with(kTextType) ? Format::kText : Format::kOpenMetrics;
  for (const auto& [name, known] : kEscapings) {
    if (escaping == name) format.escaping = known;
  }
  format.content_type = base::format("{}; escaping={}", type, escaping);
  return format;
}

}  // namespace plimsoll::exposition
