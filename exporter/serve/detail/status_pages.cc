// SPDX-License-Identifier: Apache-2.0
//
// Endpoints about the process: build, configuration, flags, what it is doing.
#include "serve/detail/api_answer.h"
#include "serve/detail/api_context.h"
#include "serve/detail/api_parameters.h"

namespace plimsoll::serve {

http::Response BuildInfoPage(const ApiContext& context, const http::Request&) {
  const BuildInfo& build = context.options.build;
  return ApiSuccess([&](document::JsonWriter& json) {
    json.Object().Key("version").String(build.version).Key("revision").String(build.revision);
    json.Key("branch").String(build.branch).Key("buildUser").String(build.build_user);
    json.Key("buildDate")
        .String(build.build_date)
        .Key("goVersion")
        .String(build.compiler)
        .EndObject();
  });
}

http::Response RuntimeInfoPage(const ApiContext& context, const http::Request&) {
  const ProcessStatus process = context.status.Process();
  return ApiSuccess([&](document::JsonWriter& json) {
    json.Object().Key("startTime");
    WriteTime(process.start_time, json);
    json.Key("CWD").String(process.working_directory).Key("hostname").String(process.hostname);
    json.Key("serverTime");
    WriteTime(context.clock.Now(), json);
    json.Key("reloadConfigSuccess").Bool(process.last_reload_successful).Key("lastConfigTime");
    WriteTime(process.last_config_time, json);
    json.Key("corruptionCount").Integer(0).Key("goroutineCount").Integer(process.threads);
    json.Key("GOMAXPROCS").Integer(process.processors).Key("GOMEMLIMIT").Integer(0);
    json.Key("GOGC").String("").Key("GODEBUG").String("");
    json.Key("storageRetention").String(process.storage_retention).EndObject();
  });
}

http::Response ConfigPage(const ApiContext& context, const http::Request&) {
  return ApiSuccess([&](document::JsonWriter& json) {
    json.Object().Key("yaml").String(context.status.ConfigYaml()).EndObject();
  });
}

http::Response FlagsPage(const ApiContext& context, const http::Request&) {
  return ApiSuccess([&](document::JsonWriter& json) {
    json.Object();
    for (const auto& [name, value] : context.status.Flags()) json.Key(name).String(value);
    json.EndObject();
  });
}

// There is no log to replay: a start is over when it begins.
http::Response WalReplayPage(const ApiContext&, const http::Request&) {
  return ApiSuccess([](document::JsonWriter& json) {
    json.Object().Key("min").Integer(0).Key("max").Integer(0).Key("current").Integer(0).EndObject();
  });
}

http::Response NotificationsPage(const ApiContext&, const http::Request&) {
  return ApiSuccess([](document::JsonWriter& json) { json.List().EndList(); });
}

// As the server with as many listeners as it takes: the page then asks /notifications.
http::Response NotificationStreamPage(const ApiContext&, const http::Request&) {
  return {.status = 204, .content_type = "text/event-stream"};
}

}  // namespace plimsoll::serve
