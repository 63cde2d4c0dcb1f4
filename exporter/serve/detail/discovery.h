// SPDX-License-Identifier: Apache-2.0
//
// What a Kubernetes aggregator and kubectl ask before anything else: which groups, versions and
// resources there are. Constant for the life of the process, so written once, with their ETags.
//
// One resource stands for all metrics: a long list makes every kubectl call slow, and an empty one
// makes old clients complain. The OpenAPI document is empty but present: its absence costs an error
// line a minute in kube-apiserver's log.
//
// Threads: immutable.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace plimsoll::serve {

constexpr std::string_view kExternalGroup = "external.metrics.k8s.io";
constexpr std::string_view kExternalGroupVersion = "external.metrics.k8s.io/v1beta1";

class Discovery {
 public:
  explicit Discovery(std::string_view version);

  // Returns: nothing when `path` is not one of ours.
  std::optional<http::Response> Answer(std::string_view path, const http::Request& request) const;

 private:
  struct Document {
    std::string content_type;
    std::string body;
    std::string etag;
  };
  static Document Make(std::string content_type, std::string body);
  static http::Response Serve(const Document& document, const http::Request& request,
                              bool negotiated);
  http::Response AnswerGroups(const http::Request& request) const;

  Document groups_;
  Document groups_v2_;
  Document groups_v2beta1_;
  Document group_;
  Document resources_;
  Document openapi_;
};

}  // namespace plimsoll::serve
