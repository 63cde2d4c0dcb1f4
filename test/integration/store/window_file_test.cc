// SPDX-License-Identifier: Apache-2.0
//
// The window file: what was saved comes back, whatever happened to the file or the disk meanwhile.
#include "store/window_file.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "store/history.h"
#include "support/error_text.h"
#include "unit/store/store_fixture.h"

namespace plimsoll::store {
namespace {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "plimsoll-window-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string File() const { return path_ + "/window.jsonl"; }

 private:
  std::string path_;
};

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void WriteFile(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::unique_ptr<WindowFile> Open(WindowFile::Options options) {
  auto file = WindowFile::Open(std::move(options));
  REQUIRE_MESSAGE(file.has_value(), test::ErrorText(file));
  return *std::move(file);
}

void Save(WindowFile& file, const MemoryStore& store, std::string_view note = {}) {
  const auto saved = file.Save(store, note);
  REQUIRE_MESSAGE(saved.has_value(), test::ErrorText(saved));
}

// A process that starts with what is in the file.
struct Restarted {
  explicit Restarted(const std::string& path) : file(Open({.path = path})) {
    auto result = file->Restore(store.appender(), Appender::kNoBound);
    REQUIRE_MESSAGE(result.has_value(), test::ErrorText(result));
    restored = *std::move(result);
  }
  MemoryStore store;
  std::unique_ptr<WindowFile> file;
  WindowFile::Restored restored;
};

void PutRecorded(MemoryStore& store, const Labels& labels, model::Time time, double value,
                 model::Time source) {
  Appender& appender = store.appender();
  appender.Begin(Appender::kNoBound);
  (void)appender.AppendRecorded(appender.Resolve(labels).ref, time, value, source);
  appender.Commit();
}

model::Time SourceOf(const MemoryStore& store, const Labels& labels) {
  const auto querier = store.Open();
  for (const SelectedSeries& series : querier->Select({}, kMin, kMax)) {
    if (*series.labels == labels) {
      CHECK(querier->IsRecorded(series.ref));
      return querier->RecordedSource(series.ref);
    }
  }
  return -1;
}

const Labels kScraped{{"__name__", "a"}, {"path", "x\"\\\n\xC3\xA9"}};

}  // namespace

TEST_CASE("samples, staleness markers, sources and the note come back after a restart") {
  const Folder folder;
  MemoryStore store;
  const auto file = Open({.path = folder.File()});
  Put(store, kScraped, 1000, 0.1);
  Put(store, kScraped, 2500, model::StaleNaN());
  PutRecorded(store, Named("r"), 2000, 7, 1000);
  Save(*file, store, R"({"x":1})");
  Put(store, kScraped, 4000, -0.0);
  Put(store, Named("late"), 3000, std::numeric_limits<double>::infinity());
  PutRecorded(store, Named("r"), 4000, 8, 3500);
  PutRecorded(store, Named("plimsoll_param"), 4000, 1, model::kNoSource);
  Save(*file, store, R"({"x":2})");
  Save(*file, store, R"({"x":2})");  // nothing new: nothing written

  // The first process was killed: nobody closed the file.
  std::filesystem::remove(folder.File() + ".lock");
  const Restarted after(folder.File());
  CHECK(Samples(after.store, kScraped) ==
        std::vector<Sample>{{1000, 0.1}, {2500, model::StaleNaN()}, {4000, -0.0}});
  CHECK(Samples(after.store, Named("late")) ==
        std::vector<Sample>{{3000, std::numeric_limits<double>::infinity()}});
  CHECK(Samples(after.store, Named("r")) == std::vector<Sample>{{2000, 7}, {4000, 8}});
  CHECK(SourceOf(after.store, Named("r")) == 3500);
  CHECK(SourceOf(after.store, Named("plimsoll_param")) == model::kNoSource);
  CHECK(after.restored.note == R"({"x":2})");
  CHECK(after.restored.series == 4);
  CHECK(after.restored.samples == 7);
  CHECK(after.restored.last == 4000);
  CHECK(after.restored.dropped_bytes == 0);
}

TEST_CASE("a file that was cut off at any byte gives whole batches and no half of one") {
  const Folder folder;
  MemoryStore store;
  {
    const auto file = Open({.path = folder.File()});
    for (int i = 1; i <= 3; ++i) {
      Put(store, Named("a"), i * 1000, i);
      Put(store, Named("b"), i * 1000, i);
      Save(*file, store, std::to_string(i));
    }
  }
  const std::string whole = ReadFile(folder.File());
  std::vector<int> batches;
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    WriteFile(folder.File(), whole.substr(0, size));
    const Restarted after(folder.File());
    const auto a = Samples(after.store, Named("a"));
    const auto b = Samples(after.store, Named("b"));
    REQUIRE(a == b);
    REQUIRE(after.restored.note == (a.empty() ? "" : std::to_string(a.size())));
    batches.push_back(static_cast<int>(a.size()));
    // What is written next stands behind the last whole batch.
    Put(*const_cast<MemoryStore*>(&after.store), Named("a"), 9000, 9);
    Save(*after.file, after.store);
  }
  CHECK(std::is_sorted(batches.begin(), batches.end()));
  CHECK(batches.front() == 0);
  CHECK(batches.back() == 3);
}

TEST_CASE("a flipped bit loses its batch and those behind it, and says so") {
  const Folder folder;
  MemoryStore store;
  {
    const auto file = Open({.path = folder.File()});
    for (int i = 1; i <= 3; ++i) {
      Put(store, Named("a"), i * 1000, i);
      Save(*file, store);
    }
  }
  std::string bytes = ReadFile(folder.File());
  bytes[bytes.find("[2,")] ^= 1;
  WriteFile(folder.File(), bytes);
  const Restarted after(folder.File());
  CHECK(Samples(after.store, Named("a")) == std::vector<Sample>{{1000, 1}});
  CHECK(after.restored.why_dropped == "the checksum does not match");
  CHECK(after.restored.dropped_bytes > 100);
}

TEST_CASE("a full disk leaves the file as it was, and the next save writes what is missing") {
  const Folder folder;
  MemoryStore store;
  bool full = false;
  const auto file = Open(
      {.path = folder.File(), .write = [&](int fd, const void* bytes, std::size_t size, off_t at) {
         if (!full) return ::pwrite(fd, bytes, size, at);
         if (size > 10) return ::pwrite(fd, bytes, 10, at);  // some of it still fits
         errno = ENOSPC;
         return ssize_t{-1};
       }});
  Put(store, Named("a"), 1000, 1);
  Save(*file, store);
  const std::string before = ReadFile(folder.File());
  full = true;
  Put(store, Named("a"), 2000, 2);
  const auto failed = file->Save(store, {});
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().message == "cannot write to " + folder.File() + ": No space left on device");
  CHECK(ReadFile(folder.File()) == before);
  full = false;
  Put(store, Named("a"), 3000, 3);
  Save(*file, store);
  std::filesystem::remove(folder.File() + ".lock");
  const Restarted after(folder.File());
  CHECK(Samples(after.store, Named("a")) == std::vector<Sample>{{1000, 1}, {2000, 2}, {3000, 3}});
}

TEST_CASE("the file is written over when it has grown to twice the window") {
  const Folder folder;
  MemoryStore store;
  const auto file = Open({.path = folder.File()});
  const std::string long_name(4000, 'x');
  for (int i = 1; i <= 600; ++i) {
    Put(store, Named(long_name), i * 1000, i);
    store.SetWindow(milliseconds(20000));
    store.Expire(i * 1000);
    Save(*file, store);
  }
  CHECK(file->rewrites() == 3);  // the first save, and at each megabyte
  CHECK(file->size() < 2 << 20);
}

TEST_CASE("a window that is larger than the limit is not written, and what was stays") {
  const Folder folder;
  MemoryStore store;
  const auto file = Open({.path = folder.File(), .max_bytes = 1000});
  Put(store, Named("a"), 1000, 1);
  Save(*file, store);
  const std::string before = ReadFile(folder.File());
  Put(store, Named(std::string(1000, 'x')), 2000, 1);
  const auto failed = file->Save(store, {});
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().kind == base::Error::Kind::kLimit);
  CHECK(failed.error().message.find("more than 1000") != std::string::npos);
  CHECK(ReadFile(folder.File()) == before);
}

TEST_CASE("a file that is not a window file is refused and not touched") {
  const Folder folder;
  WriteFile(folder.File(), "global:\n  scrape_interval: 15s\n");
  const auto file = WindowFile::Open({.path = folder.File()});
  REQUIRE_FALSE(file.has_value());
  CHECK(file.error().ToString() ==
        folder.File() + R"(:1: is no window file, expected {"window":1} in the first line)");
  CHECK(ReadFile(folder.File()) == "global:\n  scrape_interval: 15s\n");
}

TEST_CASE("two processes cannot have the same file") {
  const Folder folder;
  const auto first = Open({.path = folder.File()});
  const auto second = WindowFile::Open({.path = folder.File()});
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().message == folder.File() + " is in use by another process");
}

TEST_CASE("a file that somebody took away is written anew") {
  const Folder folder;
  MemoryStore store;
  const auto file = Open({.path = folder.File()});
  Put(store, Named("a"), 1000, 1);
  Save(*file, store);
  std::filesystem::remove(folder.File());
  Put(store, Named("a"), 2000, 2);
  Save(*file, store);
  std::filesystem::remove(folder.File() + ".lock");
  const Restarted after(folder.File());
  CHECK(Samples(after.store, Named("a")) == std::vector<Sample>{{1000, 1}, {2000, 2}});
}

TEST_CASE("a folder that is not there is said") {
  const auto file = WindowFile::Open({.path = "/nowhere/window.jsonl"});
  REQUIRE_FALSE(file.has_value());
  CHECK(file.error().message ==
        "cannot open /nowhere/window.jsonl.lock: No such file or directory");
}

TEST_CASE("the file is a history like any other") {
  const Folder folder;
  MemoryStore store;
  const auto file = Open({.path = folder.File()});
  Put(store, Named("a"), 1000, 1);
  PutRecorded(store, Named("r"), 1000, 2, 1000);
  Save(*file, store, "{}");
  HistoryLoader loader;
  REQUIRE(loader.Add(ReadFile(folder.File()), folder.File()).has_value());
  MemoryStore other;
  const auto stats = loader.AppendTo(other.appender());
  REQUIRE(stats.has_value());
  CHECK(stats->samples == 2);
}

}  // namespace plimsoll::store
