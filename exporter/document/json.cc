// SPDX-License-Identifier: Apache-2.0
//
// nlohmann's event parser into our tree. Its exceptions stop here.
//
// The event parser is iterative and tells us every opening bracket before it reads on, so hostile
// depth and size are refused before they cost anything.
#include "document/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/format.h"
#include "base/number_text.h"
#include "base/utf8.h"

namespace plimsoll::document {

namespace {

class Builder {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  explicit Builder(const JsonLimits& limits) : limits_(limits) {}

  bool null() { return Add(Json::Kind::kNull) != nullptr; }
  bool boolean(bool value) {
    Json* node = Add(Json::Kind::kBool);
    if (node != nullptr) node->truth = value;
    return node != nullptr;
  }
  bool number_integer(number_integer_t value) { return Number(static_cast<double>(value), value); }
  bool number_unsigned(number_unsigned_t value) {
    constexpr auto kMost = static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max());
    return Number(static_cast<double>(value),
                  value <= kMost ? std::optional(static_cast<std::int64_t>(value)) : std::nullopt);
  }
  bool number_float(number_float_t value, const string_t&) { return Number(value, std::nullopt); }
  bool string(string_t& value) {
    Json* node = Add(Json::Kind::kString);
    if (node != nullptr) node->text = std::move(value);
    return node != nullptr;
  }
  bool binary(binary_t&) { return false; }
  bool start_object(std::size_t) { return Open(Json::Kind::kObject); }
  bool key(string_t& name) {
    key_ = std::move(name);
    return true;
  }
  bool end_object() { return Close(); }
  bool start_array(std::size_t) { return Open(Json::Kind::kList); }
  bool end_array() { return Close(); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& e) {
    position_ = position;
    const std::string_view text = e.what();
    const auto column = text.find("column ");
    const auto colon = text.find(": ", column == std::string_view::npos ? 0 : column);
    std::string_view message = colon == std::string_view::npos ? text : text.substr(colon + 2);
    // What follows is a piece of the text, which may be a secret and as long as it likes.
    for (const std::string_view quote : {"; last read", " parsing '"})
      message = message.substr(0, message.find(quote));
    message_ = message;
    return false;
  }

  Json root;
  std::optional<std::size_t> position_;  // of a syntax error, in bytes from one
  std::string message_;
  std::string limit_;

 private:
  Json* Add(Json::Kind kind) {
    if (++values_ > limits_.values) {
      limit_ = fmt::format("more than {} values", limits_.values);
      return nullptr;
    }
    Json* node = &root;
    if (!open_.empty()) {
      Json& parent = *open_.back();
      if (parent.kind == Json::Kind::kObject) {
        parent.members.push_back({std::move(key_), Json()});
        node = &parent.members.back().second;
      } else {
        node = &parent.items.emplace_back();
      }
    }
    node->kind = kind;
    return node;
  }
  bool Number(double value, std::optional<std::int64_t> integer) {
    Json* node = Add(Json::Kind::kNumber);
    if (node == nullptr) return false;
    node->number = value;
    node->integer = integer;
    return true;
  }
  bool Open(Json::Kind kind) {
    if (open_.size() >= static_cast<std::size_t>(limits_.depth)) {
      limit_ = fmt::format("more than {} levels deep", limits_.depth);
      return false;
    }
    Json* node = Add(kind);
    if (node == nullptr) return false;
    open_.push_back(node);
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }

  const JsonLimits& limits_;
  std::vector<Json*>
      open_;  // a parent does not grow while its last child is open, so these stay valid
  std::string key_;
  std::size_t values_ = 0;
};

base::Place PlaceAt(std::string_view text, std::size_t offset, std::string file) {
  const std::string_view before = text.substr(0, offset);
  const auto newline = before.rfind('\n');
  const auto line = std::count(before.begin(), before.end(), '\n');
  const std::size_t column =
      newline == std::string_view::npos ? before.size() : before.size() - newline - 1;
  return {std::move(file), static_cast<int>(line) + 1, static_cast<int>(column) + 1};
}

constexpr char kHex[] = "0123456789abcdef";

// Appends what stands for `c` between quotes, when it must be escaped everywhere.
void AppendEscape(char c, std::string& out) {
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      out += "\\u00";
      out += kHex[static_cast<unsigned char>(c) >> 4U];
      out += kHex[static_cast<unsigned char>(c) & 0xFU];
  }
}

bool NeedsEscape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

}  // namespace

const Json* Json::Find(std::string_view name) const {
  for (auto member = members.rbegin(); member != members.rend(); ++member) {
    if (member->first == name) return &member->second;
  }
  return nullptr;
}

std::optional<double> Json::Number(std::string_view name) const {
  const Json* value = Find(name);
  if (value == nullptr || value->kind != Kind::kNumber) return std::nullopt;
  return value->number;
}

std::optional<std::int64_t> Json::Integer(std::string_view name) const {
  const Json* value = Find(name);
  return value == nullptr ? std::nullopt : value->integer;
}

std::optional<bool> Json::Bool(std::string_view name) const {
  const Json* value = Find(name);
  if (value == nullptr || value->kind != Kind::kBool) return std::nullopt;
  return value->truth;
}

std::optional<std::string_view> Json::String(std::string_view name) const {
  const Json* value = Find(name);
  if (value == nullptr || value->kind != Kind::kString) return std::nullopt;
  return value->text;
}

base::Result<Json> ParseJson(std::string_view text, std::string file, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    return base::Error{
        base::Error::Kind::kLimit,
        fmt::format("the JSON has {} bytes, more than {}", text.size(), limits.bytes),
        {std::move(file), 0, 0}};
  }
  Builder builder(limits);
  try {
    if (nlohmann::json::sax_parse(text.begin(), text.end(), &builder))
      return std::move(builder.root);
  } catch (const std::exception& e) {
    return base::BadInput(std::string("not JSON: ") + e.what(), {std::move(file), 0, 0});
  }
  if (builder.position_) {
    const std::size_t offset =
        std::min(*builder.position_ == 0 ? 0 : *builder.position_ - 1, text.size());
    return base::BadInput("not JSON: " + builder.message_, PlaceAt(text, offset, std::move(file)));
  }
  return base::Error{
      base::Error::Kind::kLimit, "the JSON has " + builder.limit_, {std::move(file), 0, 0}};
}

std::string DescribeJson(const Json& value) {
  switch (value.kind) {
    case Json::Kind::kNull:
      return "null";
    case Json::Kind::kBool:
      return value.truth ? "true" : "false";
    case Json::Kind::kNumber:
      return "the number " + base::SprintFloat(value.number);
    case Json::Kind::kString:
      return "the text " + base::GoQuote(value.text);
    case Json::Kind::kList:
      return "a list";
    case Json::Kind::kObject:
      return "an object";
  }
  return "";
}

void AppendJsonString(std::string_view text, std::string& out) {
  out += '"';
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!NeedsEscape(text[i])) continue;
    out.append(text, start, i - start);
    AppendEscape(text[i], out);
    start = i + 1;
  }
  out.append(text, start, text.size() - start);
  out += '"';
}

void AppendJsonStringHtml(std::string_view text, std::string& out) {
  out += '"';
  std::size_t start = 0;
  std::size_t i = 0;
  const auto flush = [&](std::size_t skip) {
    out.append(text, start, i - start);
    i += skip;
    start = i;
  };
  while (i < text.size()) {
    const char c = text[i];
    if (NeedsEscape(c) || c == '<' || c == '>' || c == '&') {
      flush(1);
      AppendEscape(c, out);
    } else if (static_cast<unsigned char>(c) < 0x80) {
      ++i;
    } else if (const auto first = base::FirstCodePoint(text.substr(i)); !first.valid) {
      flush(1);
      out += "\\ufffd";
    } else if (text.substr(i, 3) == "\xE2\x80\xA8" || text.substr(i, 3) == "\xE2\x80\xA9") {
      const char last = text[i + 2];
      flush(3);
      out += last == '\xA8' ? "\\u2028" : "\\u2029";
    } else {
      i += first.bytes;
    }
  }
  flush(0);
  out += '"';
}

namespace {

// What was no integer ("4.0", "-0.0") must not come back as one, nor without its sign.
bool ReadsAsInteger(std::string_view text) {
  std::int64_t integer = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), integer);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

}  // namespace

void AppendJson(const Json& value, std::string& out) {
  switch (value.kind) {
    case Json::Kind::kNull:
      out += "null";
      break;
    case Json::Kind::kBool:
      out += value.truth ? "true" : "false";
      break;
    case Json::Kind::kNumber:
      if (value.integer) {
        JsonWriter(out).Integer(*value.integer);
      } else {
        const std::size_t begin = out.size();
        JsonWriter(out).Number(value.number);
        if (ReadsAsInteger(std::string_view(out).substr(begin))) out += ".0";
      }
      break;
    case Json::Kind::kString:
      AppendJsonString(value.text, out);
      break;
    case Json::Kind::kList:
      out += '[';
      for (const Json& item : value.items) {
        if (&item != &value.items.front()) out += ',';
        AppendJson(item, out);
      }
      out += ']';
      break;
    case Json::Kind::kObject:
      out += '{';
      for (const Json::Member& member : value.members) {
        if (&member != &value.members.front()) out += ',';
        AppendJsonString(member.first, out);
        out += ':';
        AppendJson(member.second, out);
      }
      out += '}';
      break;
  }
}

JsonWriter& JsonWriter::Number(double value) {
  if (!std::isfinite(value)) return Null();
  base::AppendApiFloat(value, Open());
  return *this;
}

}  // namespace plimsoll::document
