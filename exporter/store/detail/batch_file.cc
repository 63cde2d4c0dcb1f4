// SPDX-License-Identifier: Apache-2.0
//
// See batch_file.h. A seal is the line {"sealed":"MD5 of the lines since the last seal"}.
#include "store/detail/batch_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/format.h"
#include "base/md5.h"

namespace plimsoll::store::detail {
namespace {

using base::Error;
using base::Result;

constexpr std::string_view kSealBegin = "{\"sealed\":\"";
constexpr std::string_view kSealEnd = "\"}\n";

std::string SealOf(std::string_view lines) {
  std::string seal(kSealBegin);
  for (const std::uint8_t byte : base::Md5(lines)) seal += base::format("{:02x}", byte);
  return seal.append(kSealEnd);
}

Error SystemError(std::string_view what, const std::string& path, int code) {
  const auto kind = code == ENOENT ? Error::Kind::kNotFound : Error::Kind::kUnavailable;
  return {kind, base::format("cannot {} {}: {}", what, path, std::strerror(code)), {}};
}

// Closes on the way out unless it was released.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Result<std::string> ReadAll(int fd, const std::string& path, std::uint64_t max_bytes) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return SystemError("read", path, errno);
  if (!S_ISREG(status.st_mode)) return base::BadInput(path + " is no regular file");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > max_bytes) {
    return Error{Error::Kind::kLimit,
                 base::format("{} has {} bytes, more than {}", path, size, max_bytes),
                 {}};
  }
  std::string text(size, '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const ssize_t got =
        ::pread(fd, text.data() + have, text.size() - have, static_cast<off_t>(have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError("read", path, errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  text.resize(have);
  return text;
}

// Takes the sealed batches off the front of `text`.
// Returns: where the last seal ends.
std::size_t ReadBatches(std::string_view text, BatchFile::Contents& contents) {
  std::size_t sealed = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    if (end == std::string_view::npos) {
      contents.why_dropped = "cut off";
      break;
    }
    const std::string_view line = text.substr(at, end + 1 - at);
    if (line.starts_with(kSealBegin)) {
      const std::string_view lines = text.substr(sealed, at - sealed);
      if (line != SealOf(lines)) {
        contents.why_dropped = "the checksum does not match";
        break;
      }
      contents.lines += lines;
      ++contents.batches;
      sealed = end + 1;
    }
    at = end + 1;
  }
  contents.dropped_bytes = text.size() - sealed;
  if (contents.dropped_bytes > 0 && contents.why_dropped.empty()) contents.why_dropped = "cut off";
  return sealed;
}

std::string DirectoryOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

BatchFile::BatchFile(std::string path, std::string header, Write write)
    : path_(std::move(path)), header_(std::move(header)), write_(std::move(write)) {}

BatchFile::~BatchFile() {
  if (fd_ >= 0) ::close(fd_);
  if (lock_ >= 0) ::close(lock_);
}

// A lock of its own, because Replace puts another file in the place of the first.
Result<void> BatchFile::Lock() {
  const std::string path = path_ + ".lock";
  lock_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) {
    Error error = SystemError("open", path, errno);
    error.kind = Error::Kind::kUnavailable;  // of a directory that is not there, too
    return error;
  }
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno != EWOULDBLOCK) return SystemError("lock", path, errno);
  return base::BadInput(path_ + " is in use by another process");
}

Result<std::unique_ptr<BatchFile>> BatchFile::Open(const std::string& path, std::string_view header,
                                                   std::uint64_t max_bytes, Contents& contents,
                                                   Write write) {
  if (!write) write = ::pwrite;
  std::unique_ptr<BatchFile> file(new BatchFile(path, std::string(header), std::move(write)));
  if (auto locked = file->Lock(); !locked) return std::move(locked).error();
  Descriptor fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (fd.get() < 0 && errno == ENOENT) return file;
  if (fd.get() < 0) return SystemError("open", path, errno);
  auto text = ReadAll(fd.get(), path, max_bytes);
  if (!text) return std::move(text).error();
  // A file that was cut off within its header is one of ours, too.
  const bool ours = std::string_view(*text).substr(0, header.size()) ==
                    header.substr(0, std::min(header.size(), text->size()));
  if (!ours) {
    return base::BadInput(base::format("is no window file, expected {} in the first line",
                                       header.substr(0, header.find('\n'))),
                          {path, 1, 0});
  }
  file->size_ = ReadBatches(*text, contents);
  if (contents.batches > 0) contents.lines.erase(0, header.size());
  // Without a whole batch there is no header to append to: the first one makes the file anew.
  if (contents.batches > 0) file->fd_ = fd.Release();
  return file;
}

Result<void> BatchFile::WriteAt(int fd, const std::string& path, std::string_view bytes,
                                std::uint64_t at) const {
  while (!bytes.empty()) {
    const ssize_t written = write_(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError("write to", path, errno);
    if (written == 0) return SystemError("write to", path, ENOSPC);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    at += static_cast<std::uint64_t>(written);
  }
  if (::fdatasync(fd) != 0) return SystemError("write to", path, errno);
  return {};
}

Result<void> BatchFile::Append(std::string_view lines) {
  struct stat status = {};
  if (fd_ < 0 || ::fstat(fd_, &status) != 0 || status.st_nlink == 0)
    return SystemError("write to", path_, ENOENT);
  std::string batch(lines);
  batch += SealOf(lines);
  auto written = WriteAt(fd_, path_, batch, size_);
  // What a longer remnant left behind would stand after the seal.
  const std::uint64_t end = written ? size_ + batch.size() : size_;
  if (status.st_size > static_cast<off_t>(end) || !written)
    (void)!::ftruncate(fd_, static_cast<off_t>(end));
  size_ = end;
  return written;
}

Result<void> BatchFile::Replace(std::string_view lines) {
  const std::string fresh = path_ + ".new";
  Descriptor fd(::open(fresh.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (fd.get() < 0) return SystemError("write to", fresh, errno);
  std::string text = header_;
  text += lines;
  text += SealOf(text);
  if (auto written = WriteAt(fd.get(), fresh, text, 0); !written) {
    ::unlink(fresh.c_str());
    return written;
  }
  if (::rename(fresh.c_str(), path_.c_str()) != 0) {
    Error error = SystemError("write to", path_, errno);
    ::unlink(fresh.c_str());
    return error;
  }
  const Descriptor directory(
      ::open(DirectoryOf(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) (void)::fsync(directory.get());
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd.Release();
  size_ = text.size();
  return {};
}

}  // namespace plimsoll::store::detail
