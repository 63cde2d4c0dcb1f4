// SPDX-License-Identifier: Apache-2.0
//
// What the parser accepts, and the exact words with which it refuses.
#include "promql/parser.h"

#include <doctest/doctest.h>

#include "promql/functions.h"
#include "support/error_text.h"

namespace plimsoll::promql {

namespace {

// Returns: the error text, or "" if the query parses.
std::string Refusal(std::string_view query, const ParseOptions& options = {}) {
  const auto parsed = Parse(query, options);
  return parsed ? "" : parsed.error().ToString();
}

ParseOptions Everything() {
  ParseOptions options;
  options.experimental_functions = options.extended_range_selectors = options.binop_fill = true;
  return options;
}

struct Refused {
  std::string_view query;
  std::string_view text;
};

// NOLINTNEXTLINE: a table reads best in one piece
constexpr Refused kRefused[] = {
    // Nothing, too little, too much.
    {"", "unknown position: parse error: no expression found in input"},
    {" # only a remark", "1:1: parse error: no expression found in input"},
    {"up *", "1:5: parse error: unexpected end of input"},
    {"(up", "1:4: parse error: unclosed left parenthesis"},
    {"up)", "1:4: parse error: unexpected right parenthesis ')'"},
    {"up up", "1:4: parse error: unexpected identifier \"up\""},
    {"up\n  + \n   ]", "3:4: parse error: unexpected right bracket ']'"},
    {"up a:b", "1:4: parse error: unexpected metric identifier \"a:b\""},
    {"up ! down", "1:4: parse error: unexpected character after '!': ' '"},
    {"up \xC3\xA4", "1:4: parse error: unexpected character: '\xC3\xA4'"},
    {"up == =~", "1:7: parse error: unexpected character after '=': '~'"},
    {"()", "1:2: parse error: unexpected \")\""},
    // Numbers.
    {"1_", "1:1: parse error: bad number or duration syntax: \"1_\""},
    {"0x1.5", "1:1: parse error: bad number or duration syntax: \"0x1.\""},
    {"12ab", "1:1: parse error: bad number or duration syntax: \"12\""},
    {"1e400",
     "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"1e400\": value out of "
     "range"},
    {"0xffffffffffffffffff",
     "1:1: parse error: error parsing number: strconv.ParseFloat: parsing "
     "\"0xffffffffffffffffff\": invalid syntax"},
    {"1e3.",
     "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"1e3.\": invalid "
     "syntax"},
    {"1h30", "1:1: parse error: bad number or duration syntax: \"1h30\""},
    {"30m1h", "1:1: parse error: not a valid duration string: \"30m1h\""},
    // Strings.
    {"\"open", "1:1: parse error: unterminated quoted string"},
    {"`open", "1:1: parse error: unterminated raw string"},
    {"'\\q'", "1:1: parse error: unknown escape sequence U+0071 'q'"},
    {"'\\u12g4'", "1:1: parse error: illegal character U+0067 'g' in escape sequence"},
    {"'\\ud800'", "1:1: parse error: escape sequence is an invalid Unicode code point"},
    {"'\xff'", "1:1: parse error: invalid UTF-8 rune"},
    // Selectors.
    {"{job=\"\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"up{__name__!=\"x\"}", "1:1: parse error: metric name must not be set twice: \"up\" or \"x\""},
    {"up{job=5}", "1:8: parse error: unexpected character inside braces: '5'"},
    {"up{job=server}",
     "1:8: parse error: unexpected identifier \"server\" in label matching, expected string"},
    {"up{job \"x\"}",
     "1:8: parse error: unexpected string \"\\\"x\\\"\" in label matching, expected label matching "
     "operator"},
    {"up{job=\"x\" job=\"y\"}",
     "1:12: parse error: unexpected identifier \"job\" in label matching, expected \",\" or \"}\""},
    {"up{,}", "1:4: parse error: unexpected \",\" in label matching, expected identifier or \"}\""},
    {"up{job=\"x\"", "1:11: parse error: unexpected end of input inside braces"},
    {"up{{", "1:4: parse error: unexpected left brace '{'"},
    {"bool", "1:1: parse error: unexpected <bool>"},
    // Ranges, offsets, instants.
    {"up[", "1:4: parse error: unexpected end of input in duration expression"},
    {"up[5m", "1:6: parse error: unclosed left bracket"},
    {"up[5m][5m]", "1:7: parse error: ranges only allowed for vector selectors"},
    {"up[5m 5m]",
     "1:7: parse error: unexpected duration \"5m\" in subquery or range, expected \":\" or \"]\""},
    {"up[5m:1m 1m]",
     "1:10: parse error: unexpected duration \"1m\" in subquery selector, expected \"]\""},
    {"up[5m:)]", "1:8: parse error: unexpected right parenthesis ')'"},
    {"up[:5m]", "1:5: parse error: unexpected colon before duration in duration expression"},
    {"up[-5m]", "1:4: parse error: duration must be greater than 0"},
    {"up[5m:0s]", "1:7: parse error: duration must be greater than 0"},
    {"up[5m / 0]", "1:7: parse error: division by zero"},
    {"up[min_of(5m)]",
     "1:13: parse error: unexpected \")\" in subquery or range selector, expected number, "
     "duration, "
     "step(), or range()"},
    {"up offset job",
     "1:11: parse error: unexpected identifier \"job\" in offset, expected number, duration, "
     "step(), "
     "or range()"},
    {"sum(up) offset 5m",
     "1:1: parse error: offset modifier must be preceded by an instant vector selector or range "
     "vector selector or a subquery"},
    {"up offset inf", "1:11: parse error: duration out of range"},
    {"up offset (2m + inf)", "1:17: parse error: duration out of range"},
    {"up offset 5m offset 5m", "1:1: parse error: offset may not be set multiple times"},
    {"up offset 5m[5m]", "1:13: parse error: no offset modifiers allowed before range"},
    {"up @ 5 [5m]", "1:8: parse error: no @ modifiers allowed before range"},
    {"up @ 5 @ 6", "1:1: parse error: @ <timestamp> may not be set multiple times"},
    {"up @ job", "1:6: parse error: unexpected identifier \"job\" in @, expected timestamp"},
    {"up @ start", "1:11: parse error: unexpected end of input in @, expected timestamp"},
    {"up @ 1e30",
     "1:1: parse error: timestamp out of bounds for @ modifier: "
     "1000000000000000019884624838656.000000"},
    {"up[5m][5m:]",
     "1:1: parse error: subquery is only allowed on instant vector, got matrix instead"},
    // Calls and aggregations.
    {"rated(up[5m])", "1:1: parse error: unknown function with name \"rated\""},
    {"rate(up)",
     "1:6: parse error: expected type range vector in call to function \"rate\", got instant "
     "vector"},
    {"rate(up[5m], 5)", "1:1: parse error: expected 1 argument(s) in call to \"rate\", got 2"},
    {"round()", "1:1: parse error: expected at least 1 argument(s) in call to \"round\", got 0"},
    {"round(up, 1, 2)",
     "1:1: parse error: expected at most 2 argument(s) in call to \"round\", got 3"},
    {"abs(up,)", "1:7: parse error: trailing commas not allowed in function call args"},
    {"sum(up down)", "1:8: parse error: unexpected identifier \"down\" in aggregation"},
    {"sum(1)",
     "1:5: parse error: expected type instant vector in aggregation expression, got scalar"},
    {"topk(up)",
     "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, "
     "got 1"},
    {"sum by job (up)",
     "1:8: parse error: unexpected identifier \"job\" in grouping opts, expected \"(\""},
    {"sum by (job instance) (up)",
     "1:13: parse error: unexpected identifier \"instance\" in grouping opts, expected \",\" or "
     "\")\""},
    {"sum by (\"\") (up)", "1:9: parse error: invalid label name for grouping: \"\""},
    // Operators.
    {"1 < 2", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
    {"up + bool 1", "1:4: parse error: bool modifier can only be used on comparison operators"},
    {"up and 1", "1:1: parse error: set operator \"and\" not allowed in binary scalar expression"},
    {"up + up[5m]",
     "1:6: parse error: binary expression must contain only scalar and instant vector types"},
    {"up + on (job) 1", "1:1: parse error: vector matching only allowed between instant vectors"},
    {"a * on (x) group_left (x) b",
     "1:3: parse error: label \"x\" must not occur in ON and GROUP clause at once"},
    {"a or on (x) group_left b", "1:1: parse error: no grouping allowed for \"or\" operation"},
    {"-\"x\"",
     "1:1: parse error: unary expression only allowed on expressions of type scalar or instant "
     "vector, got \"string\""},
};

}  // namespace

TEST_CASE("a refusal has Prometheus's words and position") {
  for (const auto& [query, text] : kRefused) {
    CAPTURE(query);
    CHECK(Refusal(query) == text);
  }
}

TEST_CASE("what is experimental is refused until it is allowed") {
  constexpr Refused kExperimental[] = {
      {"limitk(1, up)",
       "1:1: parse error: limitk() is experimental and must be enabled with "
       "--enable-feature=promql-experimental-functions"},
      {"mad_over_time(up[5m])", "1:1: parse error: function \"mad_over_time\" is not enabled"},
      {"step()", "1:1: parse error: function \"step\" is not enabled"},
      {"rate(up[5m] anchored)",
       "1:6: parse error: anchored modifier is experimental and not enabled"},
      {"up smoothed", "1:1: parse error: smoothed modifier is experimental and not enabled"},
      {"a + fill(0) b", "1:1: parse error: binop fill modifiers are experimental and not enabled"},
  };
  for (const auto& [query, text] : kExperimental) {
    CAPTURE(query);
    CHECK(Refusal(query) == text);
    CHECK(Refusal(query, Everything()).empty());
  }
}

TEST_CASE("allowed experiments have their own refusals") {
  const ParseOptions all = Everything();
  CHECK(Refusal("up anchored smoothed", all) ==
        "1:1: parse error: anchored and smoothed modifiers cannot be used together");
  CHECK(Refusal("up[5m:] anchored", all) ==
        "1:1: parse error: anchored modifier is not supported for subqueries");
  CHECK(Refusal("a and fill(0) b", all) ==
        "1:1: parse error: filling in missing series not allowed for set operators");
  CHECK(Refusal("a + fill(0) 1", all) ==
        "1:1: parse error: filling in missing series only allowed between instant vectors");
  CHECK(Refusal("info(up, {})", all).empty());
  CHECK(Refusal("info(up, build)", all) ==
        "1:10: parse error: expected label selectors only, got vector selector instead");
}

TEST_CASE("keywords are metric names where no keyword can stand") {
  for (const std::string_view query :
       {"sum", "by", "and + or", "offset offset 5m", "start", "end{x=\"y\"}", "step",
        "range + min_of", "fill + fill_left", "sum by (on, bool, offset) (group)", "WITHOUT",
        "max_of[5m]"}) {
    CAPTURE(query);
    CHECK(Refusal(query).empty());
  }
}

TEST_CASE("precedence is Prometheus's") {
  const auto root = [](std::string_view query) {
    const auto parsed = Parse(query);
    REQUIRE_MESSAGE(parsed.has_value(), test::ErrorText(parsed));
    const auto* binary = std::get_if<Binary>(&(*parsed)->node);
    return binary == nullptr ? std::string("no operator") : std::string(OpText(binary->op));
  };
  CHECK(root("a or b and c") == "or");
  CHECK(root("a and b == c") == "and");
  CHECK(root("a == b + c") == "==");
  CHECK(root("a + b * c") == "+");
  CHECK(root("a * b ^ c") == "*");
  CHECK(root("-a ^ b") == "no operator");  // the sign binds weaker than the power
  CHECK(root("-a * b") == "*");
  CHECK(root("a offset 5m + b") == "+");
  CHECK(root("a offset (5m) + 3") == "no operator");  // all of it is the offset
}

TEST_CASE("numbers may be written in every way of Go, and as durations") {
  const auto number = [](std::string_view query) {
    const auto parsed = Parse(query);
    REQUIRE_MESSAGE(parsed.has_value(), test::ErrorText(parsed));
    return std::get<NumberLiteral>((*parsed)->node).value;
  };
  CHECK(number("0x1F") == 31);
  CHECK(number("010") == 8);
  CHECK(number("08") == 8);
  CHECK(number("1_000.5") == 1000.5);
  CHECK(number("1h30m") == 5400);
  CHECK(number("1ms") == 0.001);
  CHECK(number("-5m") == -300);
  CHECK(number(".5e1") == 5);
  CHECK(number("+Inf") > 1e308);
}

TEST_CASE("a query may nest as deep as the limit and no deeper") {
  ParseOptions options;
  options.max_depth = 10;
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '(') + "1" +
           std::string(static_cast<std::size_t>(depth), ')');
  };
  CHECK(Refusal(nested(9), options).empty());
  CHECK(Refusal(nested(10), options) ==
        "1:11: parse error: expression is nested too deeply, expected at most 10 levels");
  // A chain of operators is a tree as high as it is long.
  CHECK(Refusal("1+1+1+1+1+1+1+1+1+1", options).empty());
  CHECK(Refusal("1+1+1+1+1+1+1+1+1+1+1", options) ==
        "1:1: parse error: expression is nested too deeply, expected at most 10 levels");
}

TEST_CASE("a hostile query is an error, not a crash") {
  constexpr std::size_t kLength = 100000;
  CHECK(Refusal(std::string(kLength, '(')).find("nested too deeply") != std::string::npos);
  CHECK(Refusal(std::string(kLength, '-') + "1").find("nested too deeply") != std::string::npos);
  CHECK(Refusal("a[" + std::string(kLength, '(')).find("nested too deeply") != std::string::npos);
  std::string chain = "a[1";
  std::string sum = "1";
  for (std::size_t i = 0; i < kLength; i += 2) {
    chain += "+1";
    sum += "^1";
  }
  CHECK(Refusal(chain + "]").find("nested too deeply") != std::string::npos);
  CHECK(Refusal(sum).find("nested too deeply") != std::string::npos);
}

TEST_CASE("positions are byte offsets of the whole expression") {
  const auto parsed = Parse("sum by (job) (rate(up[5m] offset 1m)) ");
  REQUIRE(parsed.has_value());
  CHECK((*parsed)->pos == PosRange{0, 37});
  const auto& rate = std::get<Aggregate>((*parsed)->node).expr;
  CHECK(rate->pos == PosRange{14, 36});
  CHECK(std::get<Call>(rate->node).args[0]->pos == PosRange{19, 35});
}

TEST_CASE("a selector alone is what match[] takes") {
  const auto matchers = ParseSelector("up{job=~\"a|b\"}");
  REQUIRE_MESSAGE(matchers.has_value(), test::ErrorText(matchers));
  REQUIRE(matchers->size() == 2);
  CHECK((*matchers)[0].ToString() == "job=~\"a|b\"");
  CHECK((*matchers)[1].ToString() == "__name__=\"up\"");
  CHECK(ParseSelector("{}").has_value());
  const auto refusal = [](std::string_view text) { return test::ErrorText(ParseSelector(text)); };
  CHECK(refusal("up[5m]") == "1:3: parse error: unexpected \"[\"");
  CHECK(refusal("1") == "1:1: parse error: unexpected number \"1\"");
  CHECK(refusal("") == "unknown position: parse error: unexpected end of input");
}

}  // namespace plimsoll::promql
