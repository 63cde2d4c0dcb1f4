// SPDX-License-Identifier: Apache-2.0
//
// What a page says, told twice. See exposition_story.h.
#include "support/exposition_story.h"

#include <algorithm>
#include <bit>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>

#include "base/format.h"
#include "base/number_text.h"
#include "exposition/page_parser.h"
#include "model/labels.h"
#include "model/sample.h"

namespace plimsoll::test {
namespace {

using exposition::Format;
using exposition::PageParser;

std::string TellSample(const std::string& labels, double value,
                       const std::optional<base::Time>& time) {
  return base::format("sample {} {:016x}{}", labels, std::bit_cast<std::uint64_t>(value),
                      time ? base::format(" {}", *time) : "");
}
std::string TellMeta(std::string_view kind, std::string_view name, std::string_view text) {
  return base::format("{} {} {}", kind, base::GoQuote(name), base::GoQuote(text));
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

// One mistake ends the page, so it is an exception here.
struct Mistake {};

class NaiveReader {
 public:
  NaiveReader(std::string_view page, Format format) : page_(page), text_(format == Format::kText) {
    if (text_) page_ += '\n';
  }

  Story Read() {
    Story story;
    try {
      while (true) {
        while (text_ && AtBlank()) ++at_;
        if (At() == std::nullopt) break;
        if (text_ && At() == '\0') return story.accepted = true, story;
        if (text_ && At() == '\n') {
          ++at_;
          continue;
        }
        if (!text_ && Take("# EOF")) {
          if (At() == '\n') ++at_;
          story.accepted = At() == std::nullopt;
          return story;
        }
        const std::string told = At() == '#' ? Comment() : Sample();
        if (!told.empty()) story.entries.push_back(told);
      }
      story.accepted = text_;
    } catch (const Mistake&) {
    }
    return story;
  }

 private:
  std::optional<char> At() const {
    return at_ < page_.size() ? std::optional(page_[at_]) : std::nullopt;
  }
  bool AtBlank() const { return At() == ' ' || At() == '\t'; }
  static void Check(bool good) {
    if (!good) throw Mistake();
  }
  void Blanks() {
    while (text_ && AtBlank()) ++at_;
  }
  bool Take(std::string_view expected) {
    if (std::string_view(page_).substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }
  void Demand(std::string_view expected) { Check(Take(expected)); }

  bool AtWord(bool colon) const {
    const char c = At().value_or(' ');
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colon && c == ':');
  }
  std::string Word(bool colon) {
    Check(AtWord(colon));
    std::string word;
    while (AtWord(colon) || (At().value_or(' ') >= '0' && At().value_or(' ') <= '9'))
      word += page_[at_++];
    return word;
  }
  // Returns: what stands between the quotes, unchanged.
  std::string Quoted(bool newline, bool nul) {
    Demand("\"");
    std::string raw;
    bool escaped = false;
    while (true) {
      Check(At().has_value());
      const char c = page_[at_++];
      Check(c != '\0' || nul);
      Check(c != '\n' || (newline && !escaped));
      if (c == '"' && !escaped) return raw;
      raw += c;
      if (c == '\0' && escaped) continue;  // still waits for what is escaped
      escaped = c == '\\' && !escaped;
    }
  }
  static std::string Unescaped(const std::string& raw, bool quotes) {
    std::string out;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      const std::string two = raw.substr(i, 2);
      if (two == "\\\\")
        out += '\\', ++i;
      else if (two == "\\n")
        out += '\n', ++i;
      else if (two == "\\\"" && quotes)
        out += '"', ++i;
      else
        out += raw[i];
    }
    return out;
  }
  std::string Run() {  // bytes that are not blank
    std::string run;
    while (At() && At() != ' ' && At() != '\n' && At() != '\0' &&
           !(text_ && (At() == '\t' || At() == '{')))
      run += page_[at_++];
    return run;
  }
  static double Number(const std::string& token) {
    Check(token.find_first_of("pPxX_") == std::string::npos);
    std::string lower = token;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (lower == "nan") return model::NormalNaN();
    const std::string bare =
        !lower.empty() && (lower[0] == '-' || lower[0] == '+') ? lower.substr(1) : lower;
    if (bare == "inf" || bare == "infinity") return lower[0] == '-' ? -HUGE_VAL : HUGE_VAL;
    Check(!bare.empty() && bare.find_first_not_of("0123456789.e+-") == std::string::npos &&
          bare[0] != '+' && bare[0] != '-');
    char* end = nullptr;
    const double value = std::strtod(lower.c_str(), &end);
    Check(*end == '\0' && std::isfinite(value));
    return value;
  }

  std::string Comment() {
    if (!text_) {
      Demand("# ");
      const std::string keyword = page_.substr(at_, 4);
      Check(keyword == "HELP" || keyword == "TYPE" || keyword == "UNIT");
      at_ += 4;
      Demand(" ");
      return Metadata(keyword);
    }
    ++at_;
    const bool spaced = AtBlank();
    Blanks();
    const std::string keyword = page_.substr(at_, 4);
    const char after = at_ + 4 < page_.size() ? page_[at_ + 4] : '\0';
    if (spaced && (keyword == "HELP" || keyword == "TYPE") && (after == ' ' || after == '\t')) {
      at_ += 4;
      Blanks();
      return Metadata(keyword);
    }
    while (At() != '\n') ++at_;
    ++at_;
    return "";
  }

  std::string Metadata(const std::string& keyword) {
    const std::string name = At() == '"' ? Quoted(true, false) : Word(true);
    const std::size_t line_break = page_.find('\n', at_);
    Check(line_break != std::string::npos);
    std::string rest = page_.substr(at_, line_break - at_);
    at_ = line_break + 1;
    if (text_) {
      Check(rest.empty() || rest[0] != '\0');
      if (rest.find_first_not_of(std::string(" \t\0", 3)) == std::string::npos) rest = "";
    } else {
      Check(!rest.empty() && rest[0] == ' ');
    }
    if (!rest.empty()) rest.erase(0, 1);
    if (keyword == "HELP") {
      Check(base::IsValidUtf8(rest));
      return TellMeta("help", name, Unescaped(rest, !text_));
    }
    if (keyword == "UNIT") {
      const std::string ending = "_" + rest;
      Check(rest.empty() || std::string_view(name).ends_with(ending));
      return TellMeta("unit", name, Unescaped(rest, true));
    }
    static const std::map<std::string, int> text_types = {
        {"counter", 0}, {"gauge", 0}, {"histogram", 0}, {"summary", 0}, {"untyped", 0}};
    static const std::map<std::string, int> open_types = {
        {"counter", 0}, {"gauge", 0}, {"histogram", 0}, {"gaugehistogram", 0},
        {"summary", 0}, {"info", 0},  {"stateset", 0},  {"unknown", 0}};
    Check((text_ ? text_types : open_types).count(rest) == 1);
    type_ = rest == "untyped" ? "unknown" : rest;
    return TellMeta("type", name, type_);
  }

  void Label(Pairs& labels, const std::string& raw_name, const std::string& raw_value) const {
    const std::string name = Unescaped(raw_name, true);
    std::string value = Unescaped(raw_value, true);
    if ((type_ == "histogram" && name == "le") || (type_ == "summary" && name == "quantile")) {
      if (const auto number = base::ParseFloat(value, true)) {
        value = base::ShortestG(*number);
        if (std::isfinite(*number) && value.find('.') == std::string::npos &&
            value.find('e') == std::string::npos)
          value += ".0";
      }
    }
    labels.emplace_back(name, value);
  }

  void Braces(std::optional<std::string>* metric, Pairs& labels) {
    while (true) {
      Blanks();
      if (Take("}")) return;
      const bool quoted = At() == '"';
      const std::string name = quoted ? Quoted(metric != nullptr, false) : Word(false);
      Blanks();
      if (quoted && (At() == ',' || At() == '}')) {
        Check(metric != nullptr && !metric->has_value());
        *metric = name;
        Take(",");
        continue;
      }
      Demand("=");
      Blanks();
      const std::string value = Quoted(text_, text_ || metric != nullptr);
      Check(base::IsValidUtf8(value));
      Label(labels, name, value);
      Blanks();
      if (!Take(",") && !text_) Check(At() == '}');
    }
  }

  std::string Sample() {
    std::optional<std::string> metric;
    Pairs labels;
    if (At() != '{') metric = Word(true);
    Blanks();
    if (Take("{")) Braces(&metric, labels);
    Check(metric.has_value());
    Label(labels, model::kMetricName.data(), *metric);
    Blanks();
    if (!text_) Demand(" ");
    const double value = Number(Run());
    std::optional<base::Time> time;
    Blanks();
    if (text_ && At() != '\n') {
      std::string digits;
      while (At().value_or(' ') >= '0' && At().value_or(' ') <= '9') digits += page_[at_++];
      Check(!digits.empty());
      const std::string significant =
          digits.substr(std::min(digits.find_first_not_of('0'), digits.size() - 1));
      const std::string most = "9223372036854775807";
      Check(significant.size() < most.size() ||
            (significant.size() == most.size() && significant <= most));
      time = std::stoll(significant);
      Blanks();
    }
    if (!text_) {
      if (At() == ' ' && page_.substr(at_, 3) != " # ") {
        ++at_;
        time = Seconds();
      }
      if (Take(" # ")) Exemplar();
    }
    Demand("\n");
    return Tell(labels, value, time);
  }

  base::Time Seconds() {
    const double seconds = Number(Run());
    Check(std::isfinite(seconds));
    const double milliseconds = seconds * 1000;
    if (milliseconds >= 9223372036854775808.0) return INT64_MAX;
    if (milliseconds < -9223372036854775808.0) return INT64_MIN;
    return static_cast<base::Time>(milliseconds);
  }

  void Exemplar() {
    Demand("{");
    Pairs ignored;
    Braces(nullptr, ignored);
    Demand(" ");
    Number(Run());
    if (!Take(" ")) return;
    Check(std::isfinite(Number(Run())));
  }

  static std::string Tell(Pairs labels, double value, const std::optional<base::Time>& time) {
    std::map<std::string, std::string> sorted;
    std::set<std::string> emptied;
    for (const auto& [name, label] : labels) {
      if (label.empty()) emptied.insert(name);
    }
    for (const auto& [name, label] : labels) {
      if (emptied.contains(name)) continue;
      if (!sorted.emplace(name, label).second) return TellSample("repeated", value, time);
    }
    model::LabelsBuilder builder;
    for (const auto& [name, label] : sorted) builder.Set(name, label);
    return TellSample(builder.Build().ToString(), value, time);
  }

  std::string page_;
  bool text_;
  std::size_t at_ = 0;
  std::string type_ = "unknown";
};

}  // namespace

Story TellNaively(std::string_view page, Format format) { return NaiveReader(page, format).Read(); }

Story TellFast(std::string_view page, Format format, const exposition::NameFilter* keep) {
  Story story;
  PageParser parser(page, format, keep);
  model::LabelsBuilder labels;
  while (true) {
    switch (parser.Next()) {
      case PageParser::Entry::kSample: {
        const auto decoded = parser.DecodeLabels(labels);
        story.entries.push_back(TellSample(decoded ? labels.Build().ToString() : "repeated",
                                           parser.Value(), parser.Timestamp()));
        break;
      }
      case PageParser::Entry::kType:
        story.entries.push_back(TellMeta("type", parser.Name(), model::TypeName(parser.Type())));
        break;
      case PageParser::Entry::kHelp:
        story.entries.push_back(TellMeta("help", parser.Name(), parser.Text()));
        break;
      case PageParser::Entry::kUnit:
        story.entries.push_back(TellMeta("unit", parser.Name(), parser.Text()));
        break;
      case PageParser::Entry::kEnd:
        return story.accepted = true, story;
      case PageParser::Entry::kError:
        return story;
    }
  }
}

std::vector<model::Family> FamiliesOf(std::string_view page, Format format) {
  std::vector<model::Family> families;
  PageParser parser(page, format);
  model::LabelsBuilder builder;
  while (true) {
    const PageParser::Entry entry = parser.Next();
    if (entry == PageParser::Entry::kEnd || entry == PageParser::Entry::kError) return families;
    if (entry != PageParser::Entry::kSample || !parser.DecodeLabels(builder)) continue;
    model::Labels labels = builder.Build();
    const std::string name(labels.MetricName());
    if (name.empty()) continue;
    if (families.empty() || families.back().name != name) families.push_back({name, {}, {}});
    families.back().points.push_back(
        {std::move(labels), parser.Value(), parser.Timestamp().value_or(model::kNoSource)});
  }
}

}  // namespace plimsoll::test
