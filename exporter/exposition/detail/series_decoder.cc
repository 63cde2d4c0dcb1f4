// SPDX-License-Identifier: Apache-2.0
//
// From the bytes of a series on a page to its labels. See series_decoder.h.
#include "exposition/detail/series_decoder.h"

#include <algorithm>
#include <cassert>
#include <string>
#include <vector>

#include "base/format.h"
#include "base/number_text.h"
#include "exposition/detail/char_class.h"

namespace plimsoll::exposition::detail {
namespace {

// What OpenMetrics calls a canonical number: one that looks like a float.
std::string CanonicalFloat(double value) {
  std::string text = base::ShortestG(value);
  if (text.find_first_of("eEaf.") == std::string::npos) text += ".0";  // `a` and `f`: NaN and Inf
  return text;
}

class SeriesScanner {
 public:
  explicit SeriesScanner(std::string_view series) : rest_(series) {}

  bool done() const { return rest_.empty(); }
  bool TakeIf(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void SkipBlanks() {
    while (TakeIf(' ') || TakeIf('\t')) {
    }
  }
  bool AtQuote() const { return !rest_.empty() && rest_.front() == '"'; }
  std::string_view Word() {
    std::size_t end = 0;
    while (end < rest_.size() && Is(rest_[end], kMetricChar)) ++end;
    return Take(end);
  }
  // Returns: what is between the quotes.
  std::string_view Quoted() {
    std::size_t end = 1;
    while (end < rest_.size() && rest_[end] != '"') {
      const bool escape = rest_[end++] == '\\';
      if (!escape) continue;
      while (end < rest_.size() && rest_[end] == '\0') ++end;
      ++end;
    }
    const std::string_view taken = Take(end + 1);
    return taken.substr(1, taken.size() - 2);
  }

 private:
  std::string_view Take(std::size_t count) {
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::string_view rest_;
};

}  // namespace

void AppendUnescaped(std::string_view raw, bool quotes, std::string& out) {
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const char next = raw[i] == '\\' && i + 1 < raw.size() ? raw[i + 1] : '\0';
    if (next == '\\' || next == 'n' || (quotes && next == '"')) {
      out += next == 'n' ? '\n' : next;
      ++i;
    } else {
      out += raw[i];
    }
  }
}

base::Result<void> DecodeSeries(std::string_view series, model::MetricType type,
                                model::LabelsBuilder& out) {
  out.Reset();
  std::vector<std::string> emptied, repeated;
  std::string name;
  std::string value;
  const auto add = [&](std::string_view raw_name, std::string_view raw_value) {
    name.clear();
    value.clear();
    AppendUnescaped(raw_name, true, name);
    AppendUnescaped(raw_value, true, value);
    const bool normal = (type == model::MetricType::kHistogram && name == "le") ||
                        (type == model::MetricType::kSummary && name == "quantile");
    if (normal) {
      if (const auto number = base::ParseFloat(value, true)) value = CanonicalFloat(*number);
    }
    if (value.empty()) emptied.push_back(name);
    if (!value.empty() && !out.Get(name).empty()) repeated.push_back(name);
    out.Set(name, value);
  };

  SeriesScanner scanner(series);
  if (const std::string_view word = scanner.Word(); !word.empty()) add(model::kMetricName, word);
  scanner.SkipBlanks();
  if (scanner.TakeIf('{')) {
    while (true) {
      scanner.SkipBlanks();
      if (scanner.TakeIf(',')) continue;
      if (scanner.TakeIf('}') || scanner.done()) break;
      const std::string_view label = scanner.AtQuote() ? scanner.Quoted() : scanner.Word();
      scanner.SkipBlanks();
      if (!scanner.TakeIf('=')) {
        add(model::kMetricName, label);
        continue;
      }
      scanner.SkipBlanks();
      add(label, scanner.Quoted());
    }
  }
  // An empty value takes the label away, whatever other values it is given: labels.NewBuilder.
  for (const std::string& label : emptied) out.Delete(label);
  for (const std::string& label : repeated) {
    if (std::find(emptied.begin(), emptied.end(), label) == emptied.end())
      return base::BadInput(base::format("label name {} is not unique", base::GoQuote(label)));
  }
  return {};
}

}  // namespace plimsoll::exposition::detail
