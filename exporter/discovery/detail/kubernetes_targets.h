// SPDX-License-Identifier: Apache-2.0
//
// From objects of a cluster to groups of targets, with Prometheus 3's meta labels.
//
// Beside those there are two of our own, which a hub needs to choose between the pods of one owner:
// __meta_plimsoll_pod_created and __meta_plimsoll_pod_terminating.
//
// Threads: pure functions.
// See:     prometheus/prometheus discovery/kubernetes/{pod,endpointslice}.go (names and order)
#pragma once

#include <functional>
#include <string>

#include "discovery/detail/kubernetes_objects.h"
#include "discovery/source.h"

namespace plimsoll::discovery::detail {

// One target for each port of each container; a container without ports is one without a port.
// Without an address (a pod that starts) there are none.
TargetGroup PodTargets(const Pod& pod);

// A slice of an honest cluster has far fewer.
constexpr std::size_t kMostTargetsOfSlice = 100'000;

// One target for each address and port, and one for each port of a pod behind an address that no
// port of the slice names; at most kMostTargetsOfSlice. `service` may be null; `pod_of` is asked
// for "namespace/name".
TargetGroup EndpointSliceTargets(const EndpointSlice& slice, const Service* service,
                                 const std::function<const Pod*(const std::string& key)>& pod_of);

}  // namespace plimsoll::discovery::detail
