// SPDX-License-Identifier: Apache-2.0
//
// The quick lane of the page parser, and the skipping of what nobody needs. See page_parser.h.
//
// Rule of the quick lane: up to `lines_end_` a line break is ahead, so a scan that stops at one
// needs no other bound. Whatever is unusual goes to the careful lane, which starts over at the
// entry.
#include "exposition/page_parser.h"

#include <cmath>
#include <cstring>

#include "base/number_text.h"
#include "exposition/detail/bytes.h"
#include "exposition/detail/char_class.h"
#include "exposition/detail/entry_reader.h"
#include "exposition/detail/number.h"
#include "exposition/detail/series_decoder.h"
#include "model/sample.h"

namespace plimsoll::exposition {
namespace {

using detail::FindBelow;
using detail::FindByte;
using detail::FirstOf;
using detail::Is;
using detail::LoadWord;

constexpr std::size_t kWord = sizeof(std::uint64_t);

constexpr std::uint64_t Keyword(std::string_view text) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    word |= std::uint64_t{static_cast<unsigned char>(text[i])} << (8 * i);
  return word;
}
constexpr std::uint64_t kHelp = Keyword("# HELP ");
constexpr std::uint64_t kType = Keyword("# TYPE ");
constexpr std::uint64_t kUnit = Keyword("# UNIT ");
constexpr int kKeywordBytes = 7;

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

std::string_view Between(const char* from, const char* to) {
  return {from, static_cast<std::size_t>(to - from)};
}

const char* LineBreak(const char* from, const char* end) {
  return static_cast<const char*>(std::memchr(from, '\n', static_cast<std::size_t>(end - from)));
}

bool IsUtf8(std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  std::uint64_t high = 0;
  for (; end - at >= static_cast<std::ptrdiff_t>(kWord); at += kWord) high |= LoadWord(at);
  for (; at != end; ++at) high |= static_cast<unsigned char>(*at);
  return (high & detail::kHighs) == 0 || base::IsValidUtf8(text);
}

}  // namespace

PageParser::PageParser(std::string_view page, Format format, const NameFilter* keep)
    : begin_(page.data()), end_(begin_ + page.size()), at_(begin_), format_(format), keep_(keep) {
  const std::size_t last = page.rfind('\n');
  lines_end_ = last == std::string_view::npos ? begin_ : begin_ + last + 1;
}

PageParser::Entry PageParser::Next() {
  while (!ended_ && !error_) {
    needed_ = keep_ == nullptr;
    if (!needed_) at_ = SkipUnneeded(at_);
    Lane lane = format_ == Format::kText ? Quick<Format::kText>() : Quick<Format::kOpenMetrics>();
    if (lane == Lane::kCareful) lane = Careful();
    if (!needed_ && !IsNeeded(lane)) continue;
    switch (lane) {
      case Lane::kSample:
        return Entry::kSample;
      case Lane::kType:
        return Entry::kType;
      case Lane::kHelp:
        return Entry::kHelp;
      case Lane::kUnit:
        return Entry::kUnit;
      case Lane::kNothing:
      case Lane::kCareful:
        break;
    }
  }
  return error_ ? Entry::kError : Entry::kEnd;
}

template <Format kFormat>
PageParser::Lane PageParser::Quick() {
  const char* at = at_;
  if (at >= lines_end_) return Lane::kCareful;
  if (Is(*at, detail::kMetricStart)) {
    do ++at;
    while (Is(*at, detail::kMetricChar));
    name_ = Between(at_, at);
    if (*at == '{') {
      at = SkipLabels<kFormat>(at + 1);
      if (at == nullptr) return Lane::kCareful;
    }
    series_ = Between(at_, at);
    return QuickValue<kFormat>(at);
  }
  if (*at == '#') return QuickMetadata<kFormat>(at);
  if (kFormat == Format::kText && *at == '\n') {
    at_ = at + 1;
    return Lane::kNothing;
  }
  return Lane::kCareful;
}

template <Format kFormat>
const char* PageParser::SkipLabels(const char* at) const {
  while (true) {
    if (!Is(*at, detail::kLabelStart)) return *at == '}' ? at + 1 : nullptr;
    do ++at;
    while (Is(*at, detail::kLabelChar));
    if (at[0] != '=' || at[1] != '"') return nullptr;
    at = SkipQuoted<kFormat>(at + 2);
    if (at == nullptr || at >= lines_end_) return nullptr;
    if (*at == ',') {
      ++at;
      if (kFormat == Format::kText && *at == ' ') ++at;  // Spark
    } else if (*at != '}') {
      return nullptr;
    }
  }
}

// Returns: behind the closing quote, or null where the careful lane must look.
template <Format kFormat>
const char* PageParser::SkipQuoted(const char* at) const {
  constexpr bool kLineBreakEnds = kFormat == Format::kOpenMetrics;
  const char* const start = at;
  std::uint64_t high = 0;
  while (true) {
    char c = '\0';
    if (end_ - at >= static_cast<std::ptrdiff_t>(kWord)) {
      const std::uint64_t word = LoadWord(at);
      std::uint64_t stop = FindByte(word, '"') | FindByte(word, '\\');
      if (kLineBreakEnds) stop |= FindByte(word, '\n');
      high |= word;  // may see bytes behind the quote: then the check below is for nothing
      if (stop == 0) {
        at += kWord;
        continue;
      }
      at += FirstOf(stop);
      c = *at;
    } else {
      if (at >= lines_end_) return nullptr;
      c = *at;
      high |= static_cast<unsigned char>(c);
    }
    if (c == '"') break;
    if (c == '\\') {
      if (at + 1 >= lines_end_ || at[1] == '\n' || at[1] == '\0') return nullptr;
      high |= static_cast<unsigned char>(at[1]);  // may be the first byte of the next word
      at += 2;
    } else if (kLineBreakEnds && c == '\n') {
      return nullptr;
    } else {
      ++at;
    }
  }
  if ((high & detail::kHighs) != 0 && !base::IsValidUtf8(Between(start, at))) return nullptr;
  return at + 1;
}

template <Format kFormat>
PageParser::Lane PageParser::QuickValue(const char* at) {
  if (kFormat == Format::kText) {
    while (IsBlank(*at)) ++at;
  } else if (*at++ != ' ') {
    return Lane::kCareful;
  }
  const char* end = detail::ReadShortDecimal(at, value_);
  if (end == nullptr) {
    if (at[0] == 'N' && at[1] == 'a' && at[2] == 'N') {
      value_ = model::NormalNaN();
      end = at + 3;
    } else {
      end = at;
      while (static_cast<unsigned char>(*end) > ' ' && *end != '{') ++end;
      if (detail::ParseNumber(Between(at, end), value_) != detail::NumberFault::kNone)
        return Lane::kCareful;
      if (std::isnan(value_)) value_ = model::NormalNaN();
    }
  }
  has_time_ = *end == ' ';
  if (has_time_) {
    ++end;
    if (kFormat == Format::kText) {
      constexpr std::ptrdiff_t kDigitsThatFit = 18;
      const char* const digits = end;
      base::Time time = 0;
      for (; *end >= '0' && *end <= '9' && end - digits < kDigitsThatFit; ++end)
        time = time * 10 + (*end - '0');
      if (end == digits) return Lane::kCareful;
      time_ = time;
    } else {
      double seconds = 0;
      end = detail::ReadShortDecimal(end, seconds);
      if (end == nullptr) return Lane::kCareful;
      time_ = detail::SecondsToTime(seconds);
    }
  }
  if (*end != '\n') return Lane::kCareful;
  at_ = end + 1;
  return Lane::kSample;
}

template <Format kFormat>
PageParser::Lane PageParser::QuickMetadata(const char* at) {
  if (lines_end_ - at < static_cast<std::ptrdiff_t>(kWord)) return Lane::kCareful;
  const std::uint64_t keyword = detail::FirstBytes(LoadWord(at), kKeywordBytes);
  const bool known =
      keyword == kHelp || keyword == kType || (kFormat == Format::kOpenMetrics && keyword == kUnit);
  if (!known) return Lane::kCareful;
  at += kKeywordBytes;
  const char* const name = at;
  if (!Is(*at, detail::kMetricStart)) return Lane::kCareful;
  do ++at;
  while (Is(*at, detail::kMetricChar));
  name_ = Between(name, at);
  const char* const line_break = LineBreak(at, lines_end_);
  if (*at != ' ') return Lane::kCareful;  // text without any text, and worse
  ++at;
  if (kFormat == Format::kText && (IsBlank(*at) || *at == '\0')) return Lane::kCareful;
  text_ = Between(at, line_break);
  Lane lane = Lane::kCareful;
  if (keyword == kType) {
    if (!detail::ReadType(text_, kFormat, type_)) return Lane::kCareful;
    skipped_type_ = nullptr;
    lane = Lane::kType;
  } else if (keyword == kHelp) {
    if (!IsUtf8(text_)) return Lane::kCareful;
    lane = Lane::kHelp;
  } else {
    if (!detail::IsUnitOf(text_, name_)) return Lane::kCareful;
    lane = Lane::kUnit;
  }
  at_ = line_break + 1;
  return lane;
}

PageParser::Lane PageParser::Careful() {
  using Kind = detail::PageEntry::Kind;
  auto read =
      detail::ReadEntry(Between(begin_, end_), static_cast<std::size_t>(at_ - begin_), format_);
  if (!read) {
    error_ = std::move(read).error();
    return Lane::kNothing;
  }
  const detail::PageEntry& entry = *read;
  at_ = begin_ + entry.next;
  name_ = entry.name;
  text_ = entry.text;
  switch (entry.kind) {
    case Kind::kSample:
      series_ = entry.series;
      value_ = entry.value;
      has_time_ = entry.has_time;
      time_ = entry.time;
      return Lane::kSample;
    case Kind::kType:
      type_ = entry.type;
      skipped_type_ = nullptr;
      return Lane::kType;
    case Kind::kHelp:
      return Lane::kHelp;
    case Kind::kUnit:
      return Lane::kUnit;
    case Kind::kNothing:
      return Lane::kNothing;
    case Kind::kEnd:
      ended_ = true;
      return Lane::kNothing;
  }
  return Lane::kNothing;
}

const char* PageParser::SkipUnneeded(const char* at) {
  // A line is looked at when a keyword and a word of its name may be loaded.
  constexpr std::ptrdiff_t kRoom = kKeywordBytes + kWord;
  // The lines of a family follow each other: a name that was not needed a line ago need not be
  // looked up.
  const char* last = nullptr;
  std::ptrdiff_t last_size = 0;
  while (end_ - at >= kRoom) {
    const char* name = at;
    std::uint8_t use = NameFilter::kSample;
    bool is_type = false;
    if (*at == '#') {
      const std::uint64_t keyword = detail::FirstBytes(LoadWord(at), kKeywordBytes);
      is_type = keyword == kType;
      const bool known =
          is_type || keyword == kHelp || (keyword == kUnit && format_ == Format::kOpenMetrics);
      if (!known) return at;
      use = NameFilter::kFamily;
      name += kKeywordBytes;
    }
    if (!Is(*name, detail::kMetricStart)) return at;

    const char* rest = name + last_size;
    const bool same = last != nullptr && end_ - rest >= static_cast<std::ptrdiff_t>(kWord) &&
                      std::memcmp(name, last, static_cast<std::size_t>(last_size)) == 0 &&
                      (*rest == ' ' || *rest == '{');
    if (!same) {
      detail::NameHash hash;
      rest = name;
      while (true) {
        if (end_ - rest < static_cast<std::ptrdiff_t>(kWord)) return at;
        const std::uint64_t word = LoadWord(rest);
        // Of the bytes that end a name all that matter are below '0', or '{', or not ASCII.
        const std::uint64_t stop =
            FindBelow(word, '0') | FindByte(word, '{') | (word & detail::kHighs);
        if (stop != 0) {
          const int count = FirstOf(stop);
          hash.Add(detail::FirstBytes(word, count));
          rest += count;
          break;
        }
        hash.Add(word);
        rest += kWord;
      }
      const std::uint8_t uses = keep_->Find(hash.Finish(), Between(name, rest));
      if ((uses & use) != 0) {
        needed_ = true;
        return at;
      }
      last = uses == NameFilter::kNothing ? name : nullptr;
      last_size = last == nullptr ? 0 : rest - name;
    }
    if (is_type) skipped_type_ = at;
    const char* const line_break = NearLineBreak(rest);
    if (line_break == nullptr) return end_;
    at = line_break + 1;
  }
  return at;
}

// As memchr, for lines that mostly end soon.
const char* PageParser::NearLineBreak(const char* at) const {
  constexpr int kWordsTried = 2;
  for (int i = 0; i < kWordsTried && end_ - at >= static_cast<std::ptrdiff_t>(kWord);
       ++i, at += kWord) {
    const std::uint64_t found = FindByte(LoadWord(at), '\n');
    if (found != 0) return at + FirstOf(found);
  }
  return LineBreak(at, end_);
}

bool PageParser::IsNeeded(Lane lane) const {
  std::string unescaped;
  std::string_view name = name_;
  if (name.find('\\') != std::string_view::npos) {
    detail::AppendUnescaped(name, true, unescaped);
    name = unescaped;
  }
  switch (lane) {
    case Lane::kSample:
      return keep_->NeedsSample(name);
    case Lane::kType:
    case Lane::kHelp:
    case Lane::kUnit:
      return keep_->NeedsFamily(name);
    case Lane::kNothing:
    case Lane::kCareful:
      return false;
  }
  return false;
}

model::MetricType PageParser::Type() const {
  if (skipped_type_ == nullptr) return type_;
  const auto read = detail::ReadEntry(Between(begin_, end_),
                                      static_cast<std::size_t>(skipped_type_ - begin_), format_);
  return read && read->kind == detail::PageEntry::Kind::kType ? read->type : type_;
}

base::Result<void> PageParser::DecodeLabels(model::LabelsBuilder& out) const {
  return detail::DecodeSeries(series_, Type(), out);
}

std::string PageParser::Text() const {
  std::string out;
  detail::AppendUnescaped(text_, format_ == Format::kOpenMetrics, out);
  return out;
}

}  // namespace plimsoll::exposition
