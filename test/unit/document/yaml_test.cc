// SPDX-License-Identifier: Apache-2.0
#include "document/yaml.h"

#include <doctest/doctest.h>

#include "support/error_text.h"

using namespace plimsoll;
using namespace plimsoll::document;

namespace {

std::string ErrorOf(std::string_view text, const YamlLimits& limits = {}) {
  const auto document = ParseYaml(text, "f.yml", limits);
  return document ? "no error" : document.error().ToString();
}

YamlDocument Parse(std::string_view text) {
  auto document = ParseYaml(text, "f.yml");
  REQUIRE_MESSAGE(document.has_value(), test::ErrorText(document));
  return *std::move(document);
}

// The tree as text, with line:column of every scalar.
std::string Show(const YamlNode& node) {
  const std::string at = std::to_string(node.line) + ":" + std::to_string(node.column);
  std::string text;
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "~";
    case YamlNode::Kind::kScalar:
      return node.text + "@" + at;
    case YamlNode::Kind::kList:
      for (const auto* item : node.items) text += (text.empty() ? "" : ", ") + Show(*item);
      return "[" + text + "]";
    case YamlNode::Kind::kMap:
      for (const auto& [key, value] : node.entries)
        text += (text.empty() ? "" : ", ") + Show(*key) + ": " + Show(*value);
      return "{" + text + "}";
  }
  return text;
}

}  // namespace

TEST_CASE("every node knows its line and column") {
  CHECK(Show(Parse("a: 1\nb:\n  - x\n  - {c: 'd'}\n").root()) ==
        "{a@1:1: 1@1:4, b@2:1: [x@3:5, {c@4:6: d@4:9}]}");
}

TEST_CASE("an empty text is nothing") {
  CHECK(Show(Parse("").root()) == "~");
  CHECK(Show(Parse("# only a comment\n").root()) == "~");
  CHECK(Show(Parse("\xEF\xBB\xBF"
                   "a: 1")
                 .root()) == "{a@1:1: 1@1:4}");
}

TEST_CASE("only the first document counts") {
  CHECK(Show(Parse("a: 1\n---\nb: 2\n").root()) == "{a@1:1: 1@1:4}");
}

TEST_CASE("a key given twice is an error that names both places") {
  CHECK(ErrorOf("a: 1\nb: 2\na: 3\n") == "f.yml:3:1: key \"a\" is given twice, first in line 1");
  CHECK(ErrorOf("x:\n- {k: 1, k: 2}\n") == "f.yml:2:10: key \"k\" is given twice, first in line 2");
}

TEST_CASE("a key must be a word") {
  CHECK(ErrorOf("? [a, b]\n: 1\n") == "f.yml:1:3: a key must be a plain word, found a list");
}

TEST_CASE("bad syntax is an error with a place") {
  CHECK(ErrorOf("a: [1, 2\nb: 3\n") == "f.yml:2:2: not YAML: end of sequence flow not found");
  CHECK(ErrorOf("a: *b\n") == "f.yml:1:4: not YAML: the referenced anchor is not defined");
  CHECK(ErrorOf("a: 1\nb: \x01\n") == "f.yml:2:4: control characters are not allowed, found 0x01");
  CHECK(ErrorOf("a: 1\nb: \xff\n") == "f.yml:2: invalid UTF-8");
}

TEST_CASE("a tag that would be ignored is an error") {
  CHECK(ErrorOf("a: !!binary 'eA=='\n") ==
        "f.yml:1:4: the tag \"tag:yaml.org,2002:binary\" is not supported");
  CHECK(ErrorOf("a: !include x.yml\n") == "f.yml:1:4: the tag \"!include\" is not supported");
  CHECK(ErrorOf("a: !!str 1\nb: !!seq [!!int 1]\n") == "no error");
}

TEST_CASE("an alias stands for what it names, and << fills in what is missing") {
  CHECK(Show(Parse("a: &x [1]\nb: *x\n").root()) == "{a@1:1: [1@1:8], b@2:1: [1@1:8]}");
  CHECK(Show(Parse("a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\n").root()) ==
        "{a@1:1: {p@1:8: 1@1:11, q@1:14: 2@1:17}, b@2:1: {q@4:3: 3@4:6, p@1:8: 1@1:11}}");
  CHECK(ErrorOf("a: {<<: 1}\n") == "f.yml:1:9: '<<' merges a mapping, found the number 1");
}

TEST_CASE("an alias inside what it names is an error") {
  CHECK(ErrorOf("a: &x [*x]\n") == "f.yml:1:8: an alias stands inside what it names");
}

TEST_CASE("aliases count as what they stand for, so a text cannot blow up") {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 20; ++i) {
    const std::string name = "a" + std::to_string(i);
    bomb += name + ": &" + name + " [";
    for (int j = 0; j < 10; ++j) bomb += (j == 0 ? "*a" : ", *a") + std::to_string(i - 1);
    bomb += "]\n";
  }
  CHECK(ErrorOf(bomb) ==
        "f.yml:6:25: the document has more than 500000 values (aliases counted as what they stand "
        "for)");
}

TEST_CASE("bytes, values and depth are bounded, and the last allowed one is allowed") {
  CHECK(ErrorOf("a: 1", {.bytes = 4}) == "no error");
  CHECK(ErrorOf("a: 12", {.bytes = 4}) == "f.yml: the file has 5 bytes, more than 4");
  CHECK(ErrorOf("[1, 2]", {.nodes = 3}) == "no error");
  CHECK(ErrorOf("[1, 2, 3]", {.nodes = 3}) ==
        "f.yml:1:8: the document has more than 3 values (aliases counted as what they stand for)");
  CHECK(ErrorOf("[[1]]", {.depth = 2}) == "no error");
  CHECK(ErrorOf("[[[1]]]", {.depth = 2}) == "f.yml:1:3: more than 2 levels deep");
  CHECK(ErrorOf(std::string(101, '[') + std::string(101, ']')) ==
        "f.yml:1:101: more than 100 levels deep");
}

TEST_CASE("a place inside a scalar is known where the source repeats the text") {
  const auto place = [](std::string_view text, std::size_t offset) {
    const YamlDocument document = Parse(text);
    return document.PlaceOf(*document.root().Find("q"), offset).ToString();
  };
  CHECK(place("q: sum(x)\n", 4) == "f.yml:1:8");
  CHECK(place("q: 'sum(x)'\n", 4) == "f.yml:1:9");
  CHECK(place("q: \"sum(x)\"\n", 4) == "f.yml:1:9");
  CHECK(place("q: \"a\\\"b\"\n", 2) ==
        "f.yml:1:4");  // an escape before it: where the scalar begins
  CHECK(place("q: |\n  sum(\n    x)\n", 7) == "f.yml:3:5");
  CHECK(place("q: |\n  sum(\n    x)\n", 2) == "f.yml:2:5");
  CHECK(place("q: >\n  sum(\n  x)\n", 6) == "f.yml:1:4");
}

TEST_CASE("the escapes for a next line and a hard space are whole characters") {
  const YamlDocument document = Parse("{\"a\\N\\_\": \"\u00e9\\_\\x85\\u0085\"}");
  const YamlNode* value = document.root().Find("a\xC2\x85\xC2\xA0");
  REQUIRE(value != nullptr);
  CHECK(value->text == "\xC3\xA9\xC2\xA0\xC2\x85\xC2\x85");
}
