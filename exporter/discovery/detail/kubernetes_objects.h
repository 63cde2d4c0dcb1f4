// SPDX-License-Identifier: Apache-2.0
//
// Pods, Services and EndpointSlices, as far as targets are made of them.
//
// An object's JSON is large and most of it says nothing about scraping, so it is read once, when it
// comes, and what is kept is a fraction.
//
// Threads: pure functions.
// Bounds:  ObjectLimits. A value that is larger is left out; that it was there stays known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "discovery/source.h"
#include "document/json.h"

namespace plimsoll::discovery::detail {

struct ObjectLimits {
  std::size_t value_bytes = 4096;  // of a label's or an annotation's value
  std::size_t containers = 200;    // of a pod; likewise ports of a container
  std::size_t endpoints = 2000;    // of a slice; Kubernetes allows a thousand
};

struct ObjectMeta {
  std::string name;
  std::string name_space;
  LabelPairs labels;
  LabelPairs annotations;
};

struct Pod {
  struct Port {
    std::string name;
    std::int64_t number = 0;
    std::string protocol;
  };
  struct Container {
    std::string name, image, id;
    bool init = false;
    std::vector<Port> ports;
  };
  ObjectMeta meta;
  std::string uid, ip, host_ip, node, phase;
  std::string ready = "unknown";                 // "true", "false" or "unknown"
  std::string controller_kind, controller_name;  // "": none
  std::string created;                           // RFC 3339
  bool terminating = false;
  std::vector<Container> containers;  // first the ordinary ones
};

struct Service {
  ObjectMeta meta;
  std::string primary_family;  // of a dual-stack service: "IPv4", "IPv6"; else ""
};

struct EndpointSlice {
  struct Port {
    std::optional<std::string> name, protocol, app_protocol;
    std::optional<std::int64_t> number;
  };
  struct Reference {
    std::string kind, name_space, name;
  };
  struct Endpoint {
    std::vector<std::string> addresses;
    std::optional<bool> ready, serving, terminating;
    std::optional<std::string> hostname, node, zone;
    std::optional<Reference> target;
    LabelPairs topology;
  };
  ObjectMeta meta;
  std::string address_type;
  std::string service;  // "": of none
  std::vector<Port> ports;
  std::vector<Endpoint> endpoints;
};

// Each fails with kBadInput when it has no name. `cut` counts what the limits left out.
base::Result<Pod> ReadPod(const document::Json& object, const ObjectLimits& limits,
                          std::size_t& cut);
base::Result<Service> ReadService(const document::Json& object, const ObjectLimits& limits,
                                  std::size_t& cut);
base::Result<EndpointSlice> ReadEndpointSlice(const document::Json& object,
                                              const ObjectLimits& limits, std::size_t& cut);

// "namespace/name": what an object is known by. Fails with: kBadInput.
base::Result<std::string> KeyOf(const document::Json& object);

}  // namespace plimsoll::discovery::detail
