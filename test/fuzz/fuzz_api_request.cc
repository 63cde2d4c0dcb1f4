// SPDX-License-Identifier: Apache-2.0
//
// A request to the query API: first line Accept, second line a name, the rest the form.
//
// A form without a fault has the pairs that a lenient reader finds, and one with a fault has fewer;
// a name that was escaped reads back; whatever Accept says, there is a format.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/number_text.h"
#include "exposition/content_type.h"
#include "exposition/name_escape.h"
#include "model/labels.h"
#include "serve/detail/api_parameters.h"

namespace {

using namespace plimsoll;  // NOLINT: a harness

std::string_view TakeLine(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(line.size() < text.size() ? line.size() + 1 : text.size());
  return line;
}

// U+FFFD stands for what is not UTF-8, and beyond U+FFFFF there is no way back.
bool ReadsBack(std::string_view name) {
  return base::IsValidUtf8(name) && name.find("\xf4\x8f") == std::string_view::npos &&
         name.find("\xf4") == std::string_view::npos;
}

void CheckName(std::string_view name) {
  using config::NameEscaping;
  for (const auto escaping :
       {NameEscaping::kUnderscores, NameEscaping::kDots, NameEscaping::kValues}) {
    const std::string escaped = exposition::EscapeName(name, escaping);
    if (!name.empty() && !model::IsLegacyMetricName(escaped)) std::abort();
    if (exposition::EscapeName(escaped, escaping) != escaped) std::abort();
  }
  const std::string values = exposition::EscapeName(name, NameEscaping::kValues);
  const bool escaped = !model::IsLegacyMetricName(name) && !name.empty();
  if (escaped && ReadsBack(name) && exposition::UnescapeValues(values) != name) std::abort();
  (void)exposition::UnescapeValues(name);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const exposition::FederationFormat format = exposition::NegotiateFederation(TakeLine(text));
  if (format.content_type.find("; escaping=") == std::string::npos) std::abort();
  CheckName(TakeLine(text));

  const http::Request request{.raw_query = std::string(text)};
  const serve::ApiParameters parameters(request);
  const http::Pairs lenient = http::ParseQuery(text);
  for (const auto& [name, value] : lenient) {
    const auto all = parameters.All(name);
    const bool there = std::find(all.begin(), all.end(), value) != all.end();
    if (!parameters.fault() && !there) std::abort();
  }
  for (const char* name : {"time", "step", "limit", "match[]"}) {
    (void)parameters.TimeOr(name, 0);
    (void)parameters.Duration(name);
    (void)parameters.Limit(name);
  }
  (void)parameters.Matchers(true);
  return 0;
}
