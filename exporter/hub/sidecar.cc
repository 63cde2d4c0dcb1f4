// SPDX-License-Identifier: Apache-2.0
//
// Meta labels to an identity.
#include "hub/sidecar.h"

namespace plimsoll::hub {
namespace {

std::string Meta(const Sidecar& sidecar, std::string_view name) {
  return std::string(sidecar.discovered.Get("__meta_kubernetes_" + std::string(name)));
}
std::string OwnMeta(const Sidecar& sidecar, std::string_view name) {
  return std::string(sidecar.discovered.Get("__meta_plimsoll_" + std::string(name)));
}

struct Owner {
  std::string kind, name;
};

// A Deployment owns its pods through a ReplicaSet whose name ends with the hash that its pods
// carry; a rollout changes that hash and nothing else.
Owner OwnerOf(const Sidecar& sidecar) {
  Owner owner{Meta(sidecar, "pod_controller_kind"), Meta(sidecar, "pod_controller_name")};
  const std::string end = "-" + Meta(sidecar, "pod_label_pod_template_hash");
  if (owner.kind == "ReplicaSet" && end.size() > 1 && owner.name.size() > end.size() &&
      owner.name.ends_with(end)) {
    return {"Deployment", owner.name.substr(0, owner.name.size() - end.size())};
  }
  if (!owner.name.empty()) return owner;
  if (const std::string pod = Meta(sidecar, "pod_name"); !pod.empty()) return {"Pod", pod};
  return {"target", sidecar.url};
}

bool IsReady(const Sidecar& sidecar) {
  for (const char* ready : {"pod_ready", "endpointslice_endpoint_conditions_ready"}) {
    const std::string text = Meta(sidecar, ready);
    if (!text.empty() && text != "true") return false;
  }
  return Meta(sidecar, "endpointslice_endpoint_conditions_terminating") != "true" &&
         OwnMeta(sidecar, "pod_terminating") != "true";
}

}  // namespace

Identity IdentityOf(const Sidecar& sidecar) {
  const Owner owner = OwnerOf(sidecar);
  Identity identity{.name_space = Meta(sidecar, "namespace"),
                    .engine = std::string(sidecar.labels.Get("engine")),
                    .owner = owner.kind + " " + owner.name,
                    .pod = Meta(sidecar, "pod_name"),
                    .created = OwnMeta(sidecar, "pod_created"),
                    .ready = IsReady(sidecar)};
  if (identity.engine.empty()) {
    identity.engine =
        owner.kind == "target" ? std::string(sidecar.labels.Get("instance")) : owner.name;
  }
  return identity;
}

bool SpeaksBefore(const Identity& a, bool a_heard, const Identity& b, bool b_heard) {
  if (a_heard != b_heard) return a_heard;
  if (a.ready != b.ready) return a.ready;
  if (a.created != b.created) return a.created > b.created;
  return a.pod < b.pod;
}

}  // namespace plimsoll::hub
