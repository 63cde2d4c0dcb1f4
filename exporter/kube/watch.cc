// SPDX-License-Identifier: Apache-2.0
//
// One name of a collection.
#include "kube/watch.h"

#include <utility>

namespace plimsoll::kube {
namespace {

bool IsNamed(const document::Json& object, const std::string& name) {
  const document::Json* its = object.At("metadata", "name");
  return its != nullptr && its->text == name;
}

CollectionWatch::Options OptionsOf(ObjectWatch::Options options) {
  CollectionWatch::Options out;
  out.collection = std::move(options.collection);
  out.query = "fieldSelector=metadata.name%3D" + http::PercentEncode(options.name);
  auto tell_listed = options.listed ? std::move(options.listed) : options.changed;
  out.listed = [name = options.name, tell = std::move(tell_listed)](
                   const std::vector<document::Json>& objects, bool, bool) {
    if (!tell) return;
    const document::Json* found = nullptr;
    for (const document::Json& object : objects) {
      if (IsNamed(object, name)) found = &object;
    }
    tell(found);
  };
  out.changed = [name = options.name, tell = std::move(options.changed)](
                    const document::Json& object, bool gone) {
    if (tell && IsNamed(object, name)) tell(gone ? nullptr : &object);
  };
  out.trouble = std::move(options.trouble);
  out.random = std::move(options.random);
  out.clock = options.clock;
  out.limits = options.limits;
  return out;
}

}  // namespace

ObjectWatch::ObjectWatch(std::shared_ptr<const Api> api, telemetry::Telemetry* telemetry,
                         Options options)
    : watch_(std::move(api), telemetry, OptionsOf(std::move(options))) {}

}  // namespace plimsoll::kube
