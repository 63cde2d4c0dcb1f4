// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "unit/eval/language.h"

using namespace plimsoll;
using namespace plimsoll::eval;

namespace {

std::string Body(const Answer& answer, std::size_t most = 10) {
  std::string out;
  AppendAnswer(answer, most, out);
  return out;
}

}  // namespace

TEST_CASE_FIXTURE(World, "answers are written as the HTTP API writes them") {
  Load("x{a=\"q\\\"\"} 1e-7 2");
  CHECK(
      Body(*Ask("x", 0min)) ==
      R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"x","a":"q\""},"value":[0,"1e-07"]}]}})");
  CHECK(
      Body(*Ask("x[5m]", 1min)) ==
      R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"x","a":"q\""},"values":[[0,"1e-07"],[60,"2"]]}]}})");
  CHECK(Body(*Ask("1/0", 1500ms)) ==
        R"({"status":"success","data":{"resultType":"scalar","result":[1.5,"+Inf"]}})");
  CHECK(Body(*Ask("\"a\\n\"", 0min)) ==
        R"({"status":"success","data":{"resultType":"string","result":[0,"a\n"]}})");
  CHECK(Body(*Ask("nothing", 0min)) ==
        R"({"status":"success","data":{"resultType":"vector","result":[]}})");
}

TEST_CASE("text of any length is spelled as it must be, wherever something is special") {
  for (std::size_t size = 1; size < 300; size += size < 40 ? 1 : 37) {
    for (std::size_t at = 0; at <= size; ++at) {
      for (const auto& [special, spelled] : {std::pair("\"", "\\\""),
                                             {"\\", "\\\\"},
                                             {"\x1f", "\\u001f"},
                                             {"\xc3\xa9", "\xc3\xa9"},
                                             {"\x7f", "\x7f"},
                                             {"!", "!"}}) {
        std::string text(size, 'x'), expected = text;
        text.insert(at, special);
        expected.insert(at, spelled);
        Answer answer;
        answer.value = Vector{0, {{{{"a", text}}, 1}}};
        const bool good =
            Body(answer) ==
            R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":")" +
                expected + R"("},"value":[0,"1"]}]}})";
        if (!good) FAIL(size, " characters with ", spelled, " at ", at, ": ", Body(answer));
      }
    }
  }
}

TEST_CASE("pieces of an answer are the answer") {
  Answer answer;
  Vector vector;
  for (int i = 0; i < 5000; ++i)
    vector.elements.push_back({{{"__name__", "x"}, {"i", std::to_string(i)}}, i / 8.0});
  answer.value = std::move(vector);
  AnswerWriter writer(answer, 10, "{}");
  std::string pieces;
  int count = 1;
  for (; writer.Append(pieces); ++count)
    CHECK(pieces.size() < static_cast<std::size_t>(count) * 110'000);
  CHECK(count > 2);
  std::string whole;
  AppendAnswer(answer, 10, whole, "{}");
  CHECK(pieces == whole);
  CHECK(whole.ends_with(
      R"({"metric":{"__name__":"x","i":"4999"},"value":[0,"624.875"]}],"stats":{}}})"));
}

TEST_CASE("annotations beyond the tenth are counted") {
  Answer answer;
  answer.value = Vector{};
  answer.annotations.warnings = {"a", "b", "c"};
  answer.annotations.infos = {"d"};
  CHECK(
      Body(answer, 2) ==
      R"({"status":"success","data":{"resultType":"vector","result":[]},"warnings":["a","b","1 more warning annotations omitted"],"infos":["d"]})");
}

TEST_CASE("an error names its type") {
  std::string out;
  AppendError({base::Error::Kind::kTimeout, "query timed out in expression evaluation", {}}, out);
  CHECK(
      out ==
      R"({"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"})");
}
