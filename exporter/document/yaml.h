// SPDX-License-Identifier: Apache-2.0
//
// YAML text in, a tree out in which every node knows its line and column; and typed, strict reading
// of it.
//
// A misspelled key that is silently ignored is the worst configuration bug there is, so a mapping
// is read through MapReader, which reports every key that nobody asked for. Only the first document
// of a text is read. Scalars keep their spelling; what a plain `yes` or `0x10` means is decided
// where a type is asked for, as go-yaml (which Prometheus uses) decides it.
//
// Threads: a YamlDocument is immutable after ParseYaml.
// Bounds:  YamlLimits; an alias counts as often as it is used, so a text cannot blow up.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace plimsoll::document {

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  enum class Style { kPlain, kSingleQuoted, kDoubleQuoted, kLiteral, kFolded, kOther };

  Kind kind = Kind::kNull;
  Style style = Style::kPlain;
  int line = 0;  // both from one
  int column = 0;
  const std::string* file = nullptr;
  std::string text;                    // of a scalar
  std::vector<const YamlNode*> items;  // of a list
  std::vector<std::pair<const YamlNode*, const YamlNode*>>
      entries;  // of a mapping; keys are scalars

  base::Place where() const { return {file == nullptr ? std::string() : *file, line, column}; }
  // Returns: the value of `key`; nullptr when there is none.
  const YamlNode* Find(std::string_view key) const;
};

struct YamlLimits {
  std::size_t bytes = 16U << 20;
  std::size_t nodes = 500000;  // with every alias counted as what it stands for
  int depth = 100;
};

// Keeps the nodes alive that its root leads to.
class YamlDocument {
 public:
  struct Tree;
  explicit YamlDocument(std::shared_ptr<const Tree> tree) : tree_(std::move(tree)) {}
  // Returns: the root; of kind kNull for an empty text.
  const YamlNode& root() const;
  // Returns: where the byte at `offset` of the scalar's text stands in the file, when the style
  // lets it be known exactly; otherwise where the scalar begins. For errors inside PromQL and
  // templates.
  base::Place PlaceOf(const YamlNode& scalar, std::size_t offset) const;

 private:
  std::shared_ptr<const Tree> tree_;
};

// Fails with: kBadInput with a place (syntax, a key given twice, a key that is not a scalar, an
// unknown alias), kLimit.
base::Result<YamlDocument> ParseYaml(std::string_view text, std::string file,
                                     const YamlLimits& limits = {});

// What a value is, for "found ...": "a list", "a mapping", "nothing", "the text \"x\"", "the number
// 5".
std::string DescribeYaml(const YamlNode& node);

// Each fails with kBadInput at the node's place: "expected a duration such as 30s, found a list".
base::Result<std::string> YamlString(const YamlNode& node);
base::Result<bool> YamlBool(const YamlNode& node);
base::Result<std::int64_t> YamlInt(const YamlNode& node);
base::Result<double> YamlDouble(const YamlNode& node);
base::Result<std::chrono::milliseconds> YamlDuration(const YamlNode& node);
base::Result<std::uint64_t> YamlSize(const YamlNode& node);  // bytes: 10MB

// Every error of a text, in the order found, so that a user mends them in one go. After `kMost`
// only counted.
class Errors {
 public:
  static constexpr std::size_t kMost = 100;
  void Add(base::Error error);
  void Add(std::string message, base::Place where) {
    Add(base::BadInput(std::move(message), std::move(where)));
  }
  bool empty() const { return list_.empty(); }
  std::size_t count() const { return count_; }
  const std::vector<base::Error>& list() const { return list_; }

 private:
  std::vector<base::Error> list_;
  std::size_t count_ = 0;
};

// Reads the known keys of one mapping; what was never asked for is an unknown key. Each Read
// returns whether the key was there and good; an absent or null key leaves `out` (the default) as
// it is.
//
//   MapReader map(node, "a rule group", errors);
//   map.Read("interval", group.interval);
//   map.Finish();
class MapReader {
 public:
  // If `node` is not a mapping, that is an error; every key then counts as absent. Null is an empty
  // mapping.
  MapReader(const YamlNode& node, std::string_view what, Errors& errors);
  MapReader(const MapReader&) = delete;
  MapReader& operator=(const MapReader&) = delete;

  bool Read(std::string_view key, std::string& out);
  bool Read(std::string_view key, bool& out);
  bool Read(std::string_view key, std::int64_t& out);
  bool Read(std::string_view key, std::uint64_t& out);  // refuses negative numbers
  bool Read(std::string_view key, double& out);
  bool Read(std::string_view key, std::chrono::milliseconds& out);
  bool Read(std::string_view key, std::vector<std::string>& out);
  bool ReadSize(std::string_view key, std::uint64_t& out);
  template <typename T>
  bool Read(std::string_view key, std::optional<T>& out) {
    T value{};
    if (!Read(key, value)) return false;
    out = std::move(value);
    return true;
  }

  // Returns: the value, which is not null; nullptr when absent or null. List and Map also require
  // the kind and report another one.
  const YamlNode* Get(std::string_view key);
  const YamlNode* List(std::string_view key);
  const YamlNode* Map(std::string_view key);
  // Whether the key was written, be it with a null. Marks it as known.
  bool Has(std::string_view key);
  // Reports `message` at the key if it is present; the key is not unknown then, nor offered as the
  // nearest.
  void Refuse(std::string_view key, std::string_view message);
  // Reports `message` at the value of `key`, or at the mapping when the key is absent.
  void Fail(std::string_view key, std::string message);
  base::Place where(std::string_view key) const;

  // Reports what nobody asked for. Returns: whether this reader reported nothing.
  bool Finish();
  Errors& errors() { return errors_; }

 private:
  template <typename T>
  bool Take(std::string_view key, T& out, base::Result<T> (*read)(const YamlNode&));
  const YamlNode& node_;
  std::string_view what_;
  Errors& errors_;
  std::size_t errors_before_;
  std::vector<std::string> known_;
  std::vector<std::string> refused_;
};

}  // namespace plimsoll::document
