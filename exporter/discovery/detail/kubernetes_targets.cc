// SPDX-License-Identifier: Apache-2.0
//
// The labels, object by object.
#include "discovery/detail/kubernetes_targets.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace plimsoll::discovery::detail {
namespace {

constexpr std::string_view kMeta = "__meta_kubernetes_";
constexpr std::string_view kOwnMeta = "__meta_plimsoll_";
constexpr std::string_view kPresent = "true";

std::string BoolText(bool value) { return value ? "true" : "false"; }

void Add(LabelPairs& labels, std::string_view name, std::string_view value) {
  labels.emplace_back(std::string(kMeta) + std::string(name), value);
}
template <typename T>
void AddIf(LabelPairs& labels, std::string_view name, const std::optional<T>& value) {
  if (!value) return;
  if constexpr (std::is_same_v<T, bool>) {
    Add(labels, name, BoolText(*value));
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    Add(labels, name, std::to_string(*value));
  } else {
    Add(labels, name, *value);
  }
}

// What is no letter, digit or underscore becomes an underscore.
std::string Sanitized(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!good) c = '_';
  }
  return out;
}

void AddPairs(LabelPairs& labels, const std::string& prefix, const std::string& present,
              const LabelPairs& pairs) {
  for (const auto& [name, value] : pairs) {
    const std::string sanitized = Sanitized(name);
    Add(labels, prefix + sanitized, value);
    Add(labels, present + sanitized, kPresent);
  }
}

void AddMeta(LabelPairs& labels, const std::string& role, const ObjectMeta& meta) {
  Add(labels, role + "_name", meta.name);
  AddPairs(labels, role + "_label_", role + "_labelpresent_", meta.labels);
  AddPairs(labels, role + "_annotation_", role + "_annotationpresent_", meta.annotations);
}

void AddPod(LabelPairs& labels, const Pod& pod) {
  Add(labels, "pod_ip", pod.ip);
  Add(labels, "pod_ready", pod.ready);
  Add(labels, "pod_phase", pod.phase);
  Add(labels, "pod_node_name", pod.node);
  Add(labels, "pod_host_ip", pod.host_ip);
  Add(labels, "pod_uid", pod.uid);
  AddMeta(labels, "pod", pod.meta);
  if (!pod.controller_kind.empty()) Add(labels, "pod_controller_kind", pod.controller_kind);
  if (!pod.controller_name.empty()) Add(labels, "pod_controller_name", pod.controller_name);
  labels.emplace_back(std::string(kOwnMeta) + "pod_created", pod.created);
  labels.emplace_back(std::string(kOwnMeta) + "pod_terminating", BoolText(pod.terminating));
}

void AddPort(LabelPairs& labels, const Pod::Container& container, const Pod::Port& port) {
  Add(labels, "pod_container_name", container.name);
  Add(labels, "pod_container_image", container.image);
  Add(labels, "pod_container_port_name", port.name);
  Add(labels, "pod_container_port_number", std::to_string(port.number));
  Add(labels, "pod_container_port_protocol", port.protocol);
  Add(labels, "pod_container_init", BoolText(container.init));
}

// Go's net.JoinHostPort.
std::string Join(const std::string& host, std::int64_t port) {
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

// Whether there is room for one more target.
bool HasRoom(TargetGroup& group, std::size_t most) {
  if (group.targets.size() < most) return true;
  ++group.left_out;
  return false;
}

void AddTarget(TargetGroup& group, std::string address, LabelPairs labels) {
  group.targets.push_back(std::move(address));
  group.own.push_back(std::move(labels));
}

// A pod behind a slice, and which of its ports the slice names.
struct SeenPod {
  const Pod* pod = nullptr;
  std::unordered_set<std::int64_t> ports;
};

void AddEndpoint(const EndpointSlice::Endpoint& endpoint, const EndpointSlice::Port& port,
                 const std::string& address, const Pod* pod, TargetGroup& group) {
  LabelPairs labels;
  AddIf(labels, "endpointslice_port_name", port.name);
  AddIf(labels, "endpointslice_port_protocol", port.protocol);
  AddIf(labels, "endpointslice_port", port.number);
  AddIf(labels, "endpointslice_port_app_protocol", port.app_protocol);
  AddIf(labels, "endpointslice_endpoint_conditions_ready", endpoint.ready);
  AddIf(labels, "endpointslice_endpoint_conditions_serving", endpoint.serving);
  AddIf(labels, "endpointslice_endpoint_conditions_terminating", endpoint.terminating);
  AddIf(labels, "endpointslice_endpoint_hostname", endpoint.hostname);
  if (endpoint.target) {
    Add(labels, "endpointslice_address_target_kind", endpoint.target->kind);
    Add(labels, "endpointslice_address_target_name", endpoint.target->name);
  }
  AddIf(labels, "endpointslice_endpoint_node_name", endpoint.node);
  AddIf(labels, "endpointslice_endpoint_zone", endpoint.zone);
  AddPairs(labels, "endpointslice_endpoint_topology_", "endpointslice_endpoint_topology_present_",
           endpoint.topology);
  if (pod != nullptr) {
    AddPod(labels, *pod);
    for (const Pod::Container& container : pod->containers) {
      const auto named =
          std::find_if(container.ports.begin(), container.ports.end(),
                       [&](const Pod::Port& its) { return port.number == its.number; });
      if (named != container.ports.end()) AddPort(labels, container, *named);
    }
  }
  AddTarget(group, port.number ? Join(address, *port.number) : address, std::move(labels));
}

void AddOtherPorts(const SeenPod& seen, std::size_t most, TargetGroup& group) {
  if (seen.pod->ip.empty()) return;
  for (const Pod::Container& container : seen.pod->containers) {
    for (const Pod::Port& port : container.ports) {
      if (seen.ports.contains(port.number) || !HasRoom(group, most)) continue;
      LabelPairs labels;
      AddPort(labels, container, port);
      AddPod(labels, *seen.pod);
      AddTarget(group, Join(seen.pod->ip, port.number), std::move(labels));
    }
  }
}

}  // namespace

TargetGroup PodTargets(const Pod& pod, const TargetLimits& limits) {
  TargetGroup group{.source = "pod/" + pod.meta.name_space + "/" + pod.meta.name};
  if (pod.ip.empty()) return group;
  AddPod(group.labels, pod);
  Add(group.labels, "namespace", pod.meta.name_space);
  for (const Pod::Container& container : pod.containers) {
    for (const Pod::Port& port : container.ports) {
      if (!HasRoom(group, limits.of_pod)) continue;
      LabelPairs labels;
      AddPort(labels, container, port);
      Add(labels, "pod_container_id", container.id);
      AddTarget(group, Join(pod.ip, port.number), std::move(labels));
    }
    if (!container.ports.empty() || !HasRoom(group, limits.of_pod)) continue;
    LabelPairs labels;
    Add(labels, "pod_container_name", container.name);
    Add(labels, "pod_container_id", container.id);
    Add(labels, "pod_container_image", container.image);
    Add(labels, "pod_container_init", BoolText(container.init));
    AddTarget(group, pod.ip, std::move(labels));
  }
  return group;
}

TargetGroup EndpointSliceTargets(const EndpointSlice& slice, const Service* service,
                                 const std::function<const Pod*(const std::string& key)>& pod_of,
                                 const TargetLimits& limits) {
  TargetGroup group{.source = "endpointslice/" + slice.meta.name_space + "/" + slice.meta.name};
  Add(group.labels, "namespace", slice.meta.name_space);
  Add(group.labels, "endpointslice_address_type", slice.address_type);
  AddMeta(group.labels, "endpointslice", slice.meta);
  if (service != nullptr) {
    AddMeta(group.labels, "service", service->meta);
    // The same pods once more, by their addresses of the other family.
    if (!service->primary_family.empty() && service->primary_family != slice.address_type)
      return group;
  }
  std::map<std::string, SeenPod> seen;
  for (const EndpointSlice::Endpoint& endpoint : slice.endpoints) {
    const auto& target = endpoint.target;
    const std::string key =
        target && target->kind == "Pod" ? target->name_space + "/" + target->name : "";
    const Pod* pod = key.empty() ? nullptr : pod_of(key);
    for (const EndpointSlice::Port& port : slice.ports) {
      for (const std::string& address : endpoint.addresses) {
        if (!HasRoom(group, limits.of_slice)) continue;
        AddEndpoint(endpoint, port, address, pod, group);
        if (pod == nullptr) continue;
        SeenPod& its = seen[key];
        its.pod = pod;
        if (port.number) its.ports.insert(*port.number);
      }
    }
  }
  for (const auto& [key, pod] : seen) AddOtherPorts(pod, limits.of_slice, group);
  return group;
}

}  // namespace plimsoll::discovery::detail
