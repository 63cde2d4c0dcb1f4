// SPDX-License-Identifier: Apache-2.0
//
// What the command line says: one struct per verb, with the names of the flags.
//
// Names are those of Prometheus, promtool and the Kubernetes API servers wherever they have one.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/log.h"
#include "base/result.h"

namespace plimsoll::app {

using std::chrono::milliseconds;

// Where the configuration comes from: a file, or the preset of an engine.
struct ConfigSource {
  std::string file;                 // --config.file
  std::string engine;               // --engine
  std::string target;               // --target
  std::vector<std::string> params;  // --param name=value, on top of the preset's or the file's
};

// How queries are evaluated; the same for the server, rules and `eval`.
struct QueryOptions {
  milliseconds lookback = std::chrono::minutes(5);      // --query.lookback-delta
  milliseconds timeout = std::chrono::minutes(2);       // --query.timeout
  std::uint64_t max_samples = 50'000'000;               // --query.max-samples
  milliseconds default_step = std::chrono::minutes(1);  // --evaluation-interval
  std::vector<std::string> features;                    // --enable-feature, comma-separated
};

struct RunOptions {
  ConfigSource config;
  QueryOptions query;
  std::string own_namespace;                        // --namespace; "" finds out by itself
  std::string listen_address = "0.0.0.0:7546";      // --web.listen-address
  bool enable_lifecycle = false;                    // --web.enable-lifecycle
  int query_concurrency = 4;                        // --web.query-concurrency
  std::string cors_origin = ".*";                   // --web.cors.origin: a regular expression
  std::string bind_address = "0.0.0.0";             // --bind-address, of the API listener
  int secure_port = 6443;                           // --secure-port; 0: no API listener
  std::string tls_cert_file, tls_private_key_file;  // without them there is no API listener
  bool manage_certificates = false;                 // --manage-certificates
  std::string certificate_secret = "plimsoll-serving-cert";
  std::string certificate_service = "plimsoll";
  milliseconds certificate_lifetime = std::chrono::hours(24 * 30);
  milliseconds certificate_ca_lifetime = std::chrono::hours(24 * 365);
  std::string kubeconfig;                    // --kubeconfig
  std::string web_config_file;               // --web.config.file
  std::string client_ca_file;                // --client-ca-file
  std::string requestheader_client_ca_file;  // --requestheader-client-ca-file
  std::vector<std::string> requestheader_allowed_names;
  std::vector<std::string> requestheader_username_headers = {"X-Remote-User"};
  std::vector<std::string> requestheader_uid_headers;
  std::vector<std::string> requestheader_group_headers = {"X-Remote-Group"};
  std::vector<std::string> requestheader_extra_headers_prefix = {"X-Remote-Extra-"};
  std::string authentication_kubeconfig;    // --authentication-kubeconfig
  std::string authorization_kubeconfig;     // --authorization-kubeconfig
  bool authentication_skip_lookup = false;  // --authentication-skip-lookup
  bool authentication_tolerate_lookup_failure = false;
  milliseconds authentication_token_webhook_cache_ttl = std::chrono::seconds(10);
  milliseconds authorization_webhook_cache_authorized_ttl = std::chrono::seconds(10);
  milliseconds authorization_webhook_cache_unauthorized_ttl = std::chrono::seconds(10);
  std::vector<std::string> authorization_always_allow_paths = {"/healthz", "/livez", "/readyz"};
  milliseconds shutdown_delay{0};                     // --shutdown-delay-duration
  milliseconds retention = std::chrono::minutes(15);  // --storage.retention.time
  std::optional<std::uint64_t> max_bytes;  // --storage.max-bytes, before the configuration's
  std::string window_file;                 // --storage.window-file; "": none
  base::LogLevel log_level = base::LogLevel::kInfo;  // --log.level
  bool once = false;                                 // --once
};

struct DemoOptions {
  std::string listen_address = "127.0.0.1:7546";
  milliseconds interval = std::chrono::seconds(1);  // of a scrape
  milliseconds duration{0};                         // zero: until interrupted
  bool plain = false;                               // lines instead of a live table
  std::string tls_dir;  // demo: writes its certificates here; "" makes a temporary folder
};

struct CheckOptions {
  enum class What { kConfig, kRules, kMetrics, kWebConfig };
  What what = What::kConfig;
  std::vector<std::string> files;
};

struct TestOptions {
  std::vector<std::string> files;
  std::vector<std::string> features;   // --enable-feature
  std::vector<std::string> run;        // --run REGEX: a test whose name matches one of them
  bool diff = false;                   // --diff
  std::string junit;                   // --junit FILE
  bool ignore_unknown_fields = false;  // --ignore-unknown-fields, of rule files
};

struct EvalOptions {
  std::vector<std::string> data;  // --data FILE, repeated
  QueryOptions query;
  std::string expr;  // "-": one JSON request per line of standard input
  std::string time, start, end, step;
  unsigned chunk_samples = 255;
};

struct QueryClientOptions {
  bool range = false;
  std::string server;
  std::string expr;
  std::string time, start, end, step;
};

struct PrintConfigOptions {
  ConfigSource config;
};

struct VersionOptions {};

using Command = std::variant<RunOptions, DemoOptions, CheckOptions, TestOptions, EvalOptions,
                             QueryClientOptions, PrintConfigOptions, VersionOptions>;

// What ParseCommandLine gives: a command, or text to print and the exit code to leave with.
struct Leave {
  int code = 0;
  std::string text;
};

std::variant<Command, Leave> ParseCommandLine(int argc, const char* const* argv);

// Exit codes of every verb.
constexpr int kGood = 0;
constexpr int kBadInput = 1;
constexpr int kUsage = 2;
constexpr int kUnreachable = 3;

// Returns: the exit code for an error of this kind.
int ExitCode(const base::Error& error);

// Prints the error as `plimsoll: <error>` on standard error and returns its exit code.
int Fail(const base::Error& error);

// The version, as `plimsoll version` and plimsoll_build_info show it.
std::string_view Version();
std::string_view Compiler();

}  // namespace plimsoll::app
