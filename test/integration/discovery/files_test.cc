// SPDX-License-Identifier: Apache-2.0
//
// Configuration and target files as they really change: written, replaced by rename, broken,
// removed.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "config/load.h"
#include "discovery/targets.h"

using namespace plimsoll;

namespace {

// A folder of its own for one test, removed at its end.
class Folder {
 public:
  Folder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "plimsoll-test-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  void Write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(*this / name).parent_path());
    std::ofstream(*this / name) << text;
  }
  // As editors and ConfigMaps do: the name never shows half a file.
  void Replace(const std::string& name, const std::string& text) const {
    Write(name + ".new", text);
    std::filesystem::rename(*this / (name + ".new"), *this / name);
  }

 private:
  std::filesystem::path path_;
};

std::string Urls(const discovery::Targets& targets) {
  std::string all;
  for (const auto& target : targets.Active()) all += (all.empty() ? "" : " ") + target.url;
  return all;
}

}  // namespace

TEST_CASE("a configuration finds the files beside it") {
  const Folder folder;
  folder.Write("rules/b.yml", "B");
  folder.Write("rules/a.yml", "A");
  folder.Write("more/c.yml", "scrape_configs: [{job_name: c, bearer_token_file: token}]\n");
  folder.Write("plimsoll.yml", "rule_files: ['rules/*.yml']\nscrape_config_files: [more/c.yml]\n");
  const auto config = config::Load(folder / "plimsoll.yml");
  REQUIRE_MESSAGE(config.has_value(), (config ? std::string() : config.error().ToString()));
  REQUIRE((*config)->rules.size() == 2);
  CHECK((*config)->rules[0].name == folder / "rules/a.yml");
  CHECK((*config)->rules[1].text == "B");
  CHECK((*config)->scrape_configs.at(0).http.authorization->credentials.file ==
        folder / "more/token");
}

TEST_CASE("what cannot be read is named") {
  const Folder folder;
  const auto missing = config::Load(folder / "none.yml");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().kind == base::Error::Kind::kNotFound);
  CHECK(missing.error().message ==
        "cannot read " + (folder / "none.yml") + ": No such file or directory");
  std::filesystem::create_directory(folder / "folder.yml");
  const auto directory = config::Load(folder / "folder.yml");
  REQUIRE_FALSE(directory.has_value());
  CHECK(directory.error().message == "cannot read " + (folder / "folder.yml") + ": Is a directory");
  folder.Write("f.yml", "rule_files: [folder.yml]\n");
  const auto rules = config::Load(folder / "f.yml");
  REQUIRE_FALSE(rules.has_value());
  CHECK(rules.error().ToString() ==
        (folder / "f.yml") + ":1:14: cannot read " + (folder / "folder.yml") + ": Is a directory");
}

TEST_CASE("a device that never ends is refused and not read to its end") {
  const auto endless = config::Load("/dev/zero");
  REQUIRE_FALSE(endless.has_value());
  CHECK(endless.error().kind == base::Error::Kind::kLimit);
}

TEST_CASE("targets follow their file through rename, damage and removal") {
  const Folder folder;
  folder.Write("sd/a.yml", "- targets: [one]\n");
  folder.Write(
      "plimsoll.yml",
      "scrape_configs: [{job_name: j, file_sd_configs: [{files: ['sd/*.yml', sd/b.json]}]}]\n");
  const auto config = config::Load(folder / "plimsoll.yml");
  REQUIRE_MESSAGE(config.has_value(), (config ? std::string() : config.error().ToString()));
  discovery::Targets targets(
      std::make_shared<const config::ScrapeConfig>((*config)->scrape_configs.at(0)));
  CHECK(targets.Refresh(0));
  CHECK(Urls(targets) == "http://one/metrics");
  CHECK_FALSE(targets.Refresh(1));
  folder.Replace("sd/a.yml", "- targets: [two]\n");
  CHECK(targets.Refresh(2));
  CHECK(Urls(targets) == "http://two/metrics");
  folder.Replace("sd/a.yml", "- targets: [tw");
  CHECK(targets.Refresh(3));
  CHECK(Urls(targets) == "http://two/metrics");
  CHECK(targets.Problems().size() == 1);
  folder.Write("sd/b.json", R"([{"targets": ["three"]}])");
  CHECK(targets.Refresh(4));
  CHECK(Urls(targets) == "http://two/metrics http://three/metrics");
  std::filesystem::remove(folder / "sd/a.yml");
  CHECK(targets.Refresh(5));
  CHECK(Urls(targets) == "http://three/metrics");
  CHECK(targets.Problems().empty());
}
