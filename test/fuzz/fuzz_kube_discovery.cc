// SPDX-License-Identifier: Apache-2.0
//
// What an API server says of pods and slices, to targets.
//
// The input is JSON: {"slice": ..., "service": ..., "pods": [...]}. Every target has an address and
// labels of its own; every label is one that relabelling may read (a meta label, with a name of
// plain letters) and none can pass for a target's own; text that is written again gives the same
// targets.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "discovery/detail/kubernetes_targets.h"
#include "document/json.h"
#include "model/labels.h"

namespace {

using namespace plimsoll;  // NOLINT: a harness
using namespace plimsoll::discovery::detail;
using discovery::TargetGroup;

void Check(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

void CheckLabels(const discovery::LabelPairs& labels) {
  for (const auto& [name, value] : labels) {
    Check(name.starts_with("__meta_kubernetes_") || name.starts_with("__meta_plimsoll_"),
          "a label that is no meta label");
    Check(model::IsLegacyLabelName(name), "a label with an odd name");
  }
}

void CheckGroup(const TargetGroup& group) {
  Check(group.targets.size() == group.own.size(), "targets without labels of their own");
  CheckLabels(group.labels);
  for (const auto& own : group.own) CheckLabels(own);
}

std::vector<TargetGroup> Groups(const document::Json& json) {
  const ObjectLimits limits{.value_bytes = 64, .containers = 8, .endpoints = 16};
  std::size_t cut = 0;
  std::vector<TargetGroup> groups;
  std::map<std::string, Pod> pods;
  if (const auto* list = json.Find("pods")) {
    for (const document::Json& item : list->items) {
      auto pod = ReadPod(item, limits, cut);
      if (!pod) continue;
      Check(pod->containers.size() <= 2 * limits.containers, "too many containers");
      groups.push_back(PodTargets(*pod));
      const auto key = KeyOf(item);
      Check(key.has_value(), "a pod without a key");
      pods.insert_or_assign(*key, *std::move(pod));
    }
  }
  std::optional<Service> service;
  if (const auto* item = json.Find("service")) {
    if (auto read = ReadService(*item, limits, cut)) service = *std::move(read);
  }
  if (const auto* item = json.Find("slice")) {
    if (auto slice = ReadEndpointSlice(*item, limits, cut)) {
      Check(slice->endpoints.size() <= limits.endpoints, "too many endpoints");
      groups.push_back(EndpointSliceTargets(*slice, service ? &*service : nullptr,
                                            [&](const std::string& key) -> const Pod* {
                                              const auto pod = pods.find(key);
                                              return pod == pods.end() ? nullptr : &pod->second;
                                            }));
    }
  }
  return groups;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const document::JsonLimits limits{.bytes = 1 << 16, .values = 4000, .depth = 30};
  const auto json = document::ParseJson(text, "", limits);
  if (!json) return 0;
  const auto groups = Groups(*json);
  for (const TargetGroup& group : groups) CheckGroup(group);
  std::string again;
  document::AppendJson(*json, again);
  const auto second = document::ParseJson(again, "", {.bytes = 1 << 20});
  Check(second.has_value(), "JSON that was written again is none");
  Check(Groups(*second) == groups, "other targets");
  return 0;
}
