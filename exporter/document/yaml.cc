// SPDX-License-Identifier: Apache-2.0
//
// yaml-cpp's events into our tree. Its exceptions stop here.
//
// Our own tree rather than YAML::Node: that one forgets whether a scalar was quoted, accepts a key
// twice, and follows aliases without a bound.
#include "document/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <deque>
#include <sstream>
#include <unordered_map>
#include <unordered_set>

#include "base/format.h"
#include "base/number_text.h"
#include "base/utf8.h"

namespace plimsoll::document {

struct YamlDocument::Tree {
  std::string file;
  std::string source;
  std::vector<std::size_t> lines;  // where each line of `source` starts
  std::deque<YamlNode> nodes;
  const YamlNode* root = nullptr;
};

namespace {

// Thrown through yaml-cpp, which is safe against exceptions, and caught in ParseYaml.
struct Stop {
  base::Error error;
};

class Builder final : public YAML::EventHandler {
 public:
  Builder(YamlDocument::Tree& tree, const YamlLimits& limits) : tree_(tree), limits_(limits) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Put(New(YamlNode::Kind::kNull, mark), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(New(YamlNode::Kind::kList, mark, tag), anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(New(YamlNode::Kind::kMap, mark, tag), anchor);
  }
  void OnMapEnd() override;

 private:
  struct Level {
    YamlNode* node;
    const YamlNode* key = nullptr;  // of the value that comes next
    std::size_t weight_before;
    YAML::anchor_t anchor;
    std::unordered_map<std::string_view, const YamlNode*> keys = {};
  };
  struct Anchored {
    const YamlNode* node;  // nullptr while it is still open
    std::size_t weight;
  };

  [[noreturn]] void Fail(const YamlNode& at, std::string message,
                         base::Error::Kind kind = base::Error::Kind::kBadInput) const {
    throw Stop{{kind, std::move(message), at.where()}};
  }
  YamlNode* New(YamlNode::Kind kind, const YAML::Mark& mark, std::string_view tag = "?");
  void Weigh(std::size_t weight, const YamlNode& at);
  void Put(YamlNode* node, YAML::anchor_t anchor);
  void Attach(const YamlNode* node);
  void Open(YamlNode* node, YAML::anchor_t anchor);
  void Close();
  void Merge(YamlNode& map);

  YamlDocument::Tree& tree_;
  const YamlLimits& limits_;
  std::vector<Level> levels_;
  std::unordered_map<YAML::anchor_t, Anchored> anchors_;
  std::size_t weight_ = 0;
};

// A tag that says what the value is anyway changes nothing; any other (!!binary, !include) would be
// ignored.
bool IsKnownTag(std::string_view tag) {
  constexpr std::string_view kCore = "tag:yaml.org,2002:";
  if (tag.empty() || tag == "?" || tag == "!") return true;
  if (!tag.starts_with(kCore)) return false;
  constexpr std::array<std::string_view, 7> kNames = {"str",  "int", "float", "bool",
                                                      "null", "map", "seq"};
  return std::find(kNames.begin(), kNames.end(), tag.substr(kCore.size())) != kNames.end();
}

YamlNode* Builder::New(YamlNode::Kind kind, const YAML::Mark& mark, std::string_view tag) {
  YamlNode& node = tree_.nodes.emplace_back();
  node.kind = kind;
  node.line = mark.line + 1;
  node.column = mark.column + 1;
  node.file = &tree_.file;
  if (!IsKnownTag(tag)) Fail(node, fmt::format("the tag {} is not supported", base::GoQuote(tag)));
  Weigh(1, node);
  return &node;
}

void Builder::Weigh(std::size_t weight, const YamlNode& at) {
  weight_ += weight;
  if (weight_ > limits_.nodes) {
    Fail(
        at,
        fmt::format("the document has more than {} values (aliases counted as what they stand for)",
                    limits_.nodes),
        base::Error::Kind::kLimit);
  }
}

// yaml-cpp makes one byte of the escapes \N (U+0085) and \_ (U+00A0), which is no UTF-8. Nothing
// else can be broken: the source was checked.
std::string WithWholeCharacters(std::string_view value) {
  if (base::IsValidUtf8(value)) return std::string(value);
  std::string whole;
  while (!value.empty()) {
    const base::CodePoint first = base::FirstCodePoint(value);
    base::AppendUtf8(first.valid ? first.value : static_cast<unsigned char>(value[0]), whole);
    value.remove_prefix(first.bytes);
  }
  return whole;
}

void Builder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       const std::string& value) {
  YamlNode* node = New(YamlNode::Kind::kScalar, mark, tag);
  node->text = WithWholeCharacters(value);
  if (tag == "!" || tag == "tag:yaml.org,2002:str") node->style = YamlNode::Style::kOther;
  const auto line = static_cast<std::size_t>(mark.line);
  if (node->style == YamlNode::Style::kOther && line < tree_.lines.size()) {
    const std::size_t at = tree_.lines[line] + static_cast<std::size_t>(mark.column);
    switch (at < tree_.source.size() ? tree_.source[at] : ' ') {
      case '"':
        node->style = YamlNode::Style::kDoubleQuoted;
        break;
      case '\'':
        node->style = YamlNode::Style::kSingleQuoted;
        break;
      case '|':
        node->style = YamlNode::Style::kLiteral;
        break;
      case '>':
        node->style = YamlNode::Style::kFolded;
        break;
      default:
        break;  // a tag or an anchor stands before it
    }
  }
  Put(node, anchor);
}

void Builder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  YamlNode at;
  at.line = mark.line + 1;
  at.column = mark.column + 1;
  at.file = &tree_.file;
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end() || found->second.node == nullptr)
    Fail(at, "an alias stands inside what it names");
  Weigh(found->second.weight, at);
  Attach(found->second.node);
}

void Builder::Put(YamlNode* node, YAML::anchor_t anchor) {
  if (anchor != 0) anchors_[anchor] = {node, 1};
  Attach(node);
}

void Builder::Attach(const YamlNode* node) {
  if (levels_.empty()) {
    tree_.root = node;
    return;
  }
  Level& level = levels_.back();
  if (level.node->kind == YamlNode::Kind::kList) {
    level.node->items.push_back(node);
  } else if (level.key == nullptr) {
    if (node->kind == YamlNode::Kind::kList || node->kind == YamlNode::Kind::kMap) {
      Fail(*node, "a key must be a plain word, found " + DescribeYaml(*node));
    }
    const auto [first, fresh] = level.keys.emplace(node->text, node);
    // An alias may repeat the node itself; `<<` may be repeated, later ones fill what is still
    // open.
    if (!fresh && node->text != "<<") {
      Fail(*node, fmt::format("key {} is given twice, first in line {}", base::GoQuote(node->text),
                              first->second->line));
    }
    level.key = node;
  } else {
    level.node->entries.emplace_back(level.key, node);
    level.key = nullptr;
  }
}

void Builder::Open(YamlNode* node, YAML::anchor_t anchor) {
  if (levels_.size() >= static_cast<std::size_t>(limits_.depth)) {
    Fail(*node, fmt::format("more than {} levels deep", limits_.depth), base::Error::Kind::kLimit);
  }
  if (anchor != 0) anchors_[anchor] = {nullptr, 0};
  levels_.push_back({node, nullptr, weight_ - 1, anchor});
}

void Builder::Close() {
  const Level level = std::move(levels_.back());
  levels_.pop_back();
  if (level.anchor != 0) anchors_[level.anchor] = {level.node, weight_ - level.weight_before};
  Attach(level.node);
}

void Builder::OnMapEnd() {
  Merge(*levels_.back().node);
  Close();
}

// `<<: *base` fills in the keys that the mapping does not have itself (YAML 1.1, as go-yaml).
void Builder::Merge(YamlNode& map) {
  const auto is_merge = [](const auto& entry) {
    return entry.first->text == "<<" && entry.first->style == YamlNode::Style::kPlain;
  };
  if (std::none_of(map.entries.begin(), map.entries.end(), is_merge)) return;
  std::unordered_set<std::string_view> have;
  std::vector<const YamlNode*> sources;
  for (const auto& [key, value] : map.entries) {
    if (!is_merge(std::pair(key, value))) {
      have.insert(key->text);
    } else if (value->kind == YamlNode::Kind::kList) {
      sources.insert(sources.end(), value->items.begin(), value->items.end());
    } else {
      sources.push_back(value);
    }
  }
  std::erase_if(map.entries, is_merge);
  for (const YamlNode* source : sources) {
    if (source->kind != YamlNode::Kind::kMap)
      Fail(*source, "'<<' merges a mapping, found " + DescribeYaml(*source));
    Weigh(source->entries.size(), *source);
    for (const auto& entry : source->entries) {
      if (have.insert(entry.first->text).second) map.entries.push_back(entry);
    }
  }
}

// What yaml-cpp lets pass and the specification does not.
std::optional<base::Error> CheckBytes(const YamlDocument::Tree& tree) {
  for (std::size_t i = 0; i < tree.source.size(); ++i) {
    const auto c = static_cast<unsigned char>(tree.source[i]);
    if ((c >= 0x20 && c != 0x7f) || c == '\t' || c == '\n' || c == '\r') continue;
    const auto line =
        std::upper_bound(tree.lines.begin(), tree.lines.end(), i) - tree.lines.begin();
    const std::size_t start = tree.lines[static_cast<std::size_t>(line) - 1];
    return base::BadInput(fmt::format("control characters are not allowed, found 0x{:02x}", c),
                          {tree.file, static_cast<int>(line), static_cast<int>(i - start) + 1});
  }
  if (base::IsValidUtf8(tree.source)) return std::nullopt;
  for (std::size_t line = 0; line < tree.lines.size(); ++line) {
    const std::size_t end =
        line + 1 < tree.lines.size() ? tree.lines[line + 1] : tree.source.size();
    if (!base::IsValidUtf8(
            std::string_view(tree.source).substr(tree.lines[line], end - tree.lines[line]))) {
      return base::BadInput("invalid UTF-8", {tree.file, static_cast<int>(line) + 1, 0});
    }
  }
  return base::BadInput("invalid UTF-8", {tree.file, 0, 0});
}

}  // namespace

const YamlNode* YamlNode::Find(std::string_view key) const {
  for (const auto& [name, value] : entries) {
    if (name->text == key) return value;
  }
  return nullptr;
}

const YamlNode& YamlDocument::root() const { return *tree_->root; }

base::Place YamlDocument::PlaceOf(const YamlNode& scalar, std::size_t offset) const {
  base::Place place = scalar.where();
  const bool one_line = scalar.text.find('\n') == std::string::npos;
  switch (scalar.style) {
    case YamlNode::Style::kPlain:
    case YamlNode::Style::kSingleQuoted:
    case YamlNode::Style::kDoubleQuoted: {
      // Exact when the source repeats the text byte by byte: no escape and no folded line before
      // the offset.
      const std::size_t line = static_cast<std::size_t>(scalar.line) - 1;
      const std::size_t quote = scalar.style == YamlNode::Style::kPlain ? 0 : 1;
      const std::size_t start =
          line < tree_->lines.size()
              ? tree_->lines[line] + static_cast<std::size_t>(scalar.column) - 1 + quote
              : std::string::npos;
      const std::size_t length = std::min(offset, scalar.text.size());
      if (one_line && start < tree_->source.size() &&
          tree_->source.compare(start, length, scalar.text, 0, length) == 0) {
        place.column += static_cast<int>(quote + offset);
      }
      break;
    }
    case YamlNode::Style::kLiteral: {
      const std::string_view before = std::string_view(scalar.text).substr(0, offset);
      const std::size_t skipped =
          static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
      const std::size_t line =
          static_cast<std::size_t>(scalar.line) + skipped;  // the text starts in the next line
      if (line >= tree_->lines.size()) break;
      const std::size_t newline = before.rfind('\n');
      const std::size_t column =
          newline == std::string_view::npos ? before.size() : before.size() - newline - 1;
      const std::string_view row = std::string_view(tree_->source).substr(tree_->lines[line]);
      const std::size_t text_start = newline == std::string_view::npos ? 0 : newline + 1;
      const std::size_t text_end = std::min(scalar.text.find('\n', text_start), scalar.text.size());
      const std::size_t indent =
          row.substr(0, row.find('\n'))
              .find(std::string_view(scalar.text).substr(text_start, text_end - text_start));
      if (indent == std::string_view::npos) break;
      place.line = static_cast<int>(line) + 1;
      place.column = static_cast<int>(indent + column) + 1;
      break;
    }
    case YamlNode::Style::kFolded:
    case YamlNode::Style::kOther:
      break;
  }
  return place;
}

base::Result<YamlDocument> ParseYaml(std::string_view text, std::string file,
                                     const YamlLimits& limits) {
  if (text.size() > limits.bytes) {
    return base::Error{
        base::Error::Kind::kLimit,
        fmt::format("the file has {} bytes, more than {}", text.size(), limits.bytes),
        {std::move(file), 0, 0}};
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  auto tree = std::make_shared<YamlDocument::Tree>();
  tree->file = std::move(file);
  tree->source = text;
  tree->lines.push_back(0);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') tree->lines.push_back(i + 1);
  }
  if (auto bad = CheckBytes(*tree)) return *std::move(bad);
  try {
    std::istringstream in(tree->source);
    YAML::Parser parser(in);
    Builder builder(*tree, limits);
    parser.HandleNextDocument(builder);
  } catch (const Stop& stop) {
    return stop.error;
  } catch (const YAML::Exception& e) {
    base::Place place{tree->file, 0, 0};
    if (!e.mark.is_null()) place = {tree->file, e.mark.line + 1, e.mark.column + 1};
    return base::BadInput("not YAML: " + e.msg, std::move(place));
  } catch (const std::exception& e) {
    return base::BadInput(std::string("not YAML: ") + e.what(), {tree->file, 0, 0});
  }
  if (tree->root == nullptr) {
    YamlNode& empty = tree->nodes.emplace_back();
    empty.file = &tree->file;
    tree->root = &empty;
  }
  return YamlDocument(std::move(tree));
}

}  // namespace plimsoll::document
