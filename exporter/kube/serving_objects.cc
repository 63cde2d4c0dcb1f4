// SPDX-License-Identifier: Apache-2.0
//
// Reading a Secret and an APIService, and the patches of both.
#include "kube/serving_objects.h"

#include "base/format.h"
#include "kube/detail/base64.h"

namespace plimsoll::kube {
namespace {

using document::Json;
using document::JsonWriter;

base::Result<const Json*> MetadataOf(const Json& object, std::string_view kind) {
  if (object.String("kind").value_or(kind) != kind) {
    return base::BadInput(base::format("expected kind {}, found {}", kind, *object.String("kind")));
  }
  const Json* metadata = object.Find("metadata");
  if (metadata == nullptr || !metadata->is_object())
    return base::BadInput(base::format("{}: expected metadata", kind));
  return metadata;
}

std::string Text(const Json& object, std::string_view name) {
  return std::string(object.String(name).value_or(""));
}

void BeginPatch(JsonWriter& json, std::string_view resource_version) {
  json.Object().Key("metadata").Object();
  json.Key("resourceVersion").String(resource_version).EndObject();
}

}  // namespace

base::Result<Secret> ReadSecret(const Json& object) {
  const auto metadata = MetadataOf(object, "Secret");
  if (!metadata) return metadata.error();
  Secret secret{.name = Text(**metadata, "name"),
                .resource_version = Text(**metadata, "resourceVersion")};
  const Json* data = object.Find("data");
  if (data == nullptr || data->is_null()) return secret;
  if (!data->is_object()) return base::BadInput("Secret: expected an object under 'data'");
  for (const auto& [key, value] : data->members) {
    if (value.is_null()) continue;
    auto bytes =
        value.kind == Json::Kind::kString ? detail::DecodeBase64(value.text) : std::nullopt;
    if (!bytes) return base::BadInput(base::format("Secret: data.{}: expected base64", key));
    if (!bytes->empty()) secret.data.insert_or_assign(key, *std::move(bytes));
  }
  return secret;
}

std::string SecretPatch(std::string_view resource_version,
                        const std::map<std::string, std::string, std::less<>>& data) {
  std::string patch;
  JsonWriter json(patch);
  BeginPatch(json, resource_version);
  json.Key("data").Object();
  for (const auto& [key, value] : data) json.Key(key).String(detail::EncodeBase64(value));
  json.EndObject().EndObject();
  return patch;
}

base::Result<ApiService> ReadApiService(const Json& object) {
  const auto metadata = MetadataOf(object, "APIService");
  if (!metadata) return metadata.error();
  const Json* spec = object.Find("spec");
  if (spec == nullptr || !spec->is_object())
    return base::BadInput("APIService: expected an object under 'spec'");
  ApiService service{.name = Text(**metadata, "name"),
                     .resource_version = Text(**metadata, "resourceVersion"),
                     .skips_verification = spec->Bool("insecureSkipTLSVerify").value_or(false)};
  if (const Json* target = spec->Find("service"); target != nullptr) {
    service.service_namespace = Text(*target, "namespace");
    service.service_name = Text(*target, "name");
  }
  const auto bundle = detail::DecodeBase64(Text(*spec, "caBundle"));
  if (!bundle) return base::BadInput("APIService: spec.caBundle: expected base64");
  service.ca_bundle = *bundle;
  return service;
}

std::string CaBundlePatch(std::string_view resource_version, std::string_view bundle_pem) {
  std::string patch;
  JsonWriter json(patch);
  BeginPatch(json, resource_version);
  json.Key("spec").Object().Key("caBundle").String(detail::EncodeBase64(bundle_pem));
  json.EndObject().EndObject();
  return patch;
}

}  // namespace plimsoll::kube
