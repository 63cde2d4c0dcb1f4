// SPDX-License-Identifier: Apache-2.0
//
// Rule files as text, and whether two mean the same. See ruler/rule_file.h.
#include <algorithm>

#include "base/format.h"
#include "base/number_text.h"
#include "promql/print.h"
#include "ruler/rule_file.h"

namespace plimsoll::ruler {

namespace {

// A double-quoted scalar, with every byte that YAML could fold or refuse escaped.
std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text[i];
    } else if (c < 0x20 || c == 0x7F) {
      out += base::format("\\x{:02x}", c);
    } else if (c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA1) {
      out += base::format("\\x{:02x}", static_cast<unsigned char>(text[++i]));  // U+0080 to U+00A0
    } else if (text.substr(i, 3) == "\xE2\x80\xA8" || text.substr(i, 3) == "\xE2\x80\xA9") {
      out += text[i + 2] == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else if (text.substr(i, 3) == "\xEF\xBB\xBF") {
      out += "\\ufeff";
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out + '"';
}

void AppendLabels(const RuleLabels& labels, std::string_view indent, std::string& out) {
  if (labels.empty()) return;
  out += base::format("{}labels:\n", indent);
  for (const auto& [name, value] : labels) {
    out += base::format("{}  {}: {}\n", indent, Quoted(name), Quoted(value));
  }
}

bool Equal(const Rule& a, const Rule& b) {
  return a.record == b.record && a.labels == b.labels && promql::Equal(*a.expr, *b.expr);
}

bool Equal(const Group& a, const Group& b) {
  return a.name == b.name && a.interval == b.interval && a.query_offset == b.query_offset &&
         a.limit == b.limit && a.labels == b.labels &&
         std::equal(a.rules.begin(), a.rules.end(), b.rules.begin(), b.rules.end(),
                    [](const Rule& x, const Rule& y) { return Equal(x, y); });
}

}  // namespace

std::string PrintRuleFile(const RuleFile& file) {
  std::string out = file.groups.empty() ? "groups: []\n" : "groups:\n";
  for (const Group& group : file.groups) {
    out += base::format("  - name: {}\n", Quoted(group.name));
    if (group.interval)
      out += base::format("    interval: {}\n", base::FormatDuration(*group.interval));
    if (group.query_offset) {
      out += base::format("    query_offset: {}\n", base::FormatDuration(*group.query_offset));
    }
    if (group.limit != 0) out += base::format("    limit: {}\n", group.limit);
    AppendLabels(group.labels, "    ", out);
    if (group.rules.empty()) continue;
    out += "    rules:\n";
    for (const Rule& rule : group.rules) {
      out += base::format("      - record: {}\n        expr: {}\n", Quoted(rule.record),
                          Quoted(promql::Print(*rule.expr)));
      AppendLabels(rule.labels, "        ", out);
    }
  }
  return out;
}

bool Equal(const RuleFile& a, const RuleFile& b) {
  return std::equal(a.groups.begin(), a.groups.end(), b.groups.begin(), b.groups.end(),
                    [](const Group& x, const Group& y) { return Equal(x, y); });
}

}  // namespace plimsoll::ruler
