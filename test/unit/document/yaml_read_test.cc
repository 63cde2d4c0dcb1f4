// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>

#include "base/format.h"
#include "document/yaml.h"
#include "support/error_text.h"

using namespace plimsoll;
using namespace plimsoll::document;
using std::chrono::milliseconds;

namespace {

// Reads `text` with `read(MapReader&)`, and returns every error on a line of its own.
template <typename F>
std::string Reading(std::string_view text, F&& read) {
  const auto document = ParseYaml(text, "f");
  if (!document) return document.error().ToString();
  Errors errors;
  MapReader map(document->root(), "a thing", errors);
  read(map);
  map.Finish();
  std::string all;
  for (const auto& error : errors.list()) all += (all.empty() ? "" : "\n") + error.ToString();
  return all;
}

template <typename T>
std::string Value(std::string_view text) {
  T value{};
  const std::string errors =
      Reading("k: " + std::string(text), [&](MapReader& map) { (void)map.Read("k", value); });
  if (!errors.empty()) return errors;
  if constexpr (std::is_same_v<T, milliseconds>) {
    return fmt::format("{}ms", value.count());
  } else {
    return fmt::format("{}", value);
  }
}

}  // namespace

TEST_CASE("a truth value is written as go-yaml reads it, and never in quotes") {
  for (const char* word : {"true", "True", "TRUE", "yes", "on", "y"})
    CHECK(Value<bool>(word) == "true");
  for (const char* word : {"false", "False", "no", "Off", "n"}) CHECK(Value<bool>(word) == "false");
  CHECK(Value<bool>("'true'") == "f:1:4: 'k': expected true or false, found the text \"true\"");
  CHECK(Value<bool>("1") == "f:1:4: 'k': expected true or false, found the number 1");
  CHECK(Value<bool>("[]") == "f:1:4: 'k': expected true or false, found a list");
}

TEST_CASE("a whole number is decimal, hexadecimal, octal or binary") {
  CHECK(Value<std::int64_t>("12") == "12");
  CHECK(Value<std::int64_t>("-12") == "-12");
  CHECK(Value<std::int64_t>("0x10") == "16");
  CHECK(Value<std::int64_t>("0o17") == "15");
  CHECK(Value<std::int64_t>("9223372036854775807") == "9223372036854775807");
  CHECK(Value<std::int64_t>("9223372036854775808") ==
        "f:1:4: 'k': expected a whole number, found the number 9223372036854775808");
  CHECK(Value<std::int64_t>("1.5") == "f:1:4: 'k': expected a whole number, found the number 1.5");
  CHECK(Value<std::int64_t>("'1'") == "f:1:4: 'k': expected a whole number, found the text \"1\"");
  CHECK(Value<std::int64_t>("{a: 1}") == "f:1:4: 'k': expected a whole number, found a mapping");
  CHECK(Value<std::uint64_t>("-1") ==
        "f:1:4: 'k': expected a whole number that is not negative, found the number -1");
}

TEST_CASE("a number may have a fraction, an exponent or no bound") {
  CHECK(Value<double>("1.5e3") == "1500");
  CHECK(Value<double>("-.inf") == "-inf");
  CHECK(Value<double>(".5") == "0.5");
  CHECK(Value<double>("true") == "f:1:4: 'k': expected a number, found the truth value true");
  CHECK(Value<double>("inf") == "f:1:4: 'k': expected a number, found the text \"inf\"");
  CHECK(Value<double>("1x") == "f:1:4: 'k': expected a number, found the text \"1x\"");
}

TEST_CASE("a duration is Prometheus's") {
  CHECK(Value<milliseconds>("1h30m") == "5400000ms");
  CHECK(Value<milliseconds>("'30s'") == "30000ms");
  CHECK(Value<milliseconds>("0") == "0ms");
  CHECK(Value<milliseconds>("15") == "f:1:4: 'k': not a valid duration string: \"15\"");
  CHECK(Value<milliseconds>("[1]") == "f:1:4: 'k': expected a duration such as 30s, found a list");
}

TEST_CASE("a size has a unit") {
  std::uint64_t size = 0;
  CHECK(Reading("k: 10MB", [&](MapReader& map) { (void)map.ReadSize("k", size); }).empty());
  CHECK(size == 10U << 20);
  CHECK(Reading("k: {}", [&](MapReader& map) { (void)map.ReadSize("k", size); }) ==
        "f:1:4: 'k': expected a size such as 10MB, found a mapping");
}

TEST_CASE("any scalar is a text, as it is spelled") {
  CHECK(Value<std::string>("abc") == "abc");
  CHECK(Value<std::string>("0x10") == "0x10");
  CHECK(Value<std::string>("true") == "true");
  CHECK(Value<std::string>("[a]") == "f:1:4: 'k': expected a text, found a list");
}

TEST_CASE("a list of texts names the item that is none") {
  std::vector<std::string> list;
  CHECK(Reading("k: [a, 1]", [&](MapReader& map) { CHECK(map.Read("k", list)); }).empty());
  CHECK(list == std::vector<std::string>{"a", "1"});
  CHECK(Reading("k:\n- a\n- {}\n", [&](MapReader& map) { CHECK_FALSE(map.Read("k", list)); }) ==
        "f:3:3: 'k': expected a text, found a mapping");
  CHECK(Reading("k: a\n", [&](MapReader& map) { CHECK_FALSE(map.Read("k", list)); }) ==
        "f:1:4: 'k': expected a list, found the text \"a\"");
}

TEST_CASE("an absent or null key keeps the default") {
  std::string a = "default", b = "default";
  CHECK(Reading("a:\n", [&](MapReader& map) {
          CHECK_FALSE(map.Read("a", a));
          CHECK_FALSE(map.Read("b", b));
        }).empty());
  CHECK(a == "default");
  CHECK(b == "default");
}

TEST_CASE("an unknown key is an error that names the nearest known one") {
  std::string value;
  const auto read = [&](MapReader& map) { (void)map.Read("scrape_interval", value); };
  CHECK(Reading("a: 1\n", read) == "f:1:1: a thing: unknown key 'a'");
  CHECK(Reading("\nscrape_intervall: 1\n", read) ==
        "f:2:1: a thing: unknown key 'scrape_intervall', did you mean 'scrape_interval'?");
}

TEST_CASE("a refused key is named, and never offered") {
  const auto read = [](MapReader& map) { map.Refuse("remote_write", "not here"); };
  CHECK(Reading("remote_write: []\n", read) == "f:1:1: not here");
  CHECK(Reading("remote_writ: []\n", read) == "f:1:1: a thing: unknown key 'remote_writ'");
}

TEST_CASE("all errors of a text are reported, up to a bound") {
  bool b = false;
  double d = 0;
  CHECK(Reading("b: 1\nd: x\nzzz: 1\n",
                [&](MapReader& map) {
                  (void)map.Read("b", b);
                  (void)map.Read("d", d);
                }) ==
        "f:1:4: 'b': expected true or false, found the number 1\n"
        "f:2:4: 'd': expected a number, found the text \"x\"\n"
        "f:3:1: a thing: unknown key 'zzz'");
  Errors errors;
  for (std::size_t i = 0; i < Errors::kMost + 5; ++i) errors.Add("x", {});
  CHECK(errors.list().size() == Errors::kMost);
  CHECK(errors.count() == Errors::kMost + 5);
}

TEST_CASE("what is not a mapping is named") {
  CHECK(Reading("- a\n", [](MapReader&) {}) == "f:1:1: a thing: expected a mapping, found a list");
  CHECK(Reading("", [](MapReader&) {}).empty());
}

TEST_CASE("a long text is shown by its beginning, cut between characters") {
  YamlNode node;
  node.kind = YamlNode::Kind::kScalar;
  node.style = YamlNode::Style::kDoubleQuoted;
  node.text = std::string(59, 'x') + "\xC3\xA4 and more";
  CHECK(DescribeYaml(node) == "the text \"" + std::string(59, 'x') + "\"...");
}
