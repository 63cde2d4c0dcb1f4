// SPDX-License-Identifier: Apache-2.0
#include "exposition/page_parser.h"

#include <doctest/doctest.h>

#include <bit>
#include <string>
#include <string_view>

#include "base/format.h"
#include "base/number_text.h"
#include "model/sample.h"

using namespace plimsoll;
using exposition::Format;
using exposition::NameFilter;
using exposition::PageParser;

namespace {

// The page as the parser tells it, one entry per line.
std::string Tell(std::string_view page, Format format, const NameFilter* keep = nullptr) {
  PageParser parser(page, format, keep);
  model::LabelsBuilder labels;
  std::string told;
  while (true) {
    switch (parser.Next()) {
      case PageParser::Entry::kSample: {
        const auto decoded = parser.DecodeLabels(labels);
        told += decoded ? labels.Build().ToString() : decoded.error().message;
        told += " = " + base::ShortestG(parser.Value());
        if (parser.Timestamp()) told += base::format(" at {}", *parser.Timestamp());
        break;
      }
      case PageParser::Entry::kType:
        told += base::format("{} is a {}", parser.Name(), model::TypeName(parser.Type()));
        break;
      case PageParser::Entry::kHelp:
        told += base::format("{} means {}", parser.Name(), parser.Text());
        break;
      case PageParser::Entry::kUnit:
        told += base::format("{} in {}", parser.Name(), parser.Text());
        break;
      case PageParser::Entry::kEnd:
        return told;
      case PageParser::Entry::kError:
        return told + parser.error().ToString();
    }
    told += '\n';
  }
}
std::string Text(std::string_view page) { return Tell(page, Format::kText); }
std::string OpenMetrics(std::string_view page) { return Tell(page, Format::kOpenMetrics); }

}  // namespace

TEST_CASE("a text page is samples and metadata in their order") {
  CHECK(Text("# HELP up Is it up?\n# TYPE up gauge\nup 1\nup{job=\"a\",x=\"b c\"} 0.5 "
             "1700000000123\n\n# bye\n") ==
        "up means Is it up?\nup is a gauge\nup = 1\nup{job=\"a\", x=\"b c\"} = 0.5 at "
        "1700000000123\n");
}

TEST_CASE("an OpenMetrics page ends with its end mark") {
  CHECK(OpenMetrics("# TYPE a_seconds gauge\n# UNIT a_seconds seconds\n# HELP a_seconds "
                    "x\na_seconds 1 1.5\n# EOF\n") ==
        "a_seconds is a gauge\na_seconds in seconds\na_seconds means x\na_seconds = 1 at 1500\n");
  CHECK(OpenMetrics("# EOF") == "");
  CHECK(OpenMetrics("# EOF\n") == "");
  CHECK(OpenMetrics("") == "1:1: data does not end with # EOF");
  CHECK(OpenMetrics("a 1\n") == "a = 1\n2:1: data does not end with # EOF");
  CHECK(OpenMetrics("# EOF\n\n") == "2:1: unexpected data after # EOF");
  CHECK(OpenMetrics("# EOF\n# EOF\n") == "2:1: unexpected data after # EOF");
}

TEST_CASE("an empty text page says nothing, and the last line needs no line break") {
  CHECK(Text("") == "");
  CHECK(Text("\n \t\n") == "");
  CHECK(Text("a 1") == "a = 1\n");
  CHECK(Text("a 1 5") == "a = 1 at 5\n");
  CHECK(Text("# TYPE a gauge") == "a is a gauge\n");
  CHECK(Text("# bye") == "");
  CHECK(Text("#") == "");
}

TEST_CASE("text allows blanks between all tokens, and before a name") {
  CHECK(Text(" \ta\t1 \n") == "a = 1\n");
  CHECK(Text("a { b = \"c\" , d\t=\"e\" , } 1\t2 \n") == "a{b=\"c\", d=\"e\"} = 1 at 2\n");
  CHECK(Text("a{b=\"c\"}1\n") == "a{b=\"c\"} = 1\n");
  CHECK(Text("a+1\n") == "a = 1\n");
  CHECK(Text("\t# \tTYPE\ta\tgauge\n") == "a is a gauge\n");
  PageParser parser("  a{b=\"c\"} 1\n", Format::kText);
  REQUIRE(parser.Next() == PageParser::Entry::kSample);
  CHECK(parser.SeriesBytes() == "a{b=\"c\"}");
}

TEST_CASE("OpenMetrics allows one space and nothing else") {
  CHECK(OpenMetrics("a  1\n# EOF\n") ==
        "1:2: expected value after metric, got \"  \" (\"INVALID\") while parsing: \"a  \"");
  CHECK(OpenMetrics("a\t1\n# EOF\n") ==
        "1:2: expected value after metric, got \"\\t\" (\"INVALID\") while parsing: \"a\\t\"");
  CHECK(OpenMetrics("a 1 \n# EOF\n") ==
        "1:5: expected a valid start token, got \"\\n#\" (\"LINEBREAK\") while parsing: \"\\n#\"");
  CHECK(OpenMetrics("\n# EOF\n") ==
        "1:1: expected a valid start token, got \"\\n\" (\"INVALID\") while parsing: \"\\n\"");
  CHECK(OpenMetrics("# hi\n# EOF\n") ==
        "1:1: expected a valid start token, got \"# h\" (\"INVALID\") while parsing: \"# h\"");
  CHECK(OpenMetrics("a{b=\"c\", d=\"e\"} 1\n# EOF\n") ==
        "1:9: expected label name, got \" \" (\"INVALID\") while parsing: \"a{b=\\\"c\\\", \"");
}

TEST_CASE("a trailing comma is allowed, and text even misses a comma") {
  CHECK(Text("a{b=\"c\",} 1\n") == "a{b=\"c\"} = 1\n");
  CHECK(Text("a{b=\"c\" d=\"e\"} 1\n") == "a{b=\"c\", d=\"e\"} = 1\n");
  CHECK(Text("a{} 1\n") == "a = 1\n");
  CHECK(Text("a{,} 1\n") ==
        "1:3: expected label name, got \",}\" (\"COMMA\") while parsing: \"a{,}\"");
  CHECK(Text("a{b=\"c\",,} 1\n") ==
        "1:9: expected label name, got \",}\" (\"COMMA\") while parsing: \"a{b=\\\"c\\\",,}\"");
  CHECK(OpenMetrics("a{b=\"c\",} 1\n# EOF\n") == "a{b=\"c\"} = 1\n");
  CHECK(OpenMetrics("a{b=\"c\"d=\"e\"} 1\n# EOF\n") ==
        "1:8: expected comma or brace close, got \"d=\" (\"LNAME\") while parsing: "
        "\"a{b=\\\"c\\\"d=\"");
}

TEST_CASE("label values keep what is not an escape") {
  CHECK(Text("a{b=\"\\\\ \\\" \\n \\t \\\\n\"} 1\n") == "a{b=\"\\\\ \\\" \\n \\\\t \\\\n\"} = 1\n");
  CHECK(Text("a{b=\"\"} 1\n") == "a = 1\n");
  CHECK(Text("a{b=\"\xc3\xa4 long enough to be read word by word \xc3\xa4\"} 1\n") ==
        "a{b=\"\xc3\xa4 long enough to be read word by word \xc3\xa4\"} = 1\n");
  CHECK(Text("a{b=\"x\ny\"} 1\n") == "a{b=\"x\\ny\"} = 1\n");
  CHECK(
      OpenMetrics("a{b=\"x\ny\"} 1\n# EOF\n") ==
      "1:5: expected label value, got \"\\\"x\\n\" (\"INVALID\") while parsing: \"a{b=\\\"x\\n\"");
  CHECK(Text(std::string_view("a{b=\"\0x\"} 1\n", 12)) == "a{b=\"\\x00x\"} = 1\n");
}

TEST_CASE("names in quotes may be any UTF-8 text") {
  CHECK(Text("{\"a.b\"} 1\n") == "{\"a.b\"} = 1\n");
  CHECK(Text("{\"a.b\",\"c d\"=\"e\",} 1\n") == "{\"a.b\", \"c d\"=\"e\"} = 1\n");
  CHECK(Text("{b=\"c\",\"a\"} 1\n") == "a{b=\"c\"} = 1\n");
  CHECK(Text("# TYPE \"a.b\" gauge\n# HELP \"a.b\" x\n") == "a.b is a gauge\na.b means x\n");
  CHECK(OpenMetrics("# TYPE \"a.b\" gauge\n{\"a.b\"} 1\n# EOF\n") ==
        "a.b is a gauge\n{\"a.b\"} = 1\n");
  CHECK(Text("a{\"b\"} 1\n") == "1:3: metric name already set while parsing: \"a{\\\"b\\\"}\"");
  CHECK(Text("{\"a\",\"b\"} 1\n") ==
        "1:6: metric name already set while parsing: \"{\\\"a\\\",\\\"b\\\"}\"");
  CHECK(Text("{} 1\n") == "1:1: metric name not set while parsing: \"{} 1\"");
}

TEST_CASE("metadata text is the rest of its line") {
  CHECK(Text("# HELP a\n# HELP a \n# HELP a \t \n") == "a means \na means \na means \n");
  CHECK(Text("# HELP a  x\n") == "a means  x\n");
  CHECK(Text("# HELP a \"q\" > \\\\ \\n \\\"\n") == "a means \"q\" > \\ \n \\\"\n");
  CHECK(OpenMetrics("# HELP a \\\"q\\\"\n# EOF\n") == "a means \"q\"\n");
  CHECK(OpenMetrics("# HELP a \n# EOF\n") == "a means \n");
  CHECK(OpenMetrics("# HELP a\n# EOF\n") == "1:9: expected text in HELP");
  CHECK(Text("# HELP\n# HELPX a\n#HELP a b\n# TYPE\n") == "");
  CHECK(Text("# HELP \n") ==
        "1:8: expected metric name after HELP, got \"\\n\" (\"INVALID\") while parsing: \"# HELP "
        "\\n\"");
  CHECK(Text("# HELP a \xff\n") == "1:10: help text \"\\xff\" is not a valid utf8 string");
}

TEST_CASE("each format has its types, and a type may be said twice") {
  CHECK(Text("# TYPE a untyped\n# TYPE a gauge\n# TYPE a gauge\n") ==
        "a is a unknown\na is a gauge\na is a gauge\n");
  for (const char* type : {"unknown", "info", "stateset", "gaugehistogram", "Gauge", "gauge "}) {
    CAPTURE(type);
    CHECK(Text(std::string("# TYPE a ") + type + "\n").find("1:10: invalid metric type \"") == 0);
  }
  CHECK(
      OpenMetrics(
          "# TYPE a unknown\n# TYPE b stateset\n# TYPE c info\n# TYPE d gaugehistogram\n# EOF\n") ==
      "a is a unknown\nb is a stateset\nc is a info\nd is a gaugehistogram\n");
  CHECK(Text("# TYPE a \n") == "1:9: invalid metric type \"\"");
  CHECK(OpenMetrics("# TYPE a untyped\n# EOF\n") == "1:10: invalid metric type \"untyped\"");
}

TEST_CASE("a unit must be the last word of its family's name") {
  CHECK(OpenMetrics("# UNIT a_b b\n# UNIT a \n# EOF\n") == "a_b in b\na in \n");
  CHECK(OpenMetrics("# UNIT a_b c\n# EOF\n") == "1:12: unit \"c\" not a suffix of metric \"a_b\"");
  CHECK(OpenMetrics("# UNIT ab b\n# EOF\n") == "1:11: unit \"b\" not a suffix of metric \"ab\"");
  CHECK(OpenMetrics("# UNIT b b\n# EOF\n") == "1:10: unit \"b\" not a suffix of metric \"b\"");
}

TEST_CASE("le and quantile are canonical when the type makes them numbers") {
  CHECK(Text("# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"5e-05\"} "
             "1\nh_bucket{le=\"+Inf\"} 1\nh_bucket{le=\"x\"} 1\nh{quantile=\"1\"} 1\n") ==
        "h is a histogram\nh_bucket{le=\"1.0\"} = 1\nh_bucket{le=\"5e-05\"} = "
        "1\nh_bucket{le=\"+Inf\"} = 1\nh_bucket{le=\"x\"} = 1\nh{quantile=\"1\"} = 1\n");
  CHECK(Text("# TYPE s summary\ns{quantile=\"0.50\"} 1\ns{quantile=\"0\"} 1\ns{le=\"1\"} 1\n") ==
        "s is a summary\ns{quantile=\"0.5\"} = 1\ns{quantile=\"0.0\"} = 1\ns{le=\"1\"} = 1\n");
  CHECK(Text("h_bucket{le=\"1\"} 1\n") == "h_bucket{le=\"1\"} = 1\n");
  CHECK(OpenMetrics("# TYPE h gaugehistogram\nh_bucket{le=\"1\"} 1\n# EOF\n") ==
        "h is a gaugehistogram\nh_bucket{le=\"1\"} = 1\n");
}

TEST_CASE("every NaN is the same NaN") {
  for (const char* spelling : {"NaN", "nan", "NAN"}) {
    const std::string page = std::string("a ") + spelling + "\n";
    PageParser named(page, Format::kText);
    REQUIRE(named.Next() == PageParser::Entry::kSample);
    CHECK(std::bit_cast<std::uint64_t>(named.Value()) == model::kNormalNaNBits);
  }
}

TEST_CASE("exemplars are checked and dropped") {
  CHECK(OpenMetrics("a_total 1 # {b=\"c\"} 0.5\na_total 1 2.5 # {} 1 1.5\n# EOF\n") ==
        "a_total = 1\na_total = 1 at 2500\n");
  CHECK(OpenMetrics("a 1 # {b=\"c\"} x\n# EOF\n") ==
        "1:15: strconv.ParseFloat: parsing \"x\": invalid syntax while parsing: \"a 1 # "
        "{b=\\\"c\\\"} x\"");
  CHECK(OpenMetrics("a 1 # {\"b\"} 1\n# EOF\n") ==
        "1:11: expected label name, got \"} \" (\"BCLOSE\") while parsing: \"a 1 # {\\\"b\\\"} \"");
  CHECK(OpenMetrics("a 1 # {b=\"c\"} 1 NaN\n# EOF\n") == "1:17: invalid exemplar timestamp NaN");
  CHECK(OpenMetrics("a 1 # {b=\"c\"}\n# EOF\n").find("expected value after exemplar labels") !=
        std::string::npos);
}

TEST_CASE("times are whole milliseconds in text and seconds in OpenMetrics") {
  CHECK(Text("a 1 9223372036854775807\n") == "a = 1 at 9223372036854775807\n");
  CHECK(Text("a 1 00000000000000000000012\n") == "a = 1 at 12\n");
  CHECK(Text("a 1 9223372036854775808\n") ==
        "1:5: strconv.ParseInt: parsing \"9223372036854775808\": value out of range while parsing: "
        "\"a 1 9223372036854775808\"");
  CHECK(Text("a 1 -3\n") ==
        "1:5: expected timestamp or new record, got \"-\" (\"INVALID\") while parsing: \"a 1 -\"");
  CHECK(Text("a 1 1.5\n") ==
        "1:6: expected next entry after timestamp, got \".\" (\"INVALID\") while parsing: \"a 1 "
        "1.\"");
  CHECK(OpenMetrics("a 1 -1.5\na 1 1e3\na 1 1.001\n# EOF\n") ==
        "a = 1 at -1500\na = 1 at 1000000\na = 1 at 1000\n");
  CHECK(OpenMetrics("a 1 1e300\na 1 -1e300\n# EOF\n") ==
        "a = 1 at 9223372036854775807\na = 1 at -9223372036854775808\n");
  CHECK(OpenMetrics("a 1 +Inf\n# EOF\n") == "1:5: invalid timestamp +Inf");
}

TEST_CASE("a label given twice is reported when the labels are decoded") {
  CHECK(Text("a{b=\"c\",b=\"d\"} 1\n") == "label name \"b\" is not unique = 1\n");
  CHECK(Text("a{__name__=\"c\"} 1\n") == "label name \"__name__\" is not unique = 1\n");
}

TEST_CASE("a mistake names its line and column") {
  CHECK(Text("a 1\nb{c=\"d\"} 2\nc_is_cut\n")
            .find("3:9: expected value after metric, got \"\\n\" (\"INVALID\") while parsing: "
                  "\"c_is_cut\\n\"") != std::string::npos);
  CHECK(Text("a 1\nb{c=\"d")
            .find("2:5: expected label value, got \"\\\"d\\n\" (\"INVALID\") while parsing: "
                  "\"b{c=\\\"d\\n\"") != std::string::npos);
  CHECK(OpenMetrics("a 1\nb{c=\"d\"} 2").find("2:11: data does not end with # EOF") !=
        std::string::npos);
  CHECK(Text("a 1\r\n") ==
        "1:3: strconv.ParseFloat: parsing \"1\\r\": invalid syntax while parsing: \"a 1\\r\"");
  CHECK(Text("a 0x1p4\n") == "1:3: unsupported character in float while parsing: \"a 0x1p4\"");
  CHECK(Text("a 1_0\n") == "1:3: unsupported character in float while parsing: \"a 1_0\"");
  CHECK(
      Text("a 1e999\n") ==
      "1:3: strconv.ParseFloat: parsing \"1e999\": value out of range while parsing: \"a 1e999\"");
  CHECK(Text("a{b=\"\xff\"} 1\n") == "1:5: invalid UTF-8 label value: \"\\\"\\xff\\\"\"");
  CHECK(Text("a{b} 1\n") ==
        "1:4: expected equal, got \"} \" (\"BCLOSE\") while parsing: \"a{b} \"");
  CHECK(Text("a{b=c} 1\n") ==
        "1:5: expected label value, got \"c\" (\"INVALID\") while parsing: \"a{b=c\"");
  CHECK(Text("1a 1\n") ==
        "1:1: expected a valid start token, got \"1\" (\"INVALID\") while parsing: \"1\"");
  CHECK(Text("a{b=\"c\"\n").find("1:8: expected label name, got \"\\n\" (\"INVALID\")") == 0);
}

TEST_CASE("a label that is given an empty value once is not there at all") {
  CHECK(Text("a{x=\"\",x=\"1\"} 1\n") == "a = 1\n");
  CHECK(Text("a{x=\"1\",x=\"\"} 1\n") == "a = 1\n");
  CHECK(Text("a{x=\"1\",x=\"\",x=\"2\",y=\"3\"} 1\n") == "a{y=\"3\"} = 1\n");
  CHECK(Text("a{x=\"1\",y=\"\",x=\"2\"} 1\n") == "label name \"x\" is not unique = 1\n");
}

TEST_CASE("a byte behind an escape must be UTF-8, wherever it stands") {
  for (std::size_t length = 0; length < 20; ++length) {
    const std::string value = std::string(length, 'x') + "\\\xbd";
    for (const auto tell : {&Text, &OpenMetrics}) {
      const std::string told = tell("a{b=\"" + value + "yyyyyyyyyyyyyyyy\"} 1\n# EOF\n");
      CHECK_MESSAGE(told.find("invalid UTF-8 label value") != std::string::npos, told);
    }
  }
}

TEST_CASE("an error shows a bounded part of a long entry") {
  const std::string told = Text("a{b=\"" + std::string(100000, 'x'));
  CHECK(told.find("1:5: expected label value") == 0);
  CHECK(told.size() < 1200);
  CHECK(told.find("...\"") != std::string::npos);
}

TEST_CASE("an end and an error are final") {
  PageParser bad("a\nb 1\n", Format::kText);
  CHECK(bad.Next() == PageParser::Entry::kError);
  CHECK(bad.Next() == PageParser::Entry::kError);
  PageParser good(std::string_view("a 1\n\0b 1\n", 9), Format::kText);
  CHECK(good.Next() == PageParser::Entry::kSample);
  CHECK(good.Next() == PageParser::Entry::kEnd);
  CHECK(good.Next() == PageParser::Entry::kEnd);
}

TEST_CASE("a filter gives the samples of its names and the metadata of their families") {
  const std::string page =
      "# HELP first_family_seconds x\n# TYPE first_family_seconds "
      "histogram\nfirst_family_seconds_bucket{le=\"1\"} 1\n"
      "first_family_seconds_sum 2\nfirst_family_seconds_count 3\n# TYPE second "
      "gauge\nsecond{first_family_seconds_sum=\"x\"} 4\n"
      "{\"third.one\"} 5\n# TYPE \"third.one\" gauge\nfirst_family_seconds_counter 7\n";
  const NameFilter bucket({"first_family_seconds_bucket"});
  CHECK(Tell(page, Format::kText, &bucket) ==
        "first_family_seconds means x\nfirst_family_seconds is a "
        "histogram\nfirst_family_seconds_bucket{le=\"1.0\"} = 1\n");
  const NameFilter third({"third.one", "second"});
  CHECK(Tell(page, Format::kText, &third) ==
        "second is a gauge\nsecond{first_family_seconds_sum=\"x\"} = 4\n{\"third.one\"} = "
        "5\nthird.one is a gauge\n");
  const NameFilter nothing;
  CHECK(Tell(page, Format::kText, &nothing) == "");
}

TEST_CASE("skipping still demands the end mark, and notices the last type") {
  const NameFilter keep({"kept_metric_name"});
  CHECK(Tell("skipped_metric_name 1\nskipped_metric_name 2\n", Format::kOpenMetrics, &keep) ==
        "3:1: data does not end with # EOF");
  CHECK(Tell("skipped_metric_name 1\nskipped_metric_na", Format::kOpenMetrics, &keep) ==
        "2:18: expected value after metric, got \"skipped_metric_na\" (\"EOF\") while parsing: "
        "\"skipped_metric_na\"");
  CHECK(Tell("skipped_metric_name 1\nskipped_metric_name 1", Format::kOpenMetrics, &keep) ==
        "2:22: data does not end with # EOF");
  CHECK(Tell("skipped_metric_name 1\n# EOF\nx", Format::kOpenMetrics, &keep) ==
        "3:1: unexpected data after # EOF");
  CHECK(Tell("# TYPE skipped_metric_name histogram\nkept_metric_name{le=\"1\"} 1\n# EOF\n",
             Format::kOpenMetrics, &keep) == "kept_metric_name{le=\"1.0\"} = 1\n");
}

TEST_CASE("a filter of many names finds each of them and no other") {
  NameFilter filter;
  for (int i = 0; i < 1000; ++i) filter.Add("name_of_a_metric_" + std::to_string(i));
  for (int i = 0; i < 1000; ++i) CHECK(filter.NeedsSample("name_of_a_metric_" + std::to_string(i)));
  for (int i = 1000; i < 2000; ++i)
    CHECK_FALSE(filter.NeedsSample("name_of_a_metric_" + std::to_string(i)));
  CHECK_FALSE(filter.NeedsSample(""));
  CHECK(NameFilter({"a_total"}).NeedsFamily("a"));
  CHECK_FALSE(NameFilter({"a_total"}).NeedsSample("a"));
}
