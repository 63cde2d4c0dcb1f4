// SPDX-License-Identifier: Apache-2.0
//
// RE2 behind model/regex.h.
#include "model/regex.h"

#include <re2/re2.h>

#include <algorithm>
#include <optional>

#include "base/number_text.h"

namespace plimsoll::model {

struct Regex::Compiled {
  explicit Compiled(const std::string& anchored, const RE2::Options& options)
      : re(anchored, options) {}
  RE2 re;
};

namespace {

// Splits "a|b|c" when no part needs a regular expression.
std::vector<std::string> Literals(std::string_view pattern) {
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '|') {
      parts.emplace_back();
    } else if (c == '\\' && i + 1 < pattern.size() &&
               std::string_view(".+*?()|[]{}^$\\-/").find(pattern[i + 1]) !=
                   std::string_view::npos) {
      parts.back() += pattern[++i];
    } else if (std::string_view("\\.+*?()[]{}^$").find(c) != std::string_view::npos) {
      return {};
    } else {
      parts.back() += c;
    }
  }
  std::sort(parts.begin(), parts.end());
  parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
  return parts;
}

// One reference of a template: the text before it, the group it names, and what is left.
struct Reference {
  std::string_view name;
  std::string_view rest;
};

std::optional<Reference> ReadReference(std::string_view after_dollar) {
  const bool brace = !after_dollar.empty() && after_dollar[0] == '{';
  const std::string_view text = after_dollar.substr(brace ? 1 : 0);
  std::size_t length = 0;
  while (length < text.size() &&
         (std::isalnum(static_cast<unsigned char>(text[length])) != 0 || text[length] == '_')) {
    ++length;
  }
  if (length == 0) return std::nullopt;
  if (brace && (length >= text.size() || text[length] != '}')) return std::nullopt;
  return Reference{text.substr(0, length), text.substr(length + (brace ? 1 : 0))};
}

// Go also reads (?<name>...), which older versions of RE2 know only as (?P<name>...).
std::string WithPNames(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  std::size_t class_start = 0;  // where a ']' is still an ordinary character
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const std::string_view rest = pattern.substr(i);
    if (rest.starts_with("\\Q") && !in_class) {
      const std::size_t end = rest.find("\\E");
      out += rest.substr(0, end);
      if (end == std::string_view::npos) break;
      i += end - 1;
    } else if (rest[0] == '\\' && rest.size() > 1) {
      out += rest.substr(0, 2);
      ++i;
    } else if (in_class) {
      if (rest.starts_with("[:")) {  // [:alpha:]; its ']' does not close the class
        const std::size_t end = rest.find(":]");
        if (end != std::string_view::npos) {
          out += rest.substr(0, end + 2);
          i += end + 1;
          continue;
        }
      }
      if (rest[0] == ']' && i > class_start) in_class = false;
      out += rest[0];
    } else if (rest[0] == '[') {
      in_class = true;
      class_start = i + (rest.starts_with("[^") ? 2 : 1);
      out += rest[0];
    } else if (rest.starts_with("(?<") && !rest.starts_with("(?<=") && !rest.starts_with("(?<!")) {
      out += "(?P<";
      i += 2;
    } else {
      out += rest[0];
    }
  }
  return out;
}

// RE2 and Go's regexp have the same author and the same errors, in other words.
std::string GoWords(std::string_view error, std::string_view fragment) {
  constexpr std::pair<std::string_view, std::string_view> kWords[] = {
      {"missing )", "missing closing )"},
      {"missing ]", "missing closing ]"},
      {"no argument for repetition operator", "missing argument to repetition operator"},
      {"bad repetition operator", "invalid nested repetition operator"},
      {"trailing \\", "trailing backslash at end of expression"},
      {"invalid repetition size", "invalid repeat count"},
      {"invalid named capture group", "invalid named capture"},
      {"invalid perl operator", "invalid or unsupported Perl syntax"},
  };
  std::string_view words = error;
  if (!fragment.empty() && words.ends_with(fragment)) words.remove_suffix(fragment.size());
  if (words.ends_with(": ")) words.remove_suffix(2);
  for (const auto& [re2, go] : kWords) {
    if (words == re2) {
      words = go;
      break;
    }
  }
  return std::string(words) + ": `" + std::string(fragment) + "`";
}

}  // namespace

base::Result<Regex> Regex::Compile(std::string_view pattern) {
  Regex regex;
  regex.pattern_ = pattern;
  RE2::Options options(RE2::Quiet);
  options.set_dot_nl(true);
  options.set_max_mem(8 << 20);
  options.set_encoding(base::IsValidUtf8(pattern) ? RE2::Options::EncodingUTF8
                                                  : RE2::Options::EncodingLatin1);
  if (!base::IsValidUtf8(pattern)) {
    return base::BadInput("error parsing regexp: invalid UTF-8: `" + std::string(pattern) + "`");
  }
  // Checked alone first: "a)(b" must not become valid by the parentheses around it.
  const std::string readable = WithPNames(pattern);
  const RE2 alone(readable, options);
  if (!alone.ok()) {
    return base::BadInput("error parsing regexp: " + GoWords(alone.error(), alone.error_arg()));
  }
  regex.literals_ = Literals(pattern);
  std::string anchored = "^(?s:";
  anchored += readable;
  anchored += ")$";
  regex.compiled_ = std::make_shared<const Compiled>(anchored, options);
  if (!regex.compiled_->re.ok()) {
    return base::BadInput("error parsing regexp: " + regex.compiled_->re.error());
  }
  return regex;
}

bool Regex::Matches(std::string_view text) const {
  if (!literals_.empty())
    return std::binary_search(literals_.begin(), literals_.end(), text, std::less<>());
  return RE2::FullMatch(re2::StringPiece(text.data(), text.size()), compiled_->re);
}

bool Regex::Expand(std::string_view text, std::string_view replacement, std::string& out) const {
  const RE2& re = compiled_->re;
  std::vector<re2::StringPiece> groups(static_cast<std::size_t>(re.NumberOfCapturingGroups()) + 1);
  if (!re.Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), RE2::ANCHOR_BOTH,
                groups.data(), static_cast<int>(groups.size()))) {
    return false;
  }
  std::string_view rest = replacement;
  while (!rest.empty()) {
    const std::size_t dollar = rest.find('$');
    out += rest.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    rest.remove_prefix(dollar + 1);
    if (!rest.empty() && rest[0] == '$') {
      out += '$';
      rest.remove_prefix(1);
      continue;
    }
    const auto reference = ReadReference(rest);
    if (!reference) {
      out += '$';  // malformed: Go leaves the dollar sign as it is
      continue;
    }
    rest = reference->rest;
    std::optional<std::size_t> index;
    if (std::all_of(reference->name.begin(), reference->name.end(),
                    [](char c) { return c >= '0' && c <= '9'; })) {
      std::size_t number = 0;
      for (const char c : reference->name)
        number = std::min<std::size_t>(number * 10 + static_cast<std::size_t>(c - '0'), 1000000);
      index = number;
    } else if (const auto found = re.NamedCapturingGroups().find(std::string(reference->name));
               found != re.NamedCapturingGroups().end()) {
      index = static_cast<std::size_t>(found->second);
    }
    if (index && *index < groups.size() && groups[*index].data() != nullptr) {
      out.append(groups[*index].data(), groups[*index].size());
    }
  }
  return true;
}

bool HasTemplate(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '$' && (ReadReference(text.substr(i + 1)) || text.substr(i + 1, 1) == "$"))
      return true;
  }
  return false;
}

}  // namespace plimsoll::model
