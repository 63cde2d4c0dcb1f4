// SPDX-License-Identifier: Apache-2.0
//
// Which format a page is in, which formats we ask a target for, and which one we answer in.
//
// Threads: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "exposition/format.h"

namespace plimsoll::exposition {

// What to read a page as, and what to tell the user about it.
struct PageFormat {
  Format format = Format::kText;
  std::string warning = {};  // the fallback was used, and why; otherwise empty
};

// By media type only, like Prometheus 3: the version is not looked at, except that OpenMetrics 2 is
// refused. Fails with: kBadInput, naming fallback_scrape_protocol, when the type is missing, wrong
// or not a text format and no fallback is set.
base::Result<PageFormat> FormatOfPage(std::string_view content_type,
                                      const std::optional<config::ScrapeProtocol>& fallback);

// The Accept header of a scrape, as Prometheus 3.15 writes it. PrometheusProto is left out: it is
// not read here. `escaping` goes with the versions that know it.
std::string AcceptHeader(const std::vector<config::ScrapeProtocol>& protocols,
                         config::NameEscaping escaping = config::NameEscaping::kAllowUtf8);

// How to write a page for somebody who sent this Accept header.
struct OutputFormat {
  Format format = Format::kText;
  bool utf8_names = false;  // escaping=allow-utf-8; otherwise names are brought to [a-zA-Z0-9_:]
  std::string content_type = {};
};
// The best-liked of what we write, the earlier of equals; text 0.0.4 when nothing fits or nothing
// is asked.
OutputFormat NegotiateOutput(std::string_view accept);

// The same for /federate, where Prometheus lets every format have every escaping: the one that
// stands with the format that is chosen, or with one that is liked better and not written here.
struct FederationFormat {
  Format format = Format::kText;
  config::NameEscaping escaping = config::NameEscaping::kUnderscores;
  std::string content_type = {};
};
FederationFormat NegotiateFederation(std::string_view accept);

}  // namespace plimsoll::exposition
