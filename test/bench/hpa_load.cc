// SPDX-License-Identifier: Apache-2.0
//
// A client that reads metrics as the API server does: TLS with a client certificate, one request
// after another on each connection, or a new connection for each. Prints one line of JSON;
// measure.py adds the server's CPU.
//
// usage: hpa_load ADDRESS:PORT PATH CERT KEY CONNECTIONS SECONDS [METRICS [new]]
// PATH may contain "{}", which becomes a number below METRICS (1000) that counts up, so that not
// one metric alone is asked for. The first second is not counted. A new connection's time begins
// before it is made. Any answer but 200 ends the program.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void Fail(const std::string& why) {
  std::fprintf(stderr, "hpa_load: %s\n", why.c_str());
  std::exit(1);
}

struct Job {
  SSL_CTX* context = nullptr;
  sockaddr_in address = {};
  std::string path;
  int metrics = 1000;
  bool anew = false;
  Clock::time_point from = {}, until = {};
};

sockaddr_in AddressOf(const std::string& text) {
  const std::size_t colon = text.find(':');
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(
      static_cast<std::uint16_t>(std::atoi(text.c_str() + std::min(colon, text.size() - 1) + 1)));
  if (inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1)
    Fail("expected ADDRESS:PORT, found " + text);
  return address;
}

SSL* Connect(const Job& job) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in& address = job.address;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    Fail("cannot connect");
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  SSL* tls = SSL_new(job.context);
  SSL_set_fd(tls, fd);
  if (SSL_connect(tls) != 1) Fail("the TLS handshake failed");
  return tls;
}

// One answer with a Content-Length.
void ReadAnswer(SSL* tls, std::string& buffer) {
  buffer.clear();
  std::size_t need = std::string::npos;
  char piece[16384];
  while (need == std::string::npos || buffer.size() < need) {
    const int got = SSL_read(tls, piece, sizeof piece);
    if (got <= 0) Fail("the connection ended");
    buffer.append(piece, static_cast<std::size_t>(got));
    const std::size_t end = buffer.find("\r\n\r\n");
    if (need != std::string::npos || end == std::string::npos) continue;
    if (buffer.compare(8, 5, " 200 ") != 0) Fail("not 200: " + buffer);
    std::string head = buffer.substr(0, end);
    std::transform(head.begin(), head.end(), head.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    constexpr std::string_view kLength = "\r\ncontent-length: ";
    const std::size_t at = head.find(kLength);
    if (at == std::string::npos) Fail("no Content-Length");
    need = end + 4 + std::strtoul(head.c_str() + at + kLength.size(), nullptr, 10);
  }
}

// The server, which was told to, closes first: its end waits for the network, not ours.
void Close(SSL* tls, bool wait) {
  char rest[64];
  while (wait && SSL_read(tls, rest, sizeof rest) > 0) {
  }
  const int fd = SSL_get_fd(tls);
  SSL_free(tls);
  close(fd);
}

std::vector<double> Ask(const Job& job, int first) {
  SSL* tls = nullptr;
  const std::size_t hole = job.path.find("{}");
  std::vector<double> milliseconds;
  std::string request, answer;
  for (int n = first % job.metrics;; n = (n + 1) % job.metrics) {
    std::string asked = job.path;
    if (hole != std::string::npos) asked.replace(hole, 2, std::to_string(n));
    request = "GET " + asked +
              " HTTP/1.1\r\nHost: plimsoll\r\nAccept: application/json, */*\r\n"
              "User-Agent: kube-controller-manager\r\n";
    if (job.anew) request += "Connection: close\r\n";
    request += "\r\n";
    const auto begin = Clock::now();
    if (begin >= job.until) break;
    if (tls == nullptr) tls = Connect(job);
    if (SSL_write(tls, request.data(), static_cast<int>(request.size())) <= 0) Fail("cannot write");
    ReadAnswer(tls, answer);
    const std::chrono::duration<double, std::milli> took = Clock::now() - begin;
    if (begin >= job.from) milliseconds.push_back(took.count());
    if (job.anew) Close(std::exchange(tls, nullptr), true);
  }
  if (tls != nullptr) Close(tls, false);
  return milliseconds;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 7 || argc > 9)
    Fail("usage: hpa_load ADDRESS:PORT PATH CERT KEY CONNECTIONS SECONDS [METRICS [new]]");
  signal(SIGPIPE, SIG_IGN);
  Job job{
      .context = SSL_CTX_new(TLS_client_method()), .address = AddressOf(argv[1]), .path = argv[2]};
  if (SSL_CTX_use_certificate_chain_file(job.context, argv[3]) != 1 ||
      SSL_CTX_use_PrivateKey_file(job.context, argv[4], SSL_FILETYPE_PEM) != 1)
    Fail("cannot read the client certificate");
  const int connections = std::atoi(argv[5]);
  if (argc > 7) job.metrics = std::max(1, std::atoi(argv[7]));
  job.anew = argc > 8;
  job.from = Clock::now() + std::chrono::seconds(1);
  job.until = job.from + std::chrono::seconds(std::atoi(argv[6]));
  std::vector<std::vector<double>> times(static_cast<std::size_t>(connections));
  std::vector<std::thread> threads;
  for (int i = 0; i < connections; ++i)
    threads.emplace_back([&, i] { times[static_cast<std::size_t>(i)] = Ask(job, i * 37); });
  for (std::thread& thread : threads) thread.join();
  std::vector<double> all;
  for (const auto& some : times) all.insert(all.end(), some.begin(), some.end());
  if (all.empty()) Fail("no answer within the time");
  std::sort(all.begin(), all.end());
  const auto at = [&](double q) {
    return all[std::min(all.size() - 1,
                        static_cast<std::size_t>(q * static_cast<double>(all.size())))];
  };
  std::printf(
      "{\"requests\": %zu, \"p50_ms\": %.4f, \"p90_ms\": %.4f, \"p99_ms\": %.4f, \"max_ms\": "
      "%.4f}\n",
      all.size(), at(0.5), at(0.9), at(0.99), all.back());
  return 0;
}
