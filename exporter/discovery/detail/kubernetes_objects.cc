// SPDX-License-Identifier: Apache-2.0
//
// JSON of the API server to the few facts that are kept. What has another type than it should have
// counts as absent: one odd field of one object must not cost the others their targets.
#include "discovery/detail/kubernetes_objects.h"

#include <utility>

namespace plimsoll::discovery::detail {
namespace {

using document::Json;

constexpr std::string_view kServiceName = "kubernetes.io/service-name";

std::string Text(const Json* object, std::string_view name) {
  return object == nullptr ? "" : std::string(object->String(name).value_or(""));
}
std::optional<std::string> MaybeText(const Json& object, std::string_view name) {
  const auto text = object.String(name);
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

// The items of a list; at most `most` of them.
template <typename F>
void ForEach(const Json* list, std::size_t most, std::size_t& cut, F&& f) {
  if (list == nullptr || !list->is_list()) return;
  std::size_t count = 0;
  for (const Json& item : list->items) {
    if (!item.is_object()) continue;
    if (count++ >= most) {
      ++cut;
      continue;
    }
    f(item);
  }
}

LabelPairs Pairs(const Json* map, const ObjectLimits& limits, std::size_t& cut) {
  LabelPairs pairs;
  if (map == nullptr) return pairs;
  for (const auto& [name, value] : map->members) {
    if (value.kind != Json::Kind::kString) continue;
    const bool fits = value.text.size() <= limits.value_bytes;
    if (!fits) ++cut;
    pairs.emplace_back(name, fits ? value.text : "");
  }
  return pairs;
}

base::Result<ObjectMeta> ReadMeta(const Json& object, const ObjectLimits& limits,
                                  std::size_t& cut) {
  const Json* metadata = object.Find("metadata");
  ObjectMeta meta{.name = Text(metadata, "name"), .name_space = Text(metadata, "namespace")};
  if (meta.name.empty()) return base::BadInput("expected an object with a name");
  meta.labels = Pairs(metadata->Find("labels"), limits, cut);
  meta.annotations = Pairs(metadata->Find("annotations"), limits, cut);
  return meta;
}

std::string Lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

void ReadContainers(const Json& object, std::string_view list, std::string_view statuses, bool init,
                    const ObjectLimits& limits, std::size_t& cut, Pod& pod) {
  ForEach(object.At("spec", list), limits.containers, cut, [&](const Json& item) {
    Pod::Container container{
        .name = Text(&item, "name"), .image = Text(&item, "image"), .init = init};
    std::size_t ignored = 0;
    ForEach(object.At("status", statuses), limits.containers, ignored, [&](const Json& status) {
      if (container.id.empty() && status.String("name") == container.name)
        container.id = Text(&status, "containerID");
    });
    ForEach(item.Find("ports"), limits.containers, cut, [&](const Json& port) {
      container.ports.push_back({.name = Text(&port, "name"),
                                 .number = port.Integer("containerPort").value_or(0),
                                 .protocol = Text(&port, "protocol")});
    });
    pod.containers.push_back(std::move(container));
  });
}

EndpointSlice::Endpoint ReadEndpoint(const Json& item, const ObjectLimits& limits,
                                     std::size_t& cut) {
  EndpointSlice::Endpoint endpoint;
  if (const Json* addresses = item.Find("addresses"); addresses != nullptr) {
    for (const Json& address : addresses->items) {
      if (address.kind == Json::Kind::kString) endpoint.addresses.push_back(address.text);
    }
  }
  if (const Json* conditions = item.Find("conditions"); conditions != nullptr) {
    endpoint.ready = conditions->Bool("ready");
    endpoint.serving = conditions->Bool("serving");
    endpoint.terminating = conditions->Bool("terminating");
  }
  endpoint.hostname = MaybeText(item, "hostname");
  endpoint.node = MaybeText(item, "nodeName");
  endpoint.zone = MaybeText(item, "zone");
  endpoint.topology = Pairs(item.Find("deprecatedTopology"), limits, cut);
  if (const Json* target = item.Find("targetRef"); target != nullptr && target->is_object()) {
    endpoint.target = EndpointSlice::Reference{.kind = Text(target, "kind"),
                                               .name_space = Text(target, "namespace"),
                                               .name = Text(target, "name")};
  }
  return endpoint;
}

}  // namespace

base::Result<std::string> KeyOf(const Json& object) {
  const Json* metadata = object.Find("metadata");
  const std::string name = Text(metadata, "name");
  if (name.empty()) return base::BadInput("expected an object with a name");
  return Text(metadata, "namespace") + "/" + name;
}

base::Result<Pod> ReadPod(const Json& object, const ObjectLimits& limits, std::size_t& cut) {
  auto meta = ReadMeta(object, limits, cut);
  if (!meta) return std::move(meta).error();
  Pod pod{.meta = *std::move(meta)};
  const Json* metadata = object.Find("metadata");
  const Json* status = object.Find("status");
  pod.uid = Text(metadata, "uid");
  pod.created = Text(metadata, "creationTimestamp");
  pod.terminating = metadata->String("deletionTimestamp").has_value();
  pod.node = Text(object.Find("spec"), "nodeName");
  pod.ip = Text(status, "podIP");
  pod.host_ip = Text(status, "hostIP");
  pod.phase = Text(status, "phase");
  std::size_t ignored = 0;
  ForEach(object.At("status", "conditions"), limits.containers, ignored, [&](const Json& item) {
    if (item.String("type") == "Ready") pod.ready = Lower(Text(&item, "status"));
  });
  ForEach(metadata->Find("ownerReferences"), limits.containers, ignored, [&](const Json& owner) {
    if (owner.Bool("controller") != true || !pod.controller_name.empty()) return;
    pod.controller_kind = Text(&owner, "kind");
    pod.controller_name = Text(&owner, "name");
  });
  ReadContainers(object, "containers", "containerStatuses", false, limits, cut, pod);
  ReadContainers(object, "initContainers", "initContainerStatuses", true, limits, cut, pod);
  return pod;
}

base::Result<Service> ReadService(const Json& object, const ObjectLimits& limits,
                                  std::size_t& cut) {
  auto meta = ReadMeta(object, limits, cut);
  if (!meta) return std::move(meta).error();
  Service service{.meta = *std::move(meta)};
  const Json* spec = object.Find("spec");
  const std::string policy = Text(spec, "ipFamilyPolicy");
  if (policy != "PreferDualStack" && policy != "RequireDualStack") return service;
  const Json* families = spec->Find("ipFamilies");
  if (families != nullptr && !families->items.empty())
    service.primary_family = families->items.front().text;
  return service;
}

base::Result<EndpointSlice> ReadEndpointSlice(const Json& object, const ObjectLimits& limits,
                                              std::size_t& cut) {
  auto meta = ReadMeta(object, limits, cut);
  if (!meta) return std::move(meta).error();
  EndpointSlice slice{.meta = *std::move(meta)};
  slice.address_type = Text(&object, "addressType");
  for (const auto& [name, value] : slice.meta.labels) {
    if (name == kServiceName) slice.service = value;
  }
  ForEach(object.Find("ports"), limits.containers, cut, [&](const Json& item) {
    slice.ports.push_back({.name = MaybeText(item, "name"),
                           .protocol = MaybeText(item, "protocol"),
                           .app_protocol = MaybeText(item, "appProtocol"),
                           .number = item.Integer("port")});
  });
  ForEach(object.Find("endpoints"), limits.endpoints, cut,
          [&](const Json& item) { slice.endpoints.push_back(ReadEndpoint(item, limits, cut)); });
  return slice;
}

}  // namespace plimsoll::discovery::detail
