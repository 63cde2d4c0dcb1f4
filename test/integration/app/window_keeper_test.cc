// SPDX-License-Identifier: Apache-2.0
//
// What is said of a window file that cannot be restored.
#include "app/window_keeper.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "support/fake_clock.h"
#include "support/folder.h"

namespace plimsoll::app {
namespace {

// What the program says on standard error goes into a file while this lives.
class Said {
 public:
  explicit Said(const std::string& file) : before_(::dup(STDERR_FILENO)) {
    const int to = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    REQUIRE(::dup2(to, STDERR_FILENO) >= 0);
    ::close(to);
  }
  ~Said() {
    std::fflush(stderr);
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
  }
  Said(const Said&) = delete;
  Said& operator=(const Said&) = delete;

 private:
  const int before_;
};

// Returns: what is said of a file whose last good values nobody understands.
std::string Restart(const test::Folder& folder) {
  test::FakeClock clock(1'790'000'000'000);
  telemetry::Telemetry telemetry;
  store::MemoryStore store;
  base::Published<signals::Snapshot> snapshot;
  {
    auto file = store::WindowFile::Open({.path = folder / "window"});
    REQUIRE(file.has_value());
    REQUIRE((*file)->Save(store, "{}").has_value());
  }
  const Said said(folder / "said");
  const auto keeper =
      WindowKeeper::Make({folder / "window", &clock, &store, &snapshot, &telemetry});
  REQUIRE(keeper.has_value());
  CHECK(telemetry.CounterOf(telemetry::MetricId::kWindowFileFailures, {"restore"}).Value() == 1);
  return folder.Read("said");
}

TEST_CASE("a window file that cannot be restored is set aside") {
  const test::Folder folder;
  const std::string said = Restart(folder);
  CHECK(said.find("the window begins anew, the file is kept as " + folder / "window.refused") !=
        std::string::npos);
  CHECK(std::filesystem::exists(folder / "window.refused"));
}

TEST_CASE("a window file that cannot be set aside either is not said to be kept") {
  const test::Folder folder;
  std::filesystem::create_directory(folder / "window.refused");
  const std::string said = Restart(folder);
  CHECK(said.find("is kept as") == std::string::npos);
  CHECK(said.find("the window begins anew, and " + folder / "window" +
                  " is lost, for it cannot be renamed to " + folder / "window.refused" +
                  " (Is a directory): ") != std::string::npos);
}

}  // namespace
}  // namespace plimsoll::app
