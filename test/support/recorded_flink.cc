// SPDX-License-Identifier: Apache-2.0
//
// From a path of the REST API to the recorded file.
#include "support/recorded_flink.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "http/message.h"
#include "support/error_text.h"

namespace plimsoll::test {
namespace {

namespace fs = std::filesystem;
using document::Json;

Json Read(const std::string& text) {
  auto json = document::ParseJson(text);
  REQUIRE_MESSAGE(json.has_value(), text);
  return *std::move(json);
}

std::string Write(const Json& json) {
  std::string text;
  document::AppendJson(json, text);
  return text;
}

void Set(Json& object, std::string_view name, double value) {
  for (auto& [key, member] : object.members) {
    if (key != name) continue;
    member.kind = Json::Kind::kNumber;
    member.number = value;
    member.integer = static_cast<std::int64_t>(value);
  }
}

Json* Find(Json& object, std::string_view name) {
  for (auto& [key, member] : object.members) {
    if (key == name) return &member;
  }
  return nullptr;
}

}  // namespace

RecordedFlink::State RecordedFlink::Load(const std::string& folder) {
  State state;
  if (folder.empty()) return state;
  for (const auto& entry :
       fs::directory_iterator(fs::path(PLIMSOLL_SOURCE_ROOT "/test/fixtures") / folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    state.files[entry.path().stem().string()] = {std::istreambuf_iterator<char>(in),
                                                 std::istreambuf_iterator<char>()};
  }
  REQUIRE(state.files.contains("overview"));
  for (int number = 0;; ++number) {
    const auto file = state.files.find("job" + std::to_string(number));
    if (file == state.files.end()) break;
    const Json job = Read(file->second);
    state.jobs.emplace_back(*job.String("jid"));
    for (const Json& vertex : job.Find("vertices")->items)
      state.vertices[state.jobs.back()].emplace_back(*vertex.String("id"));
  }
  return state;
}

void RecordedFlink::Show(const std::string& folder) {
  state_ = Load(folder);
  metrics_.reset();
}

void RecordedFlink::ShowMetricsOf(const std::string& folder) { metrics_ = Load(folder); }

// The names that `query` asks for, out of the recorded values; nothing when one was not listed.
std::string RecordedFlink::Pick(const std::string& file, const std::string& query) const {
  const State& state = metrics_ ? *metrics_ : state_;
  const auto list = state.files.find(file + "-list");
  if (list == state.files.end()) return "[]";
  if (query.empty()) return list->second;
  const auto values = state.files.find(file);
  std::string names = http::ParseQuery(query).front().second;
  Json picked;
  picked.kind = Json::Kind::kList;
  const Json listed = Read(list->second);
  const Json recorded =
      values == state.files.end() ? Json{.kind = Json::Kind::kList} : Read(values->second);
  const auto find = [](const Json& from, const std::string& id) {
    return std::find_if(from.items.begin(), from.items.end(),
                        [&](const Json& item) { return item.String("id") == id; });
  };
  for (names += ','; !names.empty(); names.erase(0, names.find(',') + 1)) {
    const std::string id = names.substr(0, names.find(','));
    if (find(listed, id) == listed.items.end()) return "[]";
    const auto value = find(recorded, id);
    if (value != recorded.items.end()) picked.items.push_back(*value);
  }
  return Write(picked);
}

std::string RecordedFlink::JobBody(const std::string& text) const {
  if (!clock) return text;
  Json job = Read(text);
  Set(job, "now", static_cast<double>(clock()));
  return Write(job);
}

std::optional<std::string> RecordedFlink::BodyOf(const std::string& path) const {
  const auto question = path.find('?');
  const std::string place = path.substr(0, question);
  const std::string query = question == std::string::npos ? "" : path.substr(question + 1);
  const auto file = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = state_.files.find(name);
    if (found == state_.files.end()) return std::nullopt;
    return found->second;
  };
  if (place == "/overview") return file("overview");
  if (place == "/jobs/overview") return file("jobs-overview");
  if (place == "/jobmanager/config") {
    return R"([{"key":"taskmanager.numberOfTaskSlots","value":")" + std::to_string(slots) +
           R"("})" + (reactive ? R"(,{"key":"scheduler-mode","value":"reactive"}])" : "]");
  }
  if (place == "/taskmanagers/metrics") return Pick("taskmanagers-metrics", query);
  for (std::size_t number = 0; number < state_.jobs.size(); ++number) {
    const std::string& id = state_.jobs[number];
    const std::string job = "job" + std::to_string(number), root = "/jobs/" + id;
    if (place == root) return JobBody(*file(job));
    if (place == root + "/metrics") return Pick(job + "-metrics", query);
    if (place == root + "/resource-requirements") return file(job + "-resource-requirements");
    if (place == root + "/checkpoints/config") return R"({"mode":"exactly_once","interval":5000})";
    if (place == root + "/checkpoints") {
      if (!clock) return file(job + "-checkpoints");
      Json body = Read(*file(job + "-checkpoints"));
      Json* latest = Find(body, "latest");
      Json* completed = latest == nullptr ? nullptr : Find(*latest, "completed");
      if (completed != nullptr)
        Set(*completed, "latest_ack_timestamp", static_cast<double>(clock() - 5000));
      return Write(body);
    }
    const auto& vertices = state_.vertices.at(id);
    for (std::size_t vertex = 0; vertex < vertices.size(); ++vertex) {
      if (place == root + "/vertices/" + vertices[vertex] + "/subtasks/metrics")
        return Pick(job + "-vertex" + std::to_string(vertex) + "-metrics", query);
    }
  }
  return std::nullopt;
}

scrape::Fetched RecordedFlink::Answer(const scrape::PageRequest& request) {
  const auto authority = request.url.find("//");
  const std::string path = request.url.substr(request.url.find('/', authority + 2));
  asked.push_back(path);
  scrape::Page page{200, "200 OK", "application/json; charset=UTF-8", ""};
  const bool breaks = std::any_of(broken.begin(), broken.end(), [&](const std::string& part) {
    return path.find(part) != std::string::npos;
  });
  const auto body = breaks ? std::nullopt : BodyOf(path);
  if (!body || body->starts_with(R"({"errors")")) {
    page.status = body || breaks ? 500 : 404;
    page.status_text = page.status == 500 ? "500 Internal Server Error" : "404 Not Found";
    page.body = body.value_or(R"({"errors":["Not found."]})");
  } else {
    page.body = *body;
  }
  return {.page = std::move(page)};
}

}  // namespace plimsoll::test
