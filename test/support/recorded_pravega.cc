// SPDX-License-Identifier: Apache-2.0
//
// From a path of the REST API to the recorded file.
#include "support/recorded_pravega.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "document/json.h"
#include "http/message.h"

namespace plimsoll::test {
namespace {

namespace fs = std::filesystem;
using document::Json;

// As StreamMetadataResourceImpl of Pravega chooses.
std::string Between(const std::string& recorded, double from, double to) {
  auto events = document::ParseJson(recorded);
  REQUIRE_MESSAGE(events.has_value(), recorded);
  Json chosen{.kind = Json::Kind::kList};
  const Json* before = nullptr;
  for (const Json& event : events->items) {
    const double time = event.Number("timestamp").value();
    if (time >= from && time <= to) chosen.items.push_back(event);
    if (time < from && (before == nullptr || before->Number("timestamp").value() <= time))
      before = &event;
  }
  if (before != nullptr) chosen.items.insert(chosen.items.begin(), *before);
  std::string text;
  document::AppendJson(chosen, text);
  return text;
}

}  // namespace

void RecordedPravega::Show(const std::string& folder) {
  files_.clear();
  if (folder.empty()) return;
  for (const auto& entry :
       fs::directory_iterator(fs::path(PLIMSOLL_SOURCE_ROOT "/test/fixtures") / folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    files_[entry.path().stem().string()] = {std::istreambuf_iterator<char>(in),
                                            std::istreambuf_iterator<char>()};
  }
  REQUIRE(files_.contains("scopes"));
}

std::optional<std::string> RecordedPravega::BodyOf(const std::string& path) const {
  const auto file = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = files_.find(name);
    if (found == files_.end()) return std::nullopt;
    return found->second;
  };
  std::vector<std::string> parts;  // of "/v1/scopes/SCOPE/streams/STREAM/scaling-events"
  const auto question = path.find('?');
  for (std::size_t at = 1; at <= std::min(question, path.size());) {
    const auto end = std::min({path.find('/', at), question, path.size()});
    parts.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  if (parts == std::vector<std::string>{"prometheus"}) return file("prometheus");
  if (parts.size() < 2 || parts[0] != "v1" || parts[1] != "scopes") return std::nullopt;
  if (parts.size() == 2) return file("scopes");
  if (parts.size() == 4 && parts[3] == "streams") return file("streams-" + parts[2]);
  if (parts.size() != 6 || parts[5] != "scaling-events") return std::nullopt;
  const auto events = file("scaling-events-" + parts[2] + "-" + parts[4]);
  if (!events) return std::nullopt;
  std::map<std::string, double> times;
  for (const auto& [name, value] : http::ParseQuery(path.substr(question + 1)))
    times[name] = std::stod(value);
  return Between(*events, times.at("from"), times.at("to"));
}

scrape::Fetched RecordedPravega::Answer(const scrape::PageRequest& request) {
  const auto authority = request.url.find("//");
  const std::string path = request.url.substr(request.url.find('/', authority + 2));
  asked.push_back(path);
  if (files_.empty()) {
    return {base::Error{base::Error::Kind::kUnavailable,
                        "Get \"" + request.url + "\": connect: connection refused"}};
  }
  const bool breaks = std::any_of(broken.begin(), broken.end(), [&](const std::string& part) {
    return path.find(part) != std::string::npos;
  });
  const auto body = breaks ? std::nullopt : BodyOf(path);
  if (!body) {
    return {.page = scrape::Page{breaks ? 500 : 404,
                                 breaks ? "500 Internal Server Error" : "404 Not Found", "", ""}};
  }
  return {.page = scrape::Page{200, "200 OK",
                               path == "/prometheus" ? "text/plain" : "application/json", *body}};
}

}  // namespace plimsoll::test
