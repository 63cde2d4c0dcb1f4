// SPDX-License-Identifier: Apache-2.0
#include "model/labels.h"

#include <doctest/doctest.h>

using namespace plimsoll::model;

TEST_CASE("labels are sorted by name, and an empty value is no label") {
  const Labels labels{{"job", "trino"}, {"__name__", "up"}, {"empty", ""}};
  CHECK(labels.size() == 2);
  CHECK(labels.MetricName() == "up");
  CHECK(labels.Get("job") == "trino");
  CHECK(labels.Get("empty").empty());
  CHECK(labels.begin()->name == "__name__");
  CHECK(labels == Labels{{"__name__", "up"}, {"job", "trino"}});
  CHECK(labels.Hash() == Labels{{"__name__", "up"}, {"job", "trino"}}.Hash());
}

TEST_CASE("the name of the metric is found whatever stands before it") {
  CHECK(Labels{{"A", "1"}, {"__n", "2"}, {"__name__", "m"}}.MetricName() == "m");
  CHECK(Labels{{"__name_", "1"}, {"__name___", "2"}, {"a", "3"}}.MetricName().empty());
  CHECK(Labels{{"\xC3\xA9", "1"}}.MetricName().empty());
  CHECK(Labels{{"Long", std::string(300, 'x')}, {"__name__", "m"}}.MetricName() == "m");
  CHECK(Labels().MetricName().empty());
}

TEST_CASE("a value of any length keeps its bytes") {
  for (const std::size_t length : {1U, 254U, 255U, 256U, 70000U}) {
    const std::string value(length, 'x');
    const Labels labels{{"a", value}, {"b", "2"}};
    CHECK(labels.Get("a") == value);
    CHECK(labels.Get("b") == "2");
  }
}

TEST_CASE("labels order by name, then value, and a prefix comes first") {
  CHECK(Labels{{"a", "1"}} < Labels{{"a", "2"}});
  CHECK(Labels{{"a", "1"}} < Labels{{"a", "1"}, {"b", "1"}});
  CHECK(Labels{{"a", "1"}, {"c", "1"}} > Labels{{"a", "1"}, {"b", "9"}});
  CHECK(Labels{} < Labels{{"a", "1"}});
}

TEST_CASE("a series prints as Prometheus prints it") {
  CHECK(Labels{{"__name__", "up"}, {"job", "a\"b"}}.ToString() == "up{job=\"a\\\"b\"}");
  CHECK(Labels{{"__name__", "up"}}.ToString() == "up");
  CHECK(Labels{}.ToString() == "{}");
  CHECK(Labels{{"__name__", "my.metric"}, {"a.b", "1"}}.ToString() ==
        "{\"my.metric\", \"a.b\"=\"1\"}");
}

TEST_CASE("a builder sets, deletes and keeps") {
  LabelsBuilder builder(Labels{{"a", "1"}, {"b", "2"}, {"c", "3"}});
  builder.Set("b", "9").Delete("c").Set("d", "4");
  CHECK(builder.Build() == Labels{{"a", "1"}, {"b", "9"}, {"d", "4"}});
  CHECK(builder.Keep({"d", "zz"}).Build() == Labels{{"d", "4"}});
  CHECK(builder.Set("d", "").Build() == Labels{});
}

TEST_CASE("dropping the metric name leaves the rest") {
  CHECK(Labels{{"__name__", "up"}, {"a", "1"}, {"A", "2"}}.WithoutMetricName() ==
        Labels{{"a", "1"}, {"A", "2"}});
}
