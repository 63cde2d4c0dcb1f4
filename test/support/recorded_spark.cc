// SPDX-License-Identifier: Apache-2.0
//
// From an address of a Spark process to the recorded file.
#include "support/recorded_spark.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace plimsoll::test {
namespace {

namespace fs = std::filesystem;

void ReplaceAll(std::string& text, const std::string& what, const std::string& with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

// The text between `"name" : "` and the quote behind it.
std::string Member(const std::string& body, const std::string& name) {
  const std::string head = "\"" + name + "\" : \"";
  const auto at = body.find(head);
  if (at == std::string::npos) return "";
  return body.substr(at + head.size(), body.find('"', at + head.size()) - at - head.size());
}

}  // namespace

void RecordedSpark::Show(const std::string& folder) {
  files_.clear();
  for (const auto& entry :
       fs::directory_iterator(fs::path(PLIMSOLL_SOURCE_ROOT "/test/fixtures") / folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    files_[entry.path().stem().string()] = {std::istreambuf_iterator<char>(in),
                                            std::istreambuf_iterator<char>()};
  }
  REQUIRE_FALSE(files_.empty());
}

std::optional<std::string> RecordedSpark::BodyOf(const std::string& process,
                                                 const std::string& path) const {
  const auto file = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = files_.find(process + "-" + name);
    if (found == files_.end()) return std::nullopt;
    return found->second;
  };
  if (path == "/json/") return file("json");
  if (path == "/metrics/json/") return file("metrics-json");
  if (path == "/metrics/prometheus/") return file("metrics-prometheus");
  if (path == "/metrics/executors/prometheus/") return file("executors-prometheus");
  if (path == "/api/v1/applications") return file("applications");
  if (path.ends_with("/executors")) return file("executors");
  if (path.ends_with("/stages?status=active")) return file("stages-active");
  if (path.ends_with("/stages?status=pending")) return file("stages-pending");
  if (!path.ends_with("/environment") || !file("applications")) return std::nullopt;
  if (auto recorded = file("environment")) return recorded;
  const auto most = most_executors.find(process);
  return R"({"sparkProperties":[["spark.dynamicAllocation.enabled","true"],)"
         R"(["spark.dynamicAllocation.maxExecutors",")" +
         std::to_string(most == most_executors.end() ? 1 : most->second) +
         R"("],["spark.executor.cores","1"]]})";
}

std::string RecordedSpark::Again(std::string body, const std::string& process) const {
  const auto again = restarted.find(process);
  const auto list = files_.find(process + "-applications");
  if (again == restarted.end() || list == files_.end()) return body;
  const std::string id = Member(list->second, "id");
  REQUIRE_FALSE(id.empty());
  ReplaceAll(body, id, id + "9");
  const std::string head = "\"startTimeEpoch\" : ";
  if (const auto at = body.find(head); at != std::string::npos) {
    const auto begin = at + head.size();
    body.replace(begin, body.find_first_not_of("0123456789", begin) - begin,
                 std::to_string(again->second));
  }
  return body;
}

scrape::Fetched RecordedSpark::Answer(const scrape::PageRequest& request) {
  const std::string address = request.url.substr(request.url.find("//") + 2);
  asked.push_back(address);
  const std::string process = address.substr(0, address.find(':'));
  const std::string path = address.substr(address.find('/'));
  const bool there = std::any_of(files_.begin(), files_.end(), [&](const auto& file) {
    return file.first.starts_with(process + "-");
  });
  if (!there || gone.contains(process))
    return {base::Error{base::Error::Kind::kUnavailable, "connection refused"}};
  const bool breaks = std::any_of(broken.begin(), broken.end(), [&](const std::string& part) {
    return address.find(part) != std::string::npos;
  });
  if (breaks)
    return {scrape::Page{500, "500 Server Error", "text/html;charset=iso-8859-1", "<html>"}};
  if (auto body = BodyOf(process, path)) {
    const bool page = path.ends_with("prometheus/");
    return {scrape::Page{200, "200 OK", page ? "text/plain;charset=utf-8" : "application/json",
                         Again(*std::move(body), process)}};
  }
  if (process.starts_with("driver"))
    return {scrape::Page{404, "404 Not Found", "text/html;charset=iso-8859-1", "<html>"}};
  return {scrape::Page{200, "200 OK", "text/html;charset=utf-8", "<html>"}};
}

}  // namespace plimsoll::test
