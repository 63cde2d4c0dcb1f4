// SPDX-License-Identifier: Apache-2.0
#include "document/json.h"

#include <doctest/doctest.h>

#include <cmath>

#include "support/error_text.h"

using namespace plimsoll;
using namespace plimsoll::document;

namespace {

std::string Again(std::string_view text, const JsonLimits& limits = {}) {
  const auto json = ParseJson(text, "f", limits);
  if (!json) return json.error().ToString();
  std::string out;
  AppendJson(*json, out);
  return out;
}

std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonString(text, out);
  return out;
}

std::string QuotedHtml(std::string_view text) {
  std::string out;
  AppendJsonStringHtml(text, out);
  return out;
}

}  // namespace

TEST_CASE("what was read is written again") {
  CHECK(Again(R"( {"a": [1, -2, 1.5, true, false, null, "x"], "b": {}} )") ==
        R"({"a":[1,-2,1.5,true,false,null,"x"],"b":{}})");
  CHECK(Again("9223372036854775807") == "9223372036854775807");
  CHECK(Again("18446744073709551615") == "18446744073709552000");
  CHECK(Again("1e300") == "1e+300");
  CHECK(Again("[-0, -0.0]") == "[0,-0.0]");
  CHECK(Again("[4, 4.0, -3e2, 0.5, 1e15]") == "[4,4.0,-300.0,0.5,1000000000000000.0]");
  CHECK(Again(R"("\u00e4\n")") == "\"\xC3\xA4\\n\"");
}

TEST_CASE("members are found by name, the last of a repeated one") {
  const auto json = ParseJson(R"({"a": {"b": 1, "s": "x", "t": true}, "n": 1.5, "n": 2.5})");
  REQUIRE_MESSAGE(json.has_value(), test::ErrorText(json));
  CHECK(json->Number("n") == 2.5);
  CHECK(json->Integer("n") == std::nullopt);
  REQUIRE(json->At("a", "b") != nullptr);
  CHECK(json->At("a", "b")->integer == 1);
  CHECK(json->At("a", "b", "c") == nullptr);
  CHECK(json->At("z", "b") == nullptr);
  CHECK(json->Find("a")->String("s") == "x");
  CHECK(json->Find("a")->Bool("t") == true);
  CHECK(json->Find("a")->Bool("s") == std::nullopt);
  CHECK(json->Find("a")->Number("s") == std::nullopt);
}

TEST_CASE("bad JSON is an error with a place") {
  CHECK(Again("{\"a\": 1,\n x}") ==
        "f:2:2: not JSON: syntax error while parsing object key - invalid literal");
  CHECK(ParseJson("").error().where == base::Place{"", 1, 1});
  CHECK(ParseJson("[1] 2", "f").error().where == base::Place{"f", 1, 5});
  CHECK(ParseJson("\"\xff\"").error().where == base::Place{"", 1, 2});
  CHECK_FALSE(ParseJson("1e999"));
  CHECK_FALSE(ParseJson("{\"a\":NaN}"));
}

TEST_CASE("the error of bad JSON quotes nothing of it") {
  const auto message = [](std::string_view text) { return ParseJson(text).error().message; };
  CHECK(
      message("{\"ca.key\": \"c2VjcmV0\n\"}") ==
      "not JSON: syntax error while parsing value - invalid string: control character U+000A (LF) "
      "must be escaped to \\u000A or \\n");
  CHECK(message("{\"ca.key\": c2VjcmV0; last read: 'secret'}") ==
        "not JSON: syntax error while parsing value - invalid literal");
  CHECK(message("{\"a\": \"secret") ==
        "not JSON: syntax error while parsing value - invalid string: missing closing quote");
  CHECK(
      message("{\"a\" \"secret\"}") ==
      "not JSON: syntax error while parsing object separator - unexpected string literal; expected "
      "':'");
  CHECK(message("[1e" + std::string(400, '9') + "]").size() < 100);
}

TEST_CASE("bytes, values and depth are bounded, and the last allowed one is allowed") {
  CHECK(Again("[1]", {.bytes = 3}) == "[1]");
  CHECK(Again("[12]", {.bytes = 3}) == "f: the JSON has 4 bytes, more than 3");
  CHECK(Again("[1,2]", {.values = 3}) == "[1,2]");
  CHECK(Again("[1,2,3]", {.values = 3}) == "f: the JSON has more than 3 values");
  CHECK(Again("[[1]]", {.depth = 2}) == "[[1]]");
  CHECK(Again("[[[1]]]", {.depth = 2}) == "f: the JSON has more than 2 levels deep");
  CHECK(Again(std::string(1000000, '[')) == "f: the JSON has more than 200 levels deep");
}

TEST_CASE("a label's text is escaped as Prometheus's API does") {
  CHECK(Quoted("") == R"("")");
  CHECK(Quoted("a\"b\\c\n\r\t\x01\x1f\x7f") == "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u001f\x7f\"");
  CHECK(Quoted("<&>\xE2\x80\xA8\xff") == "\"<&>\xE2\x80\xA8\xff\"");
}

TEST_CASE("any other text is escaped as Go's encoding/json does") {
  CHECK(QuotedHtml("<a>&\"\n\x02") == R"("\u003ca\u003e\u0026\"\n\u0002")");
  CHECK(QuotedHtml("\xE2\x80\xA8\xE2\x80\xA9\xC3\xA4") == "\"\\u2028\\u2029\xC3\xA4\"");
  CHECK(QuotedHtml("a\xff\xC3") == R"("a\ufffd\ufffd")");
}

TEST_CASE("the writer puts the commas") {
  std::string out = "before{";
  JsonWriter writer(out);
  writer.Object().Key("a").List().Integer(1).Integer(-2).Bool(true).Null().EndList();
  writer.Key("b").Object().EndObject().Key("c").String(",").Key("d").Number(1.5).Key("e").Number(
      std::nan(""));
  writer.Key("f").LabelString("<").EndObject();
  CHECK(out == R"(before{{"a":[1,-2,true,null],"b":{},"c":",","d":1.5,"e":null,"f":"<"})");
}
