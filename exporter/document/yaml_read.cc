// SPDX-License-Identifier: Apache-2.0
//
// What a YAML value means as a string, a truth value, a number, a duration; and the strict mapping.
//
// The spellings of truth and null are those of YAML 1.1 as go-yaml reads them, because a
// prometheus.yml must mean here what it means there.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/format.h"
#include "base/number_text.h"
#include "document/yaml.h"

namespace plimsoll::document {

namespace {

constexpr std::array<std::string_view, 11> kTrue = {"y",    "Y",    "yes", "Yes", "YES", "true",
                                                    "True", "TRUE", "on",  "On",  "ON"};
constexpr std::array<std::string_view, 11> kFalse = {"n",     "N",     "no",  "No",  "NO", "false",
                                                     "False", "FALSE", "off", "Off", "OFF"};

bool IsPlain(const YamlNode& node) {
  return node.kind == YamlNode::Kind::kScalar && node.style == YamlNode::Style::kPlain;
}

template <typename List>
bool IsOneOf(std::string_view word, const List& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::optional<std::int64_t> ReadInt(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int radix = 10;
  if (text.starts_with("0x")) radix = 16;
  if (text.starts_with("0o")) radix = 8;
  if (text.starts_with("0b")) radix = 2;
  if (radix != 10) text.remove_prefix(2);
  std::uint64_t magnitude = 0;
  const auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), magnitude, radix);
  if (text.empty() || code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (magnitude > kMax) return std::nullopt;
  const auto value = static_cast<std::int64_t>(magnitude);
  return negative ? -value : value;
}

std::optional<double> ReadDouble(std::string_view text) {
  if (IsOneOf(text, std::array<std::string_view, 3>{".nan", ".NaN", ".NAN"})) return std::nan("");
  const bool negative = text.starts_with('-');
  const std::string_view bare = text.substr(negative || text.starts_with('+') ? 1 : 0);
  if (IsOneOf(bare, std::array<std::string_view, 3>{".inf", ".Inf", ".INF"})) {
    const double infinity = std::numeric_limits<double>::infinity();
    return negative ? -infinity : infinity;
  }
  if (const auto integer = ReadInt(text)) return static_cast<double>(*integer);
  if (bare.empty() || !((bare[0] >= '0' && bare[0] <= '9') || bare[0] == '.')) return std::nullopt;
  return base::ParseFloat(text);
}

base::Error Expected(std::string_view what, const YamlNode& node) {
  return base::BadInput(fmt::format("expected {}, found {}", what, DescribeYaml(node)),
                        node.where());
}

}  // namespace

std::string DescribeYaml(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a mapping";
    case YamlNode::Kind::kScalar:
      break;
  }
  if (IsPlain(node)) {
    if (IsOneOf(node.text, kTrue) || IsOneOf(node.text, kFalse))
      return "the truth value " + node.text;
    if (ReadDouble(node.text)) return "the number " + node.text;
  }
  constexpr std::size_t kShown = 60;
  if (node.text.size() <= kShown) return "the text " + base::GoQuote(node.text);
  std::size_t cut = kShown;  // not through a character
  while (cut > 0 && (static_cast<unsigned char>(node.text[cut]) & 0xC0U) == 0x80U) --cut;
  return "the text " + base::GoQuote(node.text.substr(0, cut)) + "...";
}

base::Result<std::string> YamlString(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kScalar) return Expected("a text", node);
  return node.text;
}

base::Result<bool> YamlBool(const YamlNode& node) {
  if (IsPlain(node) && IsOneOf(node.text, kTrue)) return true;
  if (IsPlain(node) && IsOneOf(node.text, kFalse)) return false;
  return Expected("true or false", node);
}

base::Result<std::int64_t> YamlInt(const YamlNode& node) {
  if (IsPlain(node)) {
    if (const auto value = ReadInt(node.text)) return *value;
  }
  return Expected("a whole number", node);
}

base::Result<double> YamlDouble(const YamlNode& node) {
  if (IsPlain(node)) {
    if (const auto value = ReadDouble(node.text)) return *value;
  }
  return Expected("a number", node);
}

base::Result<std::chrono::milliseconds> YamlDuration(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kScalar) return Expected("a duration such as 30s", node);
  auto duration = base::ParseDuration(node.text);
  if (!duration) return base::BadInput(duration.error().message, node.where());
  return duration;
}

base::Result<std::uint64_t> YamlSize(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kScalar) return Expected("a size such as 10MB", node);
  auto size = base::ParseSize(node.text);
  if (!size) return base::BadInput(size.error().message, node.where());
  return size;
}

void Errors::Add(base::Error error) {
  ++count_;
  if (list_.size() < kMost) list_.push_back(std::move(error));
}

MapReader::MapReader(const YamlNode& node, std::string_view what, Errors& errors)
    : node_(node), what_(what), errors_(errors), errors_before_(errors.count()) {
  if (node.kind != YamlNode::Kind::kMap && node.kind != YamlNode::Kind::kNull) {
    errors_.Add(fmt::format("{}: expected a mapping, found {}", what, DescribeYaml(node)),
                node.where());
  }
}

bool MapReader::Has(std::string_view key) {
  known_.emplace_back(key);
  return node_.Find(key) != nullptr;
}

const YamlNode* MapReader::Get(std::string_view key) {
  known_.emplace_back(key);
  const YamlNode* value = node_.Find(key);
  return value == nullptr || value->kind == YamlNode::Kind::kNull ? nullptr : value;
}

const YamlNode* MapReader::List(std::string_view key) {
  const YamlNode* value = Get(key);
  if (value == nullptr || value->kind == YamlNode::Kind::kList) return value;
  Fail(key, "expected a list, found " + DescribeYaml(*value));
  return nullptr;
}

const YamlNode* MapReader::Map(std::string_view key) {
  const YamlNode* value = Get(key);
  if (value == nullptr || value->kind == YamlNode::Kind::kMap) return value;
  Fail(key, "expected a mapping, found " + DescribeYaml(*value));
  return nullptr;
}

base::Place MapReader::where(std::string_view key) const {
  for (const auto& [name, value] : node_.entries) {
    if (name->text == key)
      return value->kind == YamlNode::Kind::kNull ? name->where() : value->where();
  }
  return node_.where();
}

void MapReader::Fail(std::string_view key, std::string message) {
  errors_.Add(fmt::format("'{}': {}", key, message), where(key));
}

void MapReader::Refuse(std::string_view key, std::string_view message) {
  refused_.emplace_back(key);
  for (const auto& [name, value] : node_.entries) {
    if (name->text == key) errors_.Add(std::string(message), name->where());
  }
}

template <typename T>
bool MapReader::Take(std::string_view key, T& out, base::Result<T> (*read)(const YamlNode&)) {
  const YamlNode* value = Get(key);
  if (value == nullptr) return false;
  auto result = read(*value);
  if (!result) {
    errors_.Add({result.error().kind, fmt::format("'{}': {}", key, result.error().message),
                 result.error().where});
    return false;
  }
  out = *std::move(result);
  return true;
}

bool MapReader::Read(std::string_view key, std::string& out) { return Take(key, out, YamlString); }
bool MapReader::Read(std::string_view key, bool& out) { return Take(key, out, YamlBool); }
bool MapReader::Read(std::string_view key, std::int64_t& out) { return Take(key, out, YamlInt); }
bool MapReader::Read(std::string_view key, double& out) { return Take(key, out, YamlDouble); }
bool MapReader::Read(std::string_view key, std::chrono::milliseconds& out) {
  return Take(key, out, YamlDuration);
}
bool MapReader::ReadSize(std::string_view key, std::uint64_t& out) {
  return Take(key, out, YamlSize);
}

bool MapReader::Read(std::string_view key, std::uint64_t& out) {
  std::int64_t value = 0;
  if (!Take(key, value, YamlInt)) return false;
  if (value < 0) {
    Fail(key,
         fmt::format("expected a whole number that is not negative, found the number {}", value));
    return false;
  }
  out = static_cast<std::uint64_t>(value);
  return true;
}

bool MapReader::Read(std::string_view key, std::vector<std::string>& out) {
  const YamlNode* list = List(key);
  if (list == nullptr) return false;
  std::vector<std::string> values;
  bool good = true;
  for (const YamlNode* item : list->items) {
    auto value = YamlString(*item);
    if (value) {
      values.push_back(*std::move(value));
    } else {
      errors_.Add(fmt::format("'{}': {}", key, value.error().message), value.error().where);
      good = false;
    }
  }
  if (good) out = std::move(values);
  return good;
}

bool MapReader::Finish() {
  for (const auto& [name, value] : node_.entries) {
    if (IsOneOf(name->text, known_) || IsOneOf(name->text, refused_)) continue;
    const std::string_view nearest = base::NearestOf(name->text, known_);
    errors_.Add(nearest.empty() ? fmt::format("{}: unknown key '{}'", what_, name->text)
                                : fmt::format("{}: unknown key '{}', did you mean '{}'?", what_,
                                              name->text, nearest),
                name->where());
  }
  return errors_.count() == errors_before_;
}

}  // namespace plimsoll::document
