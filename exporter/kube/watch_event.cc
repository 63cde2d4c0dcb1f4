// SPDX-License-Identifier: Apache-2.0
//
// See kube/detail/watch_event.h.
#include "kube/detail/watch_event.h"

#include <utility>

#include "base/format.h"

namespace plimsoll::kube::detail {
namespace {

using document::Json;

std::string VersionOf(const Json& object) {
  const Json* version = object.At("metadata", "resourceVersion");
  return version == nullptr || version->kind != Json::Kind::kString ? "" : version->text;
}

base::Result<WatchEvent::Kind> KindOf(std::string_view type) {
  if (type == "ADDED") return WatchEvent::Kind::kAdded;
  if (type == "MODIFIED") return WatchEvent::Kind::kModified;
  if (type == "DELETED") return WatchEvent::Kind::kDeleted;
  if (type == "BOOKMARK") return WatchEvent::Kind::kBookmark;
  if (type == "ERROR") return WatchEvent::Kind::kError;
  return base::BadInput(base::format("watch: unknown type of event \"{}\"", type));
}

}  // namespace

base::Result<WatchEvent> ParseWatchEvent(std::string_view line) {
  auto json = document::ParseJson(line, "watch");
  if (!json) return std::move(json).error();
  const auto type = json->String("type");
  if (!type) return base::BadInput("watch: expected an event with a type");
  const auto kind = KindOf(*type);
  if (!kind) return kind.error();
  WatchEvent event{.kind = *kind};
  for (auto& [name, value] : json->members) {
    if (name == "object") event.object = std::move(value);
  }
  if (!event.object.is_object()) return base::BadInput("watch: expected an event with an object");
  if (event.kind == WatchEvent::Kind::kError) {
    event.code = event.object.Integer("code").value_or(0);
    event.message = std::string(event.object.String("message").value_or("no message"));
    return event;
  }
  event.version = VersionOf(event.object);
  if (event.version.empty()) return base::BadInput("watch: expected an object with a version");
  return event;
}

base::Result<ListedObjects> ReadList(Json list) {
  ListedObjects listed{.version = VersionOf(list)};
  if (listed.version.empty()) return base::BadInput("list: expected a resourceVersion");
  if (const Json* rest = list.At("metadata", "continue")) listed.rest = rest->text;
  for (auto& [key, value] : list.members) {
    if (key != "items" || value.is_null()) continue;
    if (!value.is_list()) return base::BadInput("list: expected a list of items");
    listed.objects = std::move(value.items);
  }
  return listed;
}

bool LineBuffer::Add(std::string_view piece,
                     const std::function<bool(std::string_view line)>& take) {
  while (!piece.empty()) {
    const std::size_t end = piece.find('\n');
    const std::string_view part = piece.substr(0, end);
    if (begun_.size() + part.size() > limit_) {
      overflown_ = true;
      return false;
    }
    if (end == std::string_view::npos) {
      begun_.append(part);
      return true;
    }
    piece.remove_prefix(end + 1);
    std::string whole;
    if (!begun_.empty()) whole = std::exchange(begun_, {}).append(part);
    const std::string_view line = whole.empty() ? part : std::string_view(whole);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos && !take(line)) return false;
  }
  return true;
}

}  // namespace plimsoll::kube::detail
