// SPDX-License-Identifier: Apache-2.0
//
// Reads and writes of a non-blocking socket, translated to what the caller must wait for.
#include "http/detail/transport.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

namespace plimsoll::http::detail {
namespace {

int SocketOf(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK; }

int BioWrite(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const auto sent = send(SocketOf(bio), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (sent < 0 && (WouldBlock() || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int BioRead(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  const auto got = recv(SocketOf(bio), into, static_cast<std::size_t>(size), 0);
  if (got < 0 && (WouldBlock() || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}

long BioControl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* SocketMethod() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "plimsoll socket");
    if (made == nullptr) throw std::bad_alloc();
    BIO_meth_set_write(made, &BioWrite);
    BIO_meth_set_read(made, &BioRead);
    BIO_meth_set_ctrl(made, &BioControl);
    return made;
  }();
  return method;
}

}  // namespace

void SslFree::operator()(ssl_st* ssl) const { SSL_free(ssl); }

Transport::Transport(int socket, SslPtr ssl) : socket_(socket), ssl_(std::move(ssl)) {
  if (!ssl_) return;
  BIO* bio = BIO_new(SocketMethod());
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
}

Transport::Io Transport::Explain(int result) {
  saved_errno_ = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Io::kWantRead;
    case SSL_ERROR_WANT_WRITE:
      return Io::kWantWrite;
    case SSL_ERROR_ZERO_RETURN:
      return Io::kClosed;
    default:
      ssl_error_ = ERR_peek_last_error();
      return Io::kFailed;
  }
}

Transport::Io Transport::Handshake() {
  if (!ssl_) return Io::kDone;
  ERR_clear_error();
  errno = 0;
  const int result = SSL_do_handshake(ssl_.get());
  return result == 1 ? Io::kDone : Explain(result);
}

Transport::Io Transport::Read(char* into, std::size_t room, std::size_t& got) {
  got = 0;
  if (ssl_) {
    ERR_clear_error();
    errno = 0;
    const int result = SSL_read_ex(ssl_.get(), into, room, &got);
    return result == 1 ? Io::kDone : Explain(result);
  }
  for (;;) {
    const auto result = recv(socket_, into, room, 0);
    if (result > 0) {
      got = static_cast<std::size_t>(result);
      return Io::kDone;
    }
    if (result == 0) return Io::kClosed;
    if (WouldBlock()) return Io::kWantRead;
    if (errno == EINTR) continue;
    saved_errno_ = errno;
    return Io::kFailed;
  }
}

Transport::Io Transport::Write(std::string_view bytes, std::size_t& put) {
  put = 0;
  if (ssl_) {
    ERR_clear_error();
    errno = 0;
    const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &put);
    return result == 1 ? Io::kDone : Explain(result);
  }
  for (;;) {
    const auto result = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (result >= 0) {
      put = static_cast<std::size_t>(result);
      return Io::kDone;
    }
    if (WouldBlock()) return Io::kWantWrite;
    if (errno == EINTR) continue;
    saved_errno_ = errno;
    return Io::kFailed;
  }
}

bool Transport::Pending() const { return ssl_ && SSL_has_pending(ssl_.get()) == 1; }

bool Transport::HasReceived() const {
  return ssl_ && BIO_number_read(SSL_get_rbio(ssl_.get())) > 0;
}

// The context's callback notes it (tls_context.cc).
bool Transport::Renegotiates() const { return ssl_ && SSL_get_app_data(ssl_.get()) != nullptr; }

void Transport::SayGoodbye() {
  if (ssl_ && SSL_is_init_finished(ssl_.get())) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
}

std::string Transport::ErrorText() const {
  if (ssl_) {
    const long verify = SSL_get_verify_result(ssl_.get());
    if (verify != X509_V_OK)
      return std::string("certificate: ") + X509_verify_cert_error_string(verify);
    if (ssl_error_ != 0) {
      const char* reason = ERR_reason_error_string(ssl_error_);
      return reason != nullptr ? reason : "TLS failure";
    }
  }
  return saved_errno_ != 0 ? std::strerror(saved_errno_) : "EOF";
}

}  // namespace plimsoll::http::detail
