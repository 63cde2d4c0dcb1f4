// SPDX-License-Identifier: Apache-2.0
//
// A client that sends exactly the bytes it is told to, over a blocking socket, with TLS or without.
//
// Threads: belongs to one thread. Bounds: no call waits longer than kPatience.
#pragma once

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "support/test_pki.h"

namespace plimsoll::test {

inline constexpr int kPatience = 60;  // seconds; only a broken test waits for so long

struct RawAnswer {
  int status = 0;  // 0: the connection ended without an answer
  std::string head = {};
  std::string body = {};

  // Returns: the value of a header, "" when absent.
  std::string Header(const std::string& name) const {
    const std::size_t at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "";
    const std::size_t start = at + name.size() + 4;
    return head.substr(start, head.find("\r\n", start) - start);
  }
};

class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience = {kPatience, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  ~RawClient() {
    ssl_.reset();
    ::close(socket_);
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }

  // Returns: whether the handshake succeeded. The server's certificate must chain to `ca_pem`.
  bool StartTls(const std::string& ca_pem, const CertificateAndKey* own = nullptr,
                int max_version = 0) {
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(
        SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
    if (max_version != 0) {
      SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
      SSL_CTX_set_security_level(context.get(), 0);
      SSL_CTX_set_max_proto_version(context.get(), max_version);
    }
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()),
                        Read<X509>(ca_pem, &PEM_read_bio_X509, &X509_free).get());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    if (own != nullptr) {
      SSL_CTX_use_certificate(
          context.get(), Read<X509>(own->certificate_pem, &PEM_read_bio_X509, &X509_free).get());
      SSL_CTX_use_PrivateKey(
          context.get(),
          Read<EVP_PKEY>(own->key_pem, &PEM_read_bio_PrivateKey, &EVP_PKEY_free).get());
    }
    constexpr unsigned char kAlpn[] = "\x02h2\x08http/1.1";
    SSL_CTX_set_alpn_protos(context.get(), kAlpn, sizeof kAlpn - 1);
    ssl_ = {SSL_new(context.get()), &SSL_free};
    SSL_set_fd(ssl_.get(), socket_);
    SSL_set_tlsext_host_name(ssl_.get(), "localhost");
    return SSL_connect(ssl_.get()) == 1;
  }
  SSL* ssl() { return ssl_.get(); }

  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                             : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // Reads one answer; `head_only` as after HEAD.
  RawAnswer Receive(bool head_only = false) {
    std::size_t end = std::string::npos;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!More()) return {};
    }
    RawAnswer answer;
    answer.head = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    answer.status = std::stoi(answer.head.substr(9, 3));
    if (answer.Header("Transfer-Encoding") == "chunked") {
      if (!head_only) answer.body = ReceiveChunks();
      return answer;
    }
    const std::string length = answer.Header("Content-Length");
    const std::size_t wanted = head_only || length.empty() ? 0 : std::stoul(length);
    while (buffer_.size() < wanted) {
      if (!More()) break;
    }
    answer.body = buffer_.substr(0, wanted);
    buffer_.erase(0, wanted);
    return answer;
  }

  RawAnswer Ask(std::string_view request) {
    Send(request);
    return Receive(request.starts_with("HEAD"));
  }

  // Waits until the server closes. Returns: false when it sent something instead, or nothing in
  // time.
  bool Closed() { return buffer_.empty() && !More() && !timed_out_; }

 private:
  // Returns: what was received, cut off where the connection ended.
  std::string ReceiveChunks() {
    std::string body;
    for (;;) {
      std::size_t line = std::string::npos;
      while ((line = buffer_.find("\r\n")) == std::string::npos) {
        if (!More()) return body;
      }
      const std::size_t size = std::stoul(buffer_.substr(0, line), nullptr, 16);
      while (buffer_.size() < line + size + 4) {
        if (!More()) return body;
      }
      body += buffer_.substr(line + 2, size);
      buffer_.erase(0, line + size + 4);
      if (size == 0) return body;
    }
  }

  template <typename T, typename Reader, typename Free>
  static std::unique_ptr<T, Free> Read(const std::string& pem, Reader read, Free release) {
    BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    std::unique_ptr<T, Free> made(read(bio, nullptr, nullptr, nullptr), release);
    BIO_free(bio);
    return made;
  }
  bool More() {
    char piece[16384];
    errno = 0;
    const auto got =
        ssl_ ? SSL_read(ssl_.get(), piece, sizeof piece) : ::recv(socket_, piece, sizeof piece, 0);
    if (got <= 0) {
      timed_out_ = errno == EAGAIN || errno == EWOULDBLOCK;
      return false;
    }
    buffer_.append(piece, static_cast<std::size_t>(got));
    return true;
  }

  int socket_;
  bool connected_ = false;
  bool timed_out_ = false;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, &SSL_free};
  std::string buffer_;
};

}  // namespace plimsoll::test
