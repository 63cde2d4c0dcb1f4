// SPDX-License-Identifier: Apache-2.0
//
// Who a sidecar is, by what discovery says of it.
#include "hub/sidecar.h"

#include <doctest/doctest.h>

namespace plimsoll::hub {
namespace {

Sidecar Pod(std::initializer_list<std::pair<std::string_view, std::string_view>> meta,
            model::Labels labels = {{"instance", "10.0.0.7:7546"}}) {
  Sidecar sidecar{.job = "s", .url = "http://10.0.0.7:7546/metrics", .labels = std::move(labels)};
  model::LabelsBuilder builder;
  for (const auto& [name, value] : meta) builder.Set("__meta_" + std::string(name), value);
  sidecar.discovered = builder.Build();
  return sidecar;
}

TEST_CASE("pods of a Deployment have one owner, whatever their ReplicaSet") {
  const Identity one = IdentityOf(Pod({{"kubernetes_namespace", "a"},
                                       {"kubernetes_pod_name", "trino-1-x"},
                                       {"kubernetes_pod_controller_kind", "ReplicaSet"},
                                       {"kubernetes_pod_controller_name", "trino-1"},
                                       {"kubernetes_pod_label_pod_template_hash", "1"},
                                       {"kubernetes_pod_ready", "true"},
                                       {"plimsoll_pod_created", "2026-01-01T00:00:00Z"},
                                       {"plimsoll_pod_terminating", "false"}}));
  CHECK(one == Identity{.name_space = "a",
                        .engine = "trino",
                        .owner = "Deployment trino",
                        .pod = "trino-1-x",
                        .created = "2026-01-01T00:00:00Z",
                        .ready = true});
  CHECK(IdentityOf(Pod({{"kubernetes_pod_controller_kind", "ReplicaSet"},
                        {"kubernetes_pod_controller_name", "trino-2"}}))
            .owner == "ReplicaSet trino-2");
  CHECK(IdentityOf(Pod({{"kubernetes_pod_controller_kind", "StatefulSet"},
                        {"kubernetes_pod_controller_name", "trino"}}))
            .owner == "StatefulSet trino");
}

TEST_CASE("without an owner a pod is its own, and a plain target, too") {
  CHECK(IdentityOf(Pod({{"kubernetes_pod_name", "p"}})).owner == "Pod p");
  CHECK(IdentityOf(Pod({{"kubernetes_pod_name", "p"}})).engine == "p");
  CHECK(IdentityOf(Pod({})).owner == "target http://10.0.0.7:7546/metrics");
  CHECK(IdentityOf(Pod({})).engine == "10.0.0.7:7546");
}

TEST_CASE("the label engine of the target names the engine") {
  CHECK(IdentityOf(Pod({{"kubernetes_pod_name", "p"}}, {{"engine", "blue"}})).engine == "blue");
}

TEST_CASE("a pod is ready when neither it nor its endpoint says otherwise, and it is not leaving") {
  CHECK(IdentityOf(Pod({})).ready);
  for (const char* name :
       {"kubernetes_pod_ready", "kubernetes_endpointslice_endpoint_conditions_ready"}) {
    CHECK(IdentityOf(Pod({{name, "true"}})).ready);
    CHECK_FALSE(IdentityOf(Pod({{name, "false"}})).ready);
  }
  for (const char* name :
       {"kubernetes_endpointslice_endpoint_conditions_terminating", "plimsoll_pod_terminating"}) {
    CHECK_FALSE(IdentityOf(Pod({{name, "true"}})).ready);
    CHECK(IdentityOf(Pod({{name, "false"}})).ready);
  }
}

TEST_CASE("who answers speaks, then who is ready, then the newer pod") {
  const Identity old{.pod = "a", .created = "2026-01-01T00:00:00Z"};
  const Identity young{.pod = "b", .created = "2026-01-02T00:00:00Z"};
  Identity starting = young;
  starting.ready = false;
  CHECK(SpeaksBefore(young, true, old, true));
  CHECK_FALSE(SpeaksBefore(old, true, young, true));
  CHECK(SpeaksBefore(old, true, starting, true));
  CHECK(SpeaksBefore(old, true, young, false));
  CHECK(SpeaksBefore(starting, true, old, false));
  const Identity twin{.pod = "b", .created = old.created};
  CHECK(SpeaksBefore(old, true, twin, true));
  CHECK_FALSE(SpeaksBefore(twin, true, old, true));
}

}  // namespace
}  // namespace plimsoll::hub
