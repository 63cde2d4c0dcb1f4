// SPDX-License-Identifier: Apache-2.0
//
// /api/v1/parse_query: the tree of a query as JSON, for interfaces that draw it.
//
// Members of an object are sorted by name, as Go writes a map.
#include <string_view>

#include "base/number_text.h"
#include "promql/functions.h"
#include "promql/parser.h"
#include "serve/detail/api_answer.h"
#include "serve/detail/api_context.h"
#include "serve/detail/api_parameters.h"

namespace plimsoll::serve {
namespace {

using document::JsonWriter;
using promql::DurationExpr;

std::string_view TypeWord(promql::ValueType type) {
  switch (type) {
    case promql::ValueType::kScalar:
      return "scalar";
    case promql::ValueType::kVector:
      return "vector";
    case promql::ValueType::kMatrix:
      return "matrix";
    case promql::ValueType::kString:
      return "string";
    case promql::ValueType::kNone:
      return "none";
  }
  return "";
}

std::string_view CardWord(promql::VectorMatching::Card card) {
  switch (card) {
    case promql::VectorMatching::Card::kOneToOne:
      return "one-to-one";
    case promql::VectorMatching::Card::kManyToOne:
      return "many-to-one";
    case promql::VectorMatching::Card::kOneToMany:
      return "one-to-many";
    case promql::VectorMatching::Card::kManyToMany:
      return "many-to-many";
  }
  return "";
}

std::string_view OpWord(DurationExpr::Op op) {
  using Op = DurationExpr::Op;
  switch (op) {
    case Op::kNegate:
    case Op::kSub:
      return "-";
    case Op::kPlus:
    case Op::kAdd:
      return "+";
    case Op::kMul:
      return "*";
    case Op::kDiv:
      return "/";
    case Op::kMod:
      return "%";
    case Op::kPow:
      return "^";
    case Op::kStep:
      return "step";
    case Op::kRange:
      return "range";
    case Op::kMinOf:
      return "min_of";
    case Op::kMaxOf:
      return "max_of";
    case Op::kNumber:
      return "";
  }
  return "";
}

class TreeWriter {
 public:
  explicit TreeWriter(JsonWriter& json) : json_(json) {}

  void Write(const promql::Expr* expr) {
    if (expr == nullptr) {
      json_.Null();
      return;
    }
    json_.Object();
    std::visit([&](const auto& node) { Write(node); }, expr->node);
    json_.EndObject();
  }

 private:
  void Write(const promql::NumberLiteral& node) {
    Type("numberLiteral").Key("val").String(base::FixedShortest(node.value));
  }
  void Write(const promql::StringLiteral& node) {
    Type("stringLiteral").Key("val").String(node.value);
  }
  void Write(const promql::Paren& node) {
    Child("expr", node.expr.get());
    Type("parenExpr");
  }
  void Write(const promql::Unary& node) {
    Child("expr", node.expr.get());
    json_.Key("op").String(node.negative ? "-" : "+");
    Type("unaryExpr");
  }
  void Write(const promql::Aggregate& node) {
    Child("expr", node.expr.get());
    List("grouping", node.grouping);
    json_.Key("op").String(promql::OpText(node.op));
    Child("param", node.param.get());
    Type("aggregation").Key("without").Bool(node.without);
  }
  void Write(const promql::Binary& node) {
    json_.Key("bool").Bool(node.return_bool);
    Child("lhs", node.lhs.get());
    json_.Key("matching");
    if (node.matching) {
      Write(*node.matching);
    } else {
      json_.Null();
    }
    json_.Key("op").String(promql::OpText(node.op));
    Child("rhs", node.rhs.get());
    Type("binaryExpr");
  }
  void Write(const promql::VectorMatching& matching) {
    json_.Object().Key("card").String(CardWord(matching.card)).Key("fillValues").Object();
    Fill("lhs", matching.fill_left);
    Fill("rhs", matching.fill_right);
    json_.EndObject();
    List("include", matching.include);
    List("labels", matching.labels);
    json_.Key("on").Bool(matching.on).EndObject();
  }
  void Write(const promql::Call& node) {
    json_.Key("args").List();
    for (const promql::ExprPtr& argument : node.args) Write(argument.get());
    json_.EndList().Key("func").Object().Key("argTypes").List();
    for (const promql::ValueType type : node.function->args) json_.String(TypeWord(type));
    json_.EndList().Key("name").String(node.function->name);
    json_.Key("returnType").String(TypeWord(node.function->returns));
    json_.Key("variadic").Integer(node.function->variadic).EndObject();
    Type("call");
  }
  void Write(const promql::VectorSelector& node) {
    Selector(node, nullptr);
    Type("vectorSelector");
  }
  void Write(const promql::MatrixSelector& node) {
    Selector(std::get<promql::VectorSelector>(node.vector->node), &node.range);
    Type("matrixSelector");
  }
  void Write(const promql::Subquery& node) {
    Child("expr", node.expr.get());
    Duration("offset", "offsetExpr", node.offset);
    Duration("range", "rangeExpr", node.range);
    StartOrEnd(node.at);
    Duration("step", "stepExpr", node.step);
    Timestamp(node.at);
    Type("subquery");
  }

  // Everything of a selector but its type, which comes last by name.
  void Selector(const promql::VectorSelector& node, const promql::Duration* range) {
    json_.Key("anchored").Bool(node.anchored).Key("matchers").List();
    for (const model::Matcher& matcher : node.matchers) {
      json_.Object().Key("name").String(matcher.name());
      json_.Key("type").String(model::OperatorText(matcher.type()));
      json_.Key("value").String(matcher.value()).EndObject();
    }
    json_.EndList().Key("name").String(node.name);
    Duration("offset", "offsetExpr", node.offset);
    if (range != nullptr) Duration("range", "rangeExpr", *range);
    json_.Key("smoothed").Bool(node.smoothed);
    StartOrEnd(node.at);
    Timestamp(node.at);
  }
  void Duration(std::string_view key, std::string_view expression_key,
                const promql::Duration& duration) {
    json_.Key(key).Integer(duration.expr == nullptr ? duration.milliseconds : 0);
    json_.Key(expression_key);
    Write(duration.expr.get());
  }
  void Write(const DurationExpr* expr) {
    using Op = DurationExpr::Op;
    if (expr == nullptr) {
      json_.Null();
      return;
    }
    if (expr->op == Op::kNumber && !expr->wrapped) return WriteNumber(*expr);
    json_.Object();
    if (expr->op == Op::kNumber) {
      // Prometheus keeps the parentheses of a number in a sign without effect.
      json_.Key("lhs").Null().Key("op").String("+").Key("rhs");
      WriteNumber(*expr);
      Type("durationExpr").Key("wrapped").Bool(true).EndObject();
      return;
    }
    const bool unary = expr->op == Op::kNegate || expr->op == Op::kPlus;
    json_.Key("lhs");
    Write(unary ? nullptr : expr->lhs.get());
    json_.Key("op").String(OpWord(expr->op)).Key("rhs");
    Write(unary ? expr->lhs.get() : expr->rhs.get());
    Type("durationExpr").Key("wrapped").Bool(expr->wrapped).EndObject();
  }
  void WriteNumber(const DurationExpr& expr) {
    json_.Object().Key("duration").Bool(expr.duration_literal);
    Type("numberLiteral").Key("val").String(base::FixedShortest(expr.seconds)).EndObject();
  }
  void StartOrEnd(const std::optional<promql::AtModifier>& at) {
    json_.Key("startOrEnd");
    if (!at || at->kind == promql::AtModifier::Kind::kTime) {
      json_.Null();
    } else {
      json_.String(at->kind == promql::AtModifier::Kind::kStart ? "start" : "end");
    }
  }
  void Timestamp(const std::optional<promql::AtModifier>& at) {
    json_.Key("timestamp");
    if (at && at->kind == promql::AtModifier::Kind::kTime) {
      json_.Integer(at->time);
    } else {
      json_.Null();
    }
  }
  void Fill(std::string_view key, const std::optional<double>& value) {
    json_.Key(key);
    value ? json_.Number(*value) : json_.Null();
  }
  void Child(std::string_view key, const promql::Expr* expr) {
    json_.Key(key);
    Write(expr);
  }
  void List(std::string_view key, const std::vector<std::string>& texts) {
    json_.Key(key).List();
    for (const std::string& text : texts) json_.String(text);
    json_.EndList();
  }
  JsonWriter& Type(std::string_view type) { return json_.Key("type").String(type); }

  JsonWriter& json_;
};

}  // namespace

http::Response ParseQueryPage(const ApiContext& context, const http::Request& request) {
  const auto expr = promql::Parse(ApiParameters(request).First("query"), context.options.parse);
  if (!expr) return ApiError(InvalidParameter("query", expr.error().message));
  return ApiSuccess([&](JsonWriter& json) { TreeWriter(json).Write(expr->get()); });
}

}  // namespace plimsoll::serve
