// SPDX-License-Identifier: Apache-2.0
//
// Objects as an API server writes them to targets with Prometheus's meta labels, all of them.
#include "discovery/detail/kubernetes_targets.h"

#include <doctest/doctest.h>

#include <map>

#include "document/json.h"

namespace plimsoll::discovery::detail {
namespace {

constexpr const char* kPod = R"({
 "kind": "Pod",
 "metadata": {"name": "trino-6c9d-x", "namespace": "analytics", "uid": "u-1",
  "creationTimestamp": "2026-01-01T00:00:00Z",
  "labels": {"app.kubernetes.io/name": "trino", "pod-template-hash": "6c9d"},
  "annotations": {"a/b": "c"},
  "ownerReferences": [{"kind": "Node", "name": "n"},
                      {"kind": "ReplicaSet", "name": "trino-6c9d", "controller": true}]},
 "spec": {"nodeName": "node-1",
  "containers": [
   {"name": "trino", "image": "trino:483", "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}]},
   {"name": "plimsoll", "image": "plimsoll:1", "ports": [{"name": "ops", "containerPort": 7546, "protocol": "TCP"}]}],
  "initContainers": [{"name": "setup", "image": "busybox"}]},
 "status": {"podIP": "10.0.0.7", "hostIP": "10.1.0.1", "phase": "Running",
  "conditions": [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "False"}],
  "containerStatuses": [{"name": "trino", "containerID": "containerd://1"},
                        {"name": "plimsoll", "containerID": "containerd://2"}],
  "initContainerStatuses": [{"name": "setup", "containerID": "containerd://3"}]}})";

constexpr const char* kSlice = R"({
 "metadata": {"name": "trino-abc", "namespace": "analytics",
  "labels": {"kubernetes.io/service-name": "trino"}},
 "addressType": "IPv4",
 "ports": [{"name": "ops", "protocol": "TCP", "port": 7546, "appProtocol": "http"}],
 "endpoints": [
  {"addresses": ["10.0.0.7"], "conditions": {"ready": false, "serving": true, "terminating": true},
   "hostname": "h", "nodeName": "node-1", "zone": "eu-1a", "deprecatedTopology": {"t/z": "1"},
   "targetRef": {"kind": "Pod", "namespace": "analytics", "name": "trino-6c9d-x"}},
  {"addresses": ["10.0.0.9", "fd00::1"], "conditions": {"ready": true}}]})";

constexpr const char* kService = R"({
 "metadata": {"name": "trino", "namespace": "analytics", "labels": {"tier": "query"},
  "annotations": {"note": "n"}}})";

document::Json Parsed(const std::string& text) {
  auto json = document::ParseJson(text);
  REQUIRE(json.has_value());
  return *std::move(json);
}
Pod PodOf(const std::string& text) {
  std::size_t cut = 0;
  auto pod = ReadPod(Parsed(text), {}, cut);
  REQUIRE(pod.has_value());
  CHECK(cut == 0);
  return *std::move(pod);
}
EndpointSlice SliceOf(const std::string& text) {
  std::size_t cut = 0;
  auto slice = ReadEndpointSlice(Parsed(text), {}, cut);
  REQUIRE(slice.has_value());
  return *std::move(slice);
}
Service ServiceOf(const std::string& text) {
  std::size_t cut = 0;
  auto service = ReadService(Parsed(text), {}, cut);
  REQUIRE(service.has_value());
  return *std::move(service);
}
const Pod* NoPod(const std::string&) { return nullptr; }

// Sorted, without the prefix of Kubernetes's meta labels.
using Names = std::map<std::string, std::string>;
Names Meta(const LabelPairs& labels) {
  Names names;
  for (const auto& [name, value] : labels) {
    const bool theirs = name.starts_with("__meta_kubernetes_");
    CHECK(names.emplace(theirs ? name.substr(18) : name, value).second);
  }
  return names;
}
// As a target's own labels win over its group's.
Names All(const TargetGroup& group, std::size_t place) {
  Names names = Meta(group.own.at(place));
  names.merge(Meta(group.labels));
  return names;
}

const Names kOfPod = {
    {"pod_name", "trino-6c9d-x"},
    {"pod_ip", "10.0.0.7"},
    {"pod_host_ip", "10.1.0.1"},
    {"pod_ready", "false"},
    {"pod_phase", "Running"},
    {"pod_node_name", "node-1"},
    {"pod_uid", "u-1"},
    {"pod_controller_kind", "ReplicaSet"},
    {"pod_controller_name", "trino-6c9d"},
    {"pod_label_app_kubernetes_io_name", "trino"},
    {"pod_labelpresent_app_kubernetes_io_name", "true"},
    {"pod_label_pod_template_hash", "6c9d"},
    {"pod_labelpresent_pod_template_hash", "true"},
    {"pod_annotation_a_b", "c"},
    {"pod_annotationpresent_a_b", "true"},
    {"__meta_plimsoll_pod_created", "2026-01-01T00:00:00Z"},
    {"__meta_plimsoll_pod_terminating", "false"},
};
Names With(Names names, const Names& more) {
  names.insert(more.begin(), more.end());
  return names;
}

TEST_CASE(
    "a pod is a target for each port of each container, and one for a container without ports") {
  const TargetGroup group = PodTargets(PodOf(kPod));
  CHECK(group.source == "pod/analytics/trino-6c9d-x");
  CHECK(group.targets == std::vector<std::string>{"10.0.0.7:8080", "10.0.0.7:7546", "10.0.0.7"});
  CHECK(Meta(group.labels) == With(kOfPod, {{"namespace", "analytics"}}));
  CHECK(Meta(group.own.at(1)) == Names{{"pod_container_name", "plimsoll"},
                                       {"pod_container_id", "containerd://2"},
                                       {"pod_container_image", "plimsoll:1"},
                                       {"pod_container_port_name", "ops"},
                                       {"pod_container_port_number", "7546"},
                                       {"pod_container_port_protocol", "TCP"},
                                       {"pod_container_init", "false"}});
  CHECK(Meta(group.own.at(2)) == Names{{"pod_container_name", "setup"},
                                       {"pod_container_id", "containerd://3"},
                                       {"pod_container_image", "busybox"},
                                       {"pod_container_init", "true"}});
}

TEST_CASE("a pod without an address is no target") {
  const TargetGroup group =
      PodTargets(PodOf(R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c"}]}})"));
  CHECK(group.targets.empty());
}

TEST_CASE("a pod that is being deleted is terminating") {
  const Pod pod = PodOf(
      R"({"metadata":{"name":"p","deletionTimestamp":"2026-01-01T00:00:00Z"},"status":{"podIP":"fd00::2"}})");
  CHECK(pod.terminating);
  CHECK(pod.ready == "unknown");
}

TEST_CASE("an endpoint carries its own labels, its slice's, its service's and its pod's") {
  const Pod pod = PodOf(kPod);
  const Service service = ServiceOf(kService);
  const TargetGroup group = EndpointSliceTargets(
      SliceOf(kSlice), &service,
      [&](const std::string& key) { return key == "analytics/trino-6c9d-x" ? &pod : nullptr; });
  CHECK(group.source == "endpointslice/analytics/trino-abc");
  CHECK(group.targets == std::vector<std::string>{"10.0.0.7:7546", "10.0.0.9:7546",
                                                  "[fd00::1]:7546", "10.0.0.7:8080"});
  const Names of_group = {
      {"namespace", "analytics"},
      {"endpointslice_name", "trino-abc"},
      {"endpointslice_address_type", "IPv4"},
      {"endpointslice_label_kubernetes_io_service_name", "trino"},
      {"endpointslice_labelpresent_kubernetes_io_service_name", "true"},
      {"service_name", "trino"},
      {"service_label_tier", "query"},
      {"service_labelpresent_tier", "true"},
      {"service_annotation_note", "n"},
      {"service_annotationpresent_note", "true"},
  };
  const Names of_port = {
      {"endpointslice_port", "7546"},
      {"endpointslice_port_name", "ops"},
      {"endpointslice_port_protocol", "TCP"},
      {"endpointslice_port_app_protocol", "http"},
  };
  const Names of_endpoint = {
      {"endpointslice_endpoint_conditions_ready", "false"},
      {"endpointslice_endpoint_conditions_serving", "true"},
      {"endpointslice_endpoint_conditions_terminating", "true"},
      {"endpointslice_endpoint_hostname", "h"},
      {"endpointslice_endpoint_node_name", "node-1"},
      {"endpointslice_endpoint_zone", "eu-1a"},
      {"endpointslice_endpoint_topology_t_z", "1"},
      {"endpointslice_endpoint_topology_present_t_z", "true"},
      {"endpointslice_address_target_kind", "Pod"},
      {"endpointslice_address_target_name", "trino-6c9d-x"},
      {"pod_container_name", "plimsoll"},
      {"pod_container_image", "plimsoll:1"},
      {"pod_container_port_name", "ops"},
      {"pod_container_port_number", "7546"},
      {"pod_container_port_protocol", "TCP"},
      {"pod_container_init", "false"},
  };
  CHECK(All(group, 0) == With(With(With(of_group, of_port), of_endpoint), kOfPod));
  CHECK(All(group, 1) ==
        With(With(of_group, of_port), {{"endpointslice_endpoint_conditions_ready", "true"}}));
  // The pod's port that no port of the slice names.
  CHECK(All(group, 3) == With(With(of_group, kOfPod), {{"pod_container_name", "trino"},
                                                       {"pod_container_image", "trino:483"},
                                                       {"pod_container_port_name", "http"},
                                                       {"pod_container_port_number", "8080"},
                                                       {"pod_container_port_protocol", "TCP"},
                                                       {"pod_container_init", "false"}}));
}

TEST_CASE("a slice of the family that is not a dual-stack service's first has no targets") {
  const Service service = ServiceOf(
      R"({"metadata":{"name":"trino"},"spec":{"ipFamilyPolicy":"PreferDualStack","ipFamilies":["IPv6","IPv4"]}})");
  CHECK(EndpointSliceTargets(SliceOf(kSlice), &service, NoPod).targets.empty());
  const Service single = ServiceOf(
      R"({"metadata":{"name":"trino"},"spec":{"ipFamilyPolicy":"SingleStack","ipFamilies":["IPv6"]}})");
  CHECK(EndpointSliceTargets(SliceOf(kSlice), &single, NoPod).targets.size() == 3);
}

TEST_CASE("one object has so many targets at most, and at the bound it has all of them") {
  const Pod pod = PodOf(kPod);
  CHECK(PodTargets(pod, {.of_pod = 3}).left_out == 0);
  const TargetGroup few = PodTargets(pod, {.of_pod = 1});
  CHECK(few.targets == std::vector<std::string>{"10.0.0.7:8080"});
  CHECK(few.own.size() == 1);
  CHECK(few.left_out == 2);
  const EndpointSlice slice = SliceOf(kSlice);
  const auto of = [&](std::size_t most) {
    return EndpointSliceTargets(slice, nullptr, [&](const std::string&) { return &pod; },
                                {.of_slice = most});
  };
  CHECK(of(4).left_out == 0);
  CHECK(of(4).targets.size() == 4);
  CHECK(of(3).targets.back() == "[fd00::1]:7546");  // a port that the slice does not name goes last
  CHECK(of(3).left_out == 1);
  CHECK(of(1).targets == std::vector<std::string>{"10.0.0.7:7546"});
  CHECK(of(1).left_out == 3);
}

TEST_CASE("a value beyond the limit is left out, and that it was there stays known") {
  std::size_t cut = 0;
  const std::string at(8, 'x');
  const auto text = [](const std::string& value) {
    return R"({"metadata":{"name":"p","annotations":{"a":")" + value + R"("}}})";
  };
  CHECK(ReadPod(Parsed(text(at)), {.value_bytes = 8}, cut)->meta.annotations.at(0).second == at);
  CHECK(cut == 0);
  CHECK(ReadPod(Parsed(text(at + "x")), {.value_bytes = 8}, cut)
            ->meta.annotations.at(0)
            .second.empty());
  CHECK(cut == 1);
}

TEST_CASE("an object without a name is none, and odd fields count as absent") {
  std::size_t cut = 0;
  CHECK_FALSE(ReadPod(Parsed("{}"), {}, cut).has_value());
  CHECK_FALSE(ReadService(Parsed(R"({"metadata":{}})"), {}, cut).has_value());
  const auto pod = ReadPod(
      Parsed(R"({"metadata":{"name":"p","labels":7,"ownerReferences":{}},"spec":[],"status":"x"})"),
      {}, cut);
  REQUIRE(pod.has_value());
  CHECK(pod->containers.empty());
  CHECK(PodTargets(*pod).targets.empty());
}

}  // namespace
}  // namespace plimsoll::discovery::detail
