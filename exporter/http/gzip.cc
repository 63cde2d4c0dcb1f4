// SPDX-License-Identifier: Apache-2.0
//
// zlib behind two calls, and the choice to compress an answer.
#include "http/detail/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <new>
#include <utility>

#include "http/message.h"

namespace plimsoll::http {
namespace detail {
namespace {

constexpr int kGzipOnly = 15 + 16;   // zlib's window bits for "a gzip header and nothing else"
constexpr int kZlib = 15;            // likewise for a zlib header
constexpr std::size_t kPays = 1024;  // below, the header and the reader's work eat the gain

// One deflate state per thread: setting it up costs more than compressing a small page.
class Deflater {
 public:
  explicit Deflater(int window_bits) {
    if (deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
      throw std::bad_alloc();
  }
  ~Deflater() { deflateEnd(&stream_); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  std::string Run(std::string_view text) {
    deflateReset(&stream_);
    std::string out(deflateBound(&stream_, text.size()), '\0');
    std::size_t written = 0;
    // zlib counts in unsigned int, so long texts go in pieces.
    for (bool more = true; more;) {
      const std::size_t piece = std::min<std::size_t>(text.size(), 1U << 30);
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
      stream_.avail_in = static_cast<uInt>(piece);
      text.remove_prefix(piece);
      more = !text.empty();
      do {
        if (written == out.size()) out.resize(out.size() + 4096);
        const auto room = static_cast<uInt>(std::min<std::size_t>(out.size() - written, 1U << 30));
        stream_.next_out = reinterpret_cast<Bytef*>(out.data() + written);
        stream_.avail_out = room;
        deflate(&stream_, more ? Z_NO_FLUSH : Z_FINISH);
        written += room - stream_.avail_out;
      } while (stream_.avail_out == 0);
    }
    out.resize(written);
    return out;
  }

 private:
  z_stream stream_ = {};
};

}  // namespace

std::string Gzip(std::string_view text) {
  thread_local Deflater deflater(kGzipOnly);
  return deflater.Run(text);
}

std::string Deflate(std::string_view text) {
  thread_local Deflater deflater(kZlib);
  return deflater.Run(text);
}

struct Inflater::State {
  State() {
    if (inflateInit2(&stream, kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  ~State() { inflateEnd(&stream); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  z_stream stream = {};
  bool inside = true;  // a member was begun (or nothing came yet) and has not ended
};

Inflater::Inflater() : state_(std::make_unique<State>()) {}
Inflater::~Inflater() = default;

void Inflater::Reset() {
  inflateReset(&state_->stream);
  state_->inside = true;
}

base::Result<void> Inflater::Add(std::string_view piece, std::size_t limit, std::string& out) {
  z_stream& stream = state_->stream;
  std::array<char, 16384> buffer;
  while (!piece.empty()) {
    if (!state_->inside) {  // a gzip file may be several members, one after another
      inflateReset(&stream);
      state_->inside = true;
    }
    const std::size_t offered = std::min<std::size_t>(piece.size(), 1U << 30);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream.avail_in = static_cast<uInt>(offered);
    int code = Z_OK;
    do {
      stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
      stream.avail_out = static_cast<uInt>(buffer.size());
      code = inflate(&stream, Z_NO_FLUSH);
      if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
        return base::BadInput(std::string("gzip: ") +
                              (stream.msg != nullptr ? stream.msg : "invalid stream"));
      }
      const std::size_t produced = buffer.size() - stream.avail_out;
      if (limit != 0 && out.size() + produced >= limit) {
        return base::Error{base::Error::Kind::kLimit, "body size limit exceeded"};
      }
      out.append(buffer.data(), produced);
    } while (code == Z_OK && stream.avail_out == 0);
    piece.remove_prefix(offered - stream.avail_in);
    if (code == Z_STREAM_END) state_->inside = false;
    if (code == Z_BUF_ERROR && stream.avail_in != 0) return base::BadInput("gzip: no progress");
  }
  return {};
}

base::Result<void> Inflater::Finish() const {
  if (state_->inside) return base::BadInput("gzip: unexpected end of the stream");
  return {};
}

}  // namespace detail

void CompressIfAccepted(const Request& request, Response& response) {
  if (response.Body().size() < detail::kPays && !response.rest) return;
  for (const auto& [name, value] : response.headers) {
    if (name == "Content-Encoding") return;
  }
  response.headers.emplace_back("Vary", "Accept-Encoding");
  const std::string_view accept = request.Header("Accept-Encoding");
  const bool gzip = AcceptsEncoding(accept, "gzip");
  if (!gzip && !AcceptsEncoding(accept, "deflate")) return;
  Complete(response);
  std::string compressed = gzip ? detail::Gzip(response.Body()) : detail::Deflate(response.Body());
  if (compressed.size() >= response.Body().size()) return;
  response.headers.emplace_back("Content-Encoding", gzip ? "gzip" : "deflate");
  response.body = std::move(compressed);
  response.shared_body.reset();
}

}  // namespace plimsoll::http
