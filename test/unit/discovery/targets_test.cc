// SPDX-License-Identifier: Apache-2.0
#include "discovery/targets.h"

#include <doctest/doctest.h>

#include <map>

#include "telemetry/telemetry.h"
#include "unit/discovery/rules.h"

using namespace plimsoll;
using namespace plimsoll::discovery;
using namespace std::chrono_literals;

namespace {

// Files in a map; the stamp is the number of times that a file was written.
struct Disk {
  struct File {
    std::string text;
    int version = 0;
  };
  std::map<std::string, File> files;
  int reads = 0;

  void Write(const std::string& path, std::string text) {
    files[path].text = std::move(text);
    ++files[path].version;
  }
  FileAccess Access() {
    return {{[this](const std::string& path) -> base::Result<std::string> {
               ++reads;
               const auto found = files.find(path);
               if (found != files.end()) return found->second.text;
               return base::Error{base::Error::Kind::kNotFound, "cannot read", {path, 0, 0}};
             },
             [this](const std::string& pattern) {
               std::vector<std::string> paths;
               const auto star = pattern.find('*');
               for (const auto& [path, file] : files) {
                 if (star == std::string::npos ? path == pattern
                                               : path.starts_with(pattern.substr(0, star))) {
                   paths.push_back(path);
                 }
               }
               return paths;
             }},
            [this](const std::string& path) { return std::to_string(files[path].version); }};
  }
};

std::shared_ptr<const config::ScrapeConfig> Config(std::string_view lines) {
  return std::make_shared<const config::ScrapeConfig>(test::ScrapeOf(lines));
}

std::string Urls(const Targets& targets) {
  std::string all;
  for (const Target& target : targets.Active()) all += (all.empty() ? "" : " ") + target.url;
  return all;
}

// The only target of a job, or what is wrong with it.
std::string One(std::string_view lines) {
  Disk disk;
  Targets targets(Config(lines), nullptr, disk.Access());
  targets.Refresh(0);
  if (targets.Active().size() == 1)
    return targets.Active()[0].url + " " + targets.Active()[0].labels.ToString();
  return targets.LastError();
}

}  // namespace

TEST_CASE("a static target has a URL, its labels and those it was discovered with") {
  Disk disk;
  Targets targets(
      Config("  scrape_interval: 15s\n"
             "  params: {'name[]': [a, 'b c'], x: [é]}\n"
             "  static_configs: [{targets: ['h:1'], labels: {team: blue, empty: ''}}]\n"),
      nullptr, disk.Access());
  CHECK(targets.Refresh(0));
  REQUIRE(targets.Active().size() == 1);
  const Target& target = targets.Active()[0];
  CHECK(target.url == "http://h:1/metrics?name%5B%5D=a&name%5B%5D=b+c&x=%C3%A9");
  CHECK(target.labels.ToString() == R"({instance="h:1", job="j", team="blue"})");
  CHECK(
      target.discovered.ToString() ==
      R"({__address__="h:1", __always_scrape_classic_histograms__="false", )"
      R"(__convert_classic_histograms_to_nhcb__="false", __metrics_path__="/metrics", "__param_name[]"="a", )"
      "__param_x=\"\xC3\xA9\", "
      R"(__scheme__="http", __scrape_interval__="15s", __scrape_native_histograms__="false", )"
      R"(__scrape_timeout__="10s", job="j", team="blue"})");
  CHECK(target.interval == 15s);
  CHECK(target.timeout == 10s);
  CHECK_FALSE(targets.Refresh(1000));
}

TEST_CASE("relabelling may change everything about a target") {
  CHECK(One("  static_configs: [{targets: ['h:1']}]\n"
            "  params: {a: ['1', '2']}\n"
            "  relabel_configs:\n"
            "  - {target_label: __scheme__, replacement: https}\n"
            "  - {target_label: __metrics_path__, replacement: 'x y/?%'}\n"
            "  - {target_label: __address__, replacement: '[::1]:9'}\n"
            "  - {target_label: __param_a, replacement: '&'}\n"
            "  - {target_label: __param_b, replacement: n}\n"
            "  - {target_label: __meta_x, replacement: n}\n"
            "  - {target_label: __tmp, replacement: n}\n"
            "  - {target_label: job, replacement: other}\n") ==
        R"(https://[::1]:9/x%20y/%3F%25?a=%26&a=2&b=n {instance="[::1]:9", job="other"})");
}

TEST_CASE("a target's own labels win over the job's") {
  CHECK(One("  static_configs: [{targets: ['h:1'], labels: {job: mine, instance: i, "
            "__metrics_path__: /p}}]\n") == R"(http://h:1/p {instance="i", job="mine"})");
}

TEST_CASE("interval and timeout can be relabelled, within reason") {
  const auto with = [](std::string_view label, std::string_view value) {
    return One(
        "  scrape_interval: 20s\n  static_configs: [{targets: ['h:1']}]\n  relabel_configs: "
        "[{target_label: " +
        std::string(label) + ", replacement: '" + std::string(value) + "'}]\n");
  };
  CHECK(with("__scrape_interval__", "11s") == R"(http://h:1/metrics {instance="h:1", job="j"})");
  CHECK(with("__scrape_interval__", "x") ==
        "instance 0 in group 0: error parsing scrape interval: not a valid duration string: \"x\"");
  CHECK(with("__scrape_interval__", "0s") == "instance 0 in group 0: scrape interval cannot be 0");
  CHECK(with("__scrape_timeout__", "") ==
        "instance 0 in group 0: error parsing scrape timeout: empty duration string");
  CHECK(with("__scrape_timeout__", "0") == "instance 0 in group 0: scrape timeout cannot be 0");
  CHECK(with("__scrape_timeout__", "21s") ==
        "instance 0 in group 0: scrape timeout cannot be greater than scrape interval (\"21s\" > "
        "\"20s\")");
}

TEST_CASE("a target needs an address that is none of a URL") {
  CHECK(One("  static_configs: [{targets: ['']}]\n") == "instance 0 in group 0: no address");
  CHECK(One("  static_configs: [{targets: ['a/b']}]\n  relabel_configs: [{target_label: x}]\n") ==
        "instance 0 in group 0: \"a/b\" is not a valid hostname");
}

TEST_CASE("a target that is found twice is scraped once") {
  Disk disk;
  Targets targets(
      Config("  static_configs: [{targets: ['h:1', 'h:1']}, {targets: ['h:1', 'h:2']}]\n"), nullptr,
      disk.Access());
  targets.Refresh(0);
  CHECK(Urls(targets) == "http://h:1/metrics http://h:2/metrics");
}

TEST_CASE("sidecars of one address are one for each namespace, and none when their pod has ended") {
  Disk disk;
  disk.Write("/a.yml",
             "- {targets: [h], labels: {__meta_kubernetes_namespace: a}}\n"
             "- {targets: [h], labels: {__meta_kubernetes_namespace: b, plimsoll_namespace: a}}\n"
             "- {targets: [h], labels: {__meta_kubernetes_namespace: c, "
             "__meta_kubernetes_pod_phase: Failed}}\n"
             "- {targets: [h], labels: {__meta_kubernetes_namespace: d, "
             "__meta_kubernetes_pod_phase: Succeeded}}\n"
             "- {targets: [h], labels: {plimsoll_namespace: a}}\n");
  auto config = test::ScrapeOf("  file_sd_configs: [{files: [/a.yml]}]\n");
  config.of_sidecars = true;
  Targets targets(std::make_shared<const config::ScrapeConfig>(config), nullptr, disk.Access());
  targets.Refresh(0);
  std::vector<std::string> labels;
  for (const Target& target : targets.Active()) labels.push_back(target.labels.ToString());
  CHECK(labels == std::vector<std::string>{R"({instance="h", job="j", plimsoll_namespace="a"})",
                                           R"({instance="h", job="j", plimsoll_namespace="b"})",
                                           R"({instance="h", job="j", plimsoll_namespace="-"})"});
  CHECK(targets.DroppedCount() == 2);
}

TEST_CASE("dropped targets are counted, and kept up to a bound") {
  Disk disk;
  Targets targets(
      Config("  keep_dropped_targets: 2\n  static_configs: [{targets: [a, b, c, d]}]\n"
             "  relabel_configs: [{action: drop, source_labels: [__address__], regex: '[abc]'}]\n"),
      nullptr, disk.Access());
  targets.Refresh(0);
  CHECK(Urls(targets) == "http://d/metrics");
  CHECK(targets.DroppedCount() == 3);
  REQUIRE(targets.Dropped().size() == 2);
  CHECK(targets.Dropped()[1].Get("__address__") == "b");
}

TEST_CASE("target_limit names both numbers, and the last allowed target is allowed") {
  Disk disk;
  Targets within(Config("  target_limit: 2\n  static_configs: [{targets: [a, b]}]\n"), nullptr,
                 disk.Access());
  within.Refresh(0);
  CHECK(within.LimitError().empty());
  telemetry::Telemetry telemetry;
  Targets over(Config("  target_limit: 1\n  static_configs: [{targets: [a, b]}]\n"), &telemetry,
               disk.Access());
  over.Refresh(0);
  CHECK(over.LimitError() == "target_limit exceeded (number of targets: 2, limit: 1)");
  CHECK(over.Active().size() == 2);
  CHECK(
      telemetry.CounterOf(telemetry::MetricId::kDiscoveryRefused, {"j", "target_limit"}).Value() ==
      1);
}

TEST_CASE("files are read in JSON and in YAML, and say where a target comes from") {
  Disk disk;
  disk.Write("/sd/a.json",
             R"([{"targets": ["j:1"], "labels": {"from": "json"}}, {"targets": null}])");
  disk.Write("/sd/b.yml", "- targets: [y:1]\n  labels: {from: yaml, n: 1}\n");
  Targets targets(
      Config("  file_sd_configs: [{files: ['/sd/*.yml']}]\n"
             "  relabel_configs: [{source_labels: [__meta_filepath], target_label: file}]\n"),
      nullptr, disk.Access());
  targets.Refresh(0);
  REQUIRE(targets.Active().size() == 2);
  CHECK(targets.Active()[0].labels.ToString() ==
        R"({file="/sd/a.json", from="json", instance="j:1", job="j"})");
  CHECK(targets.Active()[1].labels.ToString() ==
        R"({file="/sd/b.yml", from="yaml", instance="y:1", job="j", n="1"})");
}

TEST_CASE("a file is read again when it changes, and at each refresh_interval") {
  Disk disk;
  disk.Write("/a.yml", "- targets: [one]\n");
  Targets targets(Config("  file_sd_configs: [{files: [/a.yml], refresh_interval: 1m}]\n"), nullptr,
                  disk.Access());
  CHECK(targets.Refresh(0));
  CHECK_FALSE(targets.Refresh(1000));
  CHECK(disk.reads == 1);
  disk.Write("/a.yml", "- targets: [two]\n");
  CHECK(targets.Refresh(2000));
  CHECK(Urls(targets) == "http://two/metrics");
  disk.files["/a.yml"].text = "- targets: [three]\n";  // the stamp did not notice
  CHECK_FALSE(targets.Refresh(59999));
  CHECK(targets.Refresh(60000));
  CHECK(Urls(targets) == "http://three/metrics");
  disk.files["/a.yml"].text = "- targets: [four]\n";
  CHECK(targets.Refresh(-5));  // the clock was set back
  CHECK(Urls(targets) == "http://four/metrics");
}

TEST_CASE(
    "a bad file keeps its old targets and is reported, a file that is gone takes them with it") {
  Disk disk;
  telemetry::Telemetry telemetry;
  disk.Write("/a.yml", "- targets: [one]\n");
  Targets targets(Config("  file_sd_configs: [{files: ['/a*.yml']}]\n"), &telemetry, disk.Access());
  targets.Refresh(0);
  CHECK(targets.Problems().empty());
  disk.Write("/a.yml", "- targets: [tw");
  CHECK(targets.Refresh(1000));
  CHECK(Urls(targets) == "http://one/metrics");
  REQUIRE(targets.Problems().size() == 1);
  CHECK(targets.LastError().starts_with("/a.yml:"));
  CHECK(targets.LastError().ends_with(" (the targets of its last good version stay)"));
  CHECK(telemetry.CounterOf(telemetry::MetricId::kDiscoveryRefused, {"j", "bad_file"}).Value() ==
        1);
  disk.Write("/a.yml", "- targets: [two]\n");
  targets.Refresh(2000);
  CHECK(Urls(targets) == "http://two/metrics");
  CHECK(targets.Problems().empty());
  disk.files.erase("/a.yml");
  CHECK(targets.Refresh(3000));
  CHECK(targets.Active().empty());
}

TEST_CASE("target files are strict") {
  Disk disk;
  Targets targets(Config("  file_sd_configs: [{files: [/a.json, /a.yml]}]\n"), nullptr,
                  disk.Access());
  base::Time now = 0;
  const auto error = [&](const std::string& path, const std::string& text) {
    disk.files.clear();
    disk.Write(path, text);
    disk.files[path].version = static_cast<int>(++now);
    targets.Refresh(now);
    return targets.LastError();
  };
  CHECK(error("/a.json", R"([{"target": []}])") ==
        "/a.json: a target group: unknown key \"target\", expected targets or labels");
  CHECK(error("/a.json", R"([{"targets": [1]}])") ==
        "/a.json: 'targets': expected a text, found the number 1");
  CHECK(error("/a.json", R"([{"targets": {}}])") ==
        "/a.json: 'targets': expected a list, found an object");
  CHECK(error("/a.json", R"([{"labels": []}])") ==
        "/a.json: 'labels': expected an object, found a list");
  CHECK(error("/a.json", R"([{"labels": {"a": 1}}])") ==
        "/a.json: label \"a\": expected a text, found the number 1");
  CHECK(error("/a.json", R"([null])") == "/a.json: nil target group item found");
  CHECK(error("/a.json", R"(["x"])") ==
        "/a.json: a target group: expected an object, found the text \"x\"");
  CHECK(error("/a.json", R"({})") == "/a.json: expected a list of target groups, found an object");
  CHECK(error("/a.json", R"([{"labels": {"": "x"}}])") ==
        "/a.json: \"\" is not a valid label name");
  CHECK(error("/a.json", "null").empty());
  CHECK(error("/a.yml", "- ~\n") == "/a.yml:1:3: nil target group item found");
  CHECK(error("/a.yml", "a: 1\n") ==
        "/a.yml:1:1: expected a list of target groups, found a mapping");
  CHECK(error("/a.yml", "- target: [a]\n") ==
        "/a.yml:1:3: a target group: unknown key 'target', did you mean 'targets'?");
  CHECK(error("/a.yml", "").empty());
}

TEST_CASE("files and targets are bounded, and the last allowed ones are allowed") {
  Disk disk;
  disk.Write("/a1.yml", "- targets: [a, b]\n");
  disk.Write("/a2.yml", "- targets: [c]\n");
  const auto config = Config("  file_sd_configs: [{files: ['/a*.yml']}]\n");
  telemetry::Telemetry telemetry;
  Targets within(config, nullptr, disk.Access(), {.files = 2, .targets = 3});
  within.Refresh(0);
  CHECK(within.Problems().empty());
  CHECK(within.Active().size() == 3);
  Targets few_files(config, &telemetry, disk.Access(), {.files = 1, .targets = 3});
  few_files.Refresh(0);
  CHECK(few_files.LastError() == "file_sd_configs name more than 1 files");
  CHECK(Urls(few_files) == "http://a/metrics http://b/metrics");
  few_files.Refresh(1);
  CHECK(telemetry.CounterOf(telemetry::MetricId::kDiscoveryRefused, {"j", "file_limit"}).Value() ==
        1);
  Targets few_targets(config, &telemetry, disk.Access(), {.files = 2, .targets = 2});
  few_targets.Refresh(0);
  CHECK(few_targets.LastError() == "more than 2 targets were found; the rest is left out");
  CHECK(Urls(few_targets) == "http://a/metrics http://b/metrics");
  CHECK(telemetry.CounterOf(telemetry::MetricId::kDiscoveryRefused, {"j", "targets"}).Value() == 1);
}
