// SPDX-License-Identifier: Apache-2.0
//
// One request to the API server, and what its answer says when it is no success.
#include "kube/api.h"

#include <memory>

#include "base/format.h"
#include "telemetry/telemetry.h"

namespace plimsoll::kube {

using base::Error;

Transport Over(http::Client& client) {
  return {.start =
              [&client](http::FetchRequest request, http::FetchCallback done) {
                return client.Start(std::move(request), std::move(done));
              },
          .cancel = [&client](http::FetchId id) { client.Cancel(id); }};
}

Api::Api(ClientConfig config, Transport transport, telemetry::Telemetry* telemetry,
         ApiLimits limits)
    : config_(std::move(config)),
      transport_(std::move(transport)),
      telemetry_(telemetry),
      limits_(limits) {}

http::FetchId Api::Start(Call call, Done done) const {
  http::FetchRequest request;
  request.method = std::move(call.method);
  request.url = config_.server + call.path;
  if (!call.query.empty()) request.url += "?" + call.query;
  request.headers.emplace_back("Accept", "application/json");
  if (!call.body.empty()) request.headers.emplace_back("Content-Type", call.content_type);
  request.body = std::move(call.body);
  request.delay = call.delay;
  request.timeout = call.timeout.value_or(limits_.timeout);
  request.body_limit = limits_.answer_bytes;
  request.accept_gzip = !call.on_body;
  request.config = config_.http;
  request.on_body = std::move(call.on_body);
  request.on_success = std::move(call.on_success);
  auto finish = [telemetry = telemetry_, name = std::string(call.name),
                 limit = limits_.answer_bytes,
                 done = std::move(done)](base::Result<http::FetchResponse> fetched) {
    if (telemetry != nullptr) {
      const std::string code = fetched ? std::to_string(fetched->status) : "none";
      telemetry->CounterOf(telemetry::MetricId::kKubeRequests, {name, code}).Add();
    }
    if (!fetched) return done(std::move(fetched).error());
    Answer answer{.status = fetched->status, .date = fetched->Date()};
    if (!fetched->body.empty()) {
      auto json = document::ParseJson(fetched->body, "answer", {.bytes = limit});
      if (json) {
        answer.body = *std::move(json);
      } else if (fetched->status / 100 == 2) {
        return done(Error{Error::Kind::kExecution, fetched->url + ": " + json.error().ToString()});
      }
    }
    done(std::move(answer));
  };
  return transport_.start(std::move(request), std::move(finish));
}

base::Result<document::Json> Succeeded(base::Result<Answer> answer) {
  if (!answer) return std::move(answer).error();
  const int status = answer->status;
  if (status / 100 == 2) return std::move(answer->body);
  const auto message = answer->body.String("message").value_or("");
  const bool passing = status == 408 || status == 429 || status >= 500;
  const auto kind = status == 404 ? Error::Kind::kNotFound
                    : passing     ? Error::Kind::kUnavailable
                                  : Error::Kind::kExecution;
  return Error{kind, message.empty()
                         ? base::format("the API server answered {}", status)
                         : base::format("the API server answered {}: {}", status, message)};
}

base::Result<ConfigMap> ReadConfigMap(const document::Json& object) {
  if (object.String("kind").value_or("ConfigMap") != "ConfigMap") {
    return base::BadInput(
        base::format("expected a ConfigMap, found kind {}", *object.String("kind")));
  }
  const document::Json* metadata = object.Find("metadata");
  if (metadata == nullptr || !metadata->is_object())
    return base::BadInput("ConfigMap: expected metadata");
  ConfigMap map{.name_space = std::string(metadata->String("namespace").value_or("")),
                .name = std::string(metadata->String("name").value_or("")),
                .resource_version = std::string(metadata->String("resourceVersion").value_or(""))};
  const document::Json* data = object.Find("data");
  if (data == nullptr || data->is_null()) return map;
  if (!data->is_object()) {
    return base::BadInput("ConfigMap: expected an object under 'data', found " +
                          document::DescribeJson(*data));
  }
  for (const auto& [key, value] : data->members) {
    if (value.kind != document::Json::Kind::kString) {
      return base::BadInput(base::format("ConfigMap: data.{}: expected a text, found {}", key,
                                         document::DescribeJson(value)));
    }
    map.data.insert_or_assign(key, value.text);
  }
  return map;
}

}  // namespace plimsoll::kube
