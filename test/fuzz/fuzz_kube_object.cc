// SPDX-License-Identifier: Apache-2.0
//
// What comes from a cluster: a kubeconfig, the lines of a watch, lists, ConfigMaps, reviews, and
// the objects of a managed certificate.
//
// The first byte of the input says which. A watch is the same whatever the pieces in which it
// comes; an event that is written again is the same event; nobody is somebody without a name, and
// nobody is allowed by an answer that does not say so.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "kube/api.h"
#include "kube/client_config.h"
#include "kube/detail/base64.h"
#include "kube/detail/watch_event.h"
#include "kube/serving_objects.h"
#include "serve/trust.h"

namespace {

using namespace plimsoll;  // NOLINT: a harness
using kube::detail::WatchEvent;

void Check(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

void Kubeconfig(std::string_view text) {
  const auto config = kube::ParseKubeconfig(text, "/f/k");
  if (!config) {
    Check(!config.error().message.empty(), "an error without words");
    return;
  }
  Check(config->http != nullptr, "no client");
  Check(config->server.starts_with("http"), "a server that is none");
  Check(!config->server.ends_with('/'), "a slash at the end");
  const auto& tls = config->http->tls;
  const bool certificate = !tls.cert.empty() || !tls.cert_file.empty();
  const bool key = !tls.key.value.empty() || !tls.key_file.empty();
  Check(certificate == key, "half of a pair");
}

constexpr std::size_t kLine = 512;

std::vector<std::string> Lines(std::string_view text, std::size_t piece, bool& overflown) {
  kube::detail::LineBuffer lines(kLine);
  std::vector<std::string> all;
  bool good = true;
  while (good && !text.empty()) {
    good = lines.Add(text.substr(0, piece), [&](std::string_view line) {
      all.emplace_back(line);
      return true;
    });
    text.remove_prefix(std::min(piece, text.size()));
  }
  overflown = lines.overflown();
  return all;
}

void Event(const std::string& line) {
  const auto event = kube::detail::ParseWatchEvent(line);
  if (!event) return;
  const bool error = event->kind == WatchEvent::Kind::kError;
  Check(error != event->message.empty(), "an error without words, or words without one");
  Check(error == event->version.empty(), "an object without a version");
  constexpr const char* kTypes[] = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"};
  std::string again =
      std::string(R"({"type":")") + kTypes[static_cast<int>(event->kind)] + R"(","object":)";
  document::AppendJson(event->object, again);
  again += "}";
  const auto second = kube::detail::ParseWatchEvent(again);
  Check(second.has_value(), "an event that was written again is none");
  Check(second->version == event->version && second->code == event->code &&
            second->kind == event->kind,
        "an event that was written again is another");
}

void Watch(std::string_view text) {
  bool overflown = false, in_pieces = false;
  const auto lines = Lines(text, text.size() + 1, overflown);
  for (const std::size_t piece : {1, 7, 100}) {
    Check(Lines(text, piece, in_pieces) == lines, "other lines");
    Check(in_pieces == overflown, "another limit");
  }
  for (const std::string& line : lines) Event(line);
}

// Who was told by one review is asked about by another: nothing of them is lost on the way.
void Ask(const kube::UserInfo& user) {
  const auto token = document::ParseJson(kube::TokenReviewBody(user.name));
  Check(token && token->Find("spec")->String("token") == user.name, "another token");
  for (const char* metric : {"m", ""}) {
    const auto body = document::ParseJson(kube::AccessReviewBody({.user = user,
                                                                  .verb = "list",
                                                                  .name_space = user.uid,
                                                                  .group = "g",
                                                                  .version = "v",
                                                                  .resource = metric,
                                                                  .path = user.name}));
    Check(body.has_value(), "a question that is no JSON");
    const document::Json& spec = *body->Find("spec");
    Check(spec.String("user") == user.name, "another user");
    Check(spec.String("uid").value_or("") == user.uid, "another uid");
    const auto* groups = spec.Find("groups");
    Check((groups == nullptr ? 0 : groups->items.size()) == user.groups.size(), "other groups");
    std::size_t extras = 0;
    if (const auto* extra = spec.Find("extra")) {
      for (const auto& [key, values] : extra->members) extras += values.items.size();
    }
    Check(extras == user.extra.size(), "other extras");
    const bool resource = spec.Find("resourceAttributes") != nullptr;
    Check(resource == (*metric != '\0') &&
              resource == (spec.Find("nonResourceAttributes") == nullptr),
          "neither a resource nor a path, or both");
  }
}

// What a patch sets is read back from the object that it makes.
void Secret(const document::Json& json) {
  const auto secret = kube::ReadSecret(json);
  if (!secret) {
    Check(!secret.error().message.empty(), "an error without words");
    return;
  }
  for (const auto& [key, value] : secret->data) Check(!value.empty(), "an empty value");
  const auto again = document::ParseJson(kube::SecretPatch("7", secret->data));
  Check(again.has_value(), "a patch that is no JSON");
  const auto read = kube::ReadSecret(*again);
  Check(read && read->data == secret->data && read->resource_version == "7", "another Secret");
}

void Service(const document::Json& json) {
  const auto service = kube::ReadApiService(json);
  if (!service) return;
  const auto again = document::ParseJson(kube::CaBundlePatch("7", service->ca_bundle));
  const auto read = kube::ReadApiService(*again);
  Check(read && read->ca_bundle == service->ca_bundle, "another caBundle");
}

void Document(char kind, std::string_view text) {
  auto json = document::ParseJson(text);
  if (!json) return;
  if (kind == 't') {
    const auto verdict = kube::ReadTokenReview(*json);
    if (!verdict || !verdict->authenticated) return;
    Check(!verdict->user.name.empty(), "nobody");
    Ask(verdict->user);
  } else if (kind == 'a') {
    const auto verdict = kube::ReadAccessReview(*json);
    if (verdict && verdict->allowed) {
      const auto* status = json->Find("status");
      Check(status->Bool("allowed") == true && status->Bool("denied") != true, "allowed by whom?");
    }
  } else if (kind == 's') {
    Secret(*json);
  } else if (kind == 'p') {
    Service(*json);
  } else if (kind == 'c') {
    const auto map = kube::ReadConfigMap(*json);
    if (!map) return;
    const auto trust = serve::ReadClusterTrust(*map);
    if (trust) Check(!trust->options.username_headers.empty(), "no header of a user's name");
  } else {
    const auto* items = json->Find("items");
    const std::size_t count = items == nullptr ? 0 : items->items.size();
    const auto listed = kube::detail::ReadList(*std::move(json));
    if (!listed) return;
    Check(!listed->version.empty(), "a list without a version");
    Check(listed->objects.size() == count, "objects that were not in the list, or fewer");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const char kind = static_cast<char>(data[0]);
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (kind) {
    case 'k':
      Kubeconfig(text);
      break;
    case 'w':
      Watch(text);
      break;
    case 'b':
      if (const auto bytes = kube::detail::DecodeBase64(text))
        Check(bytes->size() <= text.size() / 4 * 3 + 2, "more bytes than digits");
      Check(kube::detail::DecodeBase64(kube::detail::EncodeBase64(text)) == text, "other bytes");
      break;
    default:
      Document(kind, text);
  }
  return 0;
}
