// SPDX-License-Identifier: Apache-2.0
//
// A folder of its own for one test, removed at its end.
//
// Threads: one.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace plimsoll::test {

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "plimsoll-app-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  // The name never shows half a file.
  void Replace(const std::string& name, const std::string& text) const {
    std::ofstream(*this / (name + ".new"), std::ios::binary) << text;
    std::filesystem::rename(*this / (name + ".new"), *this / name);
  }
  std::string Read(const std::string& name) const {
    std::ifstream in(*this / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

 private:
  std::filesystem::path path_;
};

}  // namespace plimsoll::test
