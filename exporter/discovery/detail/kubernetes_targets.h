// SPDX-License-Identifier: Apache-2.0
//
// From objects of a cluster to groups of targets, with Prometheus 3's meta labels.
//
// Beside those there are two of our own, which a hub needs to choose between the pods of one owner:
// __meta_plimsoll_pod_created and __meta_plimsoll_pod_terminating.
//
// Threads: pure functions.
// Bounds:  TargetLimits; what is beyond them is counted in TargetGroup::left_out.
// See:     prometheus/prometheus discovery/kubernetes/{pod,endpointslice}.go (names and order)
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "discovery/detail/kubernetes_objects.h"
#include "discovery/source.h"

namespace plimsoll::discovery::detail {

// So that one object cannot take the place of all others; honest ones have far fewer.
struct TargetLimits {
  std::size_t of_pod = 1000;
  std::size_t of_slice = 10'000;
};

// One target for each port of each container; a container without ports is one without a port.
// Without an address (a pod that starts) there are none.
TargetGroup PodTargets(const Pod& pod, const TargetLimits& limits = {});

// One target for each address and port, and one for each port of a pod behind an address that no
// port of the slice names. `service` may be null; `pod_of` is asked for "namespace/name".
TargetGroup EndpointSliceTargets(const EndpointSlice& slice, const Service* service,
                                 const std::function<const Pod*(const std::string& key)>& pod_of,
                                 const TargetLimits& limits = {});

}  // namespace plimsoll::discovery::detail
