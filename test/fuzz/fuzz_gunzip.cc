// SPDX-License-Identifier: Apache-2.0
//
// Inflating: the output stays under the limit whatever the input, the pieces in which it comes make
// no difference, and what is compressed inflates to itself, also as the body of an answer.
#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/detail/gzip.h"
#include "http/message.h"

using plimsoll::http::detail::Gzip;
using plimsoll::http::detail::Inflater;

namespace {

// Returns: whether the stream was good. `out` has what it made.
bool Inflate(std::string_view bytes, std::size_t step, std::size_t limit, std::string& out) {
  Inflater inflater;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
    if (!inflater.Add(bytes.substr(0, step), limit, out)) return false;
  }
  return inflater.Finish().has_value();
}

// A body is compressed as the client asked, once, and only when it gets smaller.
void CheckAnswer(std::string_view body, const char* accept) {
  plimsoll::http::Request request;
  request.headers = {{"Accept-Encoding", accept}};
  plimsoll::http::Response response;
  response.body = body;
  plimsoll::http::CompressIfAccepted(request, response);
  const auto is_coded = [](const auto& header) { return header.first == "Content-Encoding"; };
  const auto coded = std::find_if(response.headers.begin(), response.headers.end(), is_coded);
  const bool is_smaller = coded != response.headers.end();
  std::string back;
  if (!is_smaller) {
    back = response.Body();
  } else if (coded->second != accept || response.Body().size() >= body.size()) {
    std::abort();
  } else if (coded->second == "gzip") {
    if (!Inflate(response.Body(), response.Body().size(), 0, back)) std::abort();
  } else {
    back.resize(body.size());
    uLongf size = back.size();
    const auto* bytes = reinterpret_cast<const Bytef*>(response.Body().data());
    if (uncompress(reinterpret_cast<Bytef*>(back.data()), &size, bytes, response.Body().size()) !=
            Z_OK ||
        size != body.size())
      std::abort();
  }
  if (back != body) std::abort();
  const auto headers = response.headers.size();
  plimsoll::http::CompressIfAccepted(request, response);
  if (is_smaller && response.headers.size() != headers) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLimit = 100000;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::string whole, pieces, back;
  const bool good = Inflate(bytes, size + 1, kLimit, whole);
  if (whole.size() >= kLimit) std::abort();
  if (Inflate(bytes, 7, kLimit, pieces) != good) std::abort();
  if (good && whole != pieces) std::abort();
  if (!Inflate(Gzip(bytes), size + 100, 0, back) || back != bytes) std::abort();
  Inflater again;
  whole.clear();
  (void)again.Add(bytes, kLimit, whole);
  again.Reset();
  back.clear();
  if (!again.Add(Gzip(bytes), 0, back) || !again.Finish() || back != bytes) std::abort();
  for (const char* accept : {"gzip", "deflate", "br"}) CheckAnswer(good ? pieces : bytes, accept);
  return 0;
}
