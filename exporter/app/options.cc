// SPDX-License-Identifier: Apache-2.0
//
// The command line, by CLI11.
#include "app/options.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>

#include "base/format.h"
#include "base/number_text.h"

namespace plimsoll::app {
namespace {

// Flags whose values are durations in Prometheus's form.
void AddDuration(CLI::App& app, const std::string& name, milliseconds& into,
                 const std::string& help) {
  app.add_option_function<std::string>(
         name,
         [name, &into](const std::string& text) {
           const auto duration = base::ParseDuration(text);
           if (!duration) throw CLI::ValidationError(name, duration.error().message);
           into = *duration;
         },
         help + " [" + base::FormatDuration(into) + "]")
      ->type_name("DURATION");
}

void AddConfigSource(CLI::App& app, ConfigSource& source) {
  app.add_option("--config.file", source.file, "Configuration file (docs/configuration.md)")
      ->type_name("FILE");
  app.add_option("--engine", source.engine, "Use the preset of an engine instead of a file: trino")
      ->type_name("NAME");
  app.add_option("--target", source.target, "With --engine: where the engine listens, HOST:PORT")
      ->type_name("HOST:PORT");
  app.add_option("--param", source.params, "Set a parameter of the pack (repeatable)")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void AddFeatures(CLI::App& app, std::vector<std::string>& features) {
  app.add_option("--enable-feature", features,
                 "Comma-separated: promql-delayed-name-removal, promql-experimental-functions, "
                 "promql-extended-range-selectors, promql-binop-fill-modifiers")
      ->delimiter(',')
      ->type_name("LIST");
}

void AddTestRules(CLI::App& app, TestOptions& test) {
  app.add_option("FILE", test.files, "Unit-test files in promtool's format (docs/rules.md)")
      ->required();
  app.add_option("--run", test.run, "Only tests whose name matches (repeatable)")
      ->type_name("REGEX")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_flag("--diff", test.diff, "Show only the samples that differ");
  app.add_option("--junit", test.junit, "Write the results as JUnit XML, too")->type_name("FILE");
  app.add_flag("--ignore-unknown-fields", test.ignore_unknown_fields,
               "Let rule files have keys that nobody knows");
  AddFeatures(app, test.features);
}

void AddQueryOptions(CLI::App& app, QueryOptions& query) {
  AddDuration(app, "--query.lookback-delta", query.lookback,
              "How far back an instant selector looks");
  AddDuration(app, "--query.timeout", query.timeout, "How long a query may take");
  app.add_option("--query.max-samples", query.max_samples, "Samples that a query may hold at once")
      ->capture_default_str();
  AddFeatures(app, query.features);
}

// The certificate that plimsoll keeps itself.
void AddManagedCertificates(CLI::App& app, RunOptions& run) {
  app.add_flag("--manage-certificates", run.manage_certificates,
               "Keep the serving certificate and its authority in a Secret, and the APIService's "
               "caBundle (docs/kubernetes.md)");
  app.add_option("--certificate-secret", run.certificate_secret,
                 "With --manage-certificates: the Secret, which must exist, in our namespace")
      ->capture_default_str()
      ->type_name("NAME");
  app.add_option("--certificate-service", run.certificate_service,
                 "With --manage-certificates: the Service that the certificate is for")
      ->capture_default_str()
      ->type_name("NAME");
  AddDuration(app, "--certificate-lifetime", run.certificate_lifetime,
              "Life of a managed serving certificate; it is renewed when a third is left");
  AddDuration(app, "--certificate-ca-lifetime", run.certificate_ca_lifetime,
              "Life of its authority; likewise");
  app.add_option("--kubeconfig", run.kubeconfig,
                 "API server of the Secret and the APIService (default: the pod's)")
      ->type_name("FILE");
}

// Whom the API listener asks about its callers: the flags of every extension API server.
void AddDelegation(CLI::App& app, RunOptions& run) {
  app.add_option("--authentication-kubeconfig", run.authentication_kubeconfig,
                 "API server that reviews tokens and knows whom to trust (default: the pod's)")
      ->type_name("FILE");
  app.add_option("--authorization-kubeconfig", run.authorization_kubeconfig,
                 "API server that is asked what a caller may do (default: the pod's)")
      ->type_name("FILE");
  app.add_flag("--authentication-skip-lookup", run.authentication_skip_lookup,
               "Do not read the ConfigMap kube-system/extension-apiserver-authentication");
  app.add_flag("--authentication-tolerate-lookup-failure",
               run.authentication_tolerate_lookup_failure,
               "Be ready before that ConfigMap was read");
  AddDuration(app, "--authentication-token-webhook-cache-ttl",
              run.authentication_token_webhook_cache_ttl, "How long a reviewed token is known");
  AddDuration(app, "--authorization-webhook-cache-authorized-ttl",
              run.authorization_webhook_cache_authorized_ttl,
              "How long an allowed access is known");
  AddDuration(app, "--authorization-webhook-cache-unauthorized-ttl",
              run.authorization_webhook_cache_unauthorized_ttl,
              "How long a denied access is known");
  app.add_option("--authorization-always-allow-paths", run.authorization_always_allow_paths,
                 "Paths that everybody may get; a last * stands for any end")
      ->delimiter(',')
      ->capture_default_str();
  AddDuration(app, "--shutdown-delay-duration", run.shutdown_delay,
              "How long to be unready and serve on before leaving");
}

void AddRun(CLI::App& app, RunOptions& run) {
  AddConfigSource(app, run.config);
  AddQueryOptions(app, run.query);
  app.add_option("--namespace", run.own_namespace,
                 "Namespace of metrics that name none (default: $POD_NAMESPACE, the service "
                 "account's, else 'default')")
      ->type_name("NAME");
  app.add_option("--web.listen-address", run.listen_address,
                 "Where /metrics, the query API and health answer")
      ->capture_default_str()
      ->type_name("HOST:PORT");
  app.add_option("--web.config.file", run.web_config_file,
                 "TLS, users and headers of that address, in the Prometheus exporters' format "
                 "(docs/configuration.md)")
      ->type_name("FILE");
  app.add_flag("--web.enable-lifecycle", run.enable_lifecycle,
               "Allow POST /-/reload (SIGHUP always reloads)");
  app.add_option("--web.cors.origin", run.cors_origin,
                 "Regular expression for origins whose scripts may read the query API")
      ->capture_default_str()
      ->type_name("REGEX");
  app.add_option("--web.query-concurrency", run.query_concurrency,
                 "Queries that run at once; more get 503")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  app.add_option("--bind-address", run.bind_address, "Address of the external metrics API")
      ->capture_default_str();
  app.add_option("--secure-port", run.secure_port,
                 "Port of the external metrics API; 0: off, -1: a free one")
      ->capture_default_str()
      ->check(CLI::Range(-1, 65535));
  app.add_option("--tls-cert-file", run.tls_cert_file,
                 "Serving certificate; without it the API listener is off")
      ->type_name("FILE");
  app.add_option("--tls-private-key-file", run.tls_private_key_file,
                 "Key of the serving certificate")
      ->type_name("FILE");
  AddManagedCertificates(app, run);
  app.add_option("--client-ca-file", run.client_ca_file,
                 "Client certificates of this CA are users (CN) and groups (O)")
      ->type_name("FILE");
  app.add_option("--requestheader-client-ca-file", run.requestheader_client_ca_file,
                 "Client certificates of this CA may speak for others in X-Remote-* headers")
      ->type_name("FILE");
  app.add_option("--requestheader-allowed-names", run.requestheader_allowed_names,
                 "Common names that may; empty: any of that CA")
      ->delimiter(',');
  app.add_option("--requestheader-username-headers", run.requestheader_username_headers,
                 "Header of the user's name")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--requestheader-uid-headers", run.requestheader_uid_headers,
                 "Header of the user's uid")
      ->delimiter(',');
  app.add_option("--requestheader-group-headers", run.requestheader_group_headers,
                 "Header of the user's groups")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--requestheader-extra-headers-prefix", run.requestheader_extra_headers_prefix,
                 "Prefix of headers with more about the user")
      ->delimiter(',')
      ->capture_default_str();
  AddDelegation(app, run);
  AddDuration(app, "--storage.retention.time", run.retention,
              "How long samples are kept; rules that reach further win");
  app.add_option_function<std::string>(
         "--storage.max-bytes",
         [&run](const std::string& text) {
           const auto size = base::ParseSize(text);
           if (!size) throw CLI::ValidationError("--storage.max-bytes", size.error().message);
           run.max_bytes = *size;
         },
         "Ceiling of the kept samples and series, instead of limits.max_bytes")
      ->type_name("SIZE");
  app.add_option("--storage.window-file", run.window_file,
                 "Keeps the samples and last good values here, over a restart")
      ->type_name("FILE");
  app.add_option_function<std::string>(
         "--log.level",
         [&run](const std::string& text) {
           const auto level = base::ParseLogLevel(text);
           if (!level) throw CLI::ValidationError("--log.level", level.error().message);
           run.log_level = *level;
         },
         "debug, info, warn or error [info]")
      ->type_name("LEVEL");
  app.add_flag("--once", run.once,
               "Scrape once, evaluate, print the page on standard output and leave");
}

}  // namespace

std::variant<Command, Leave> ParseCommandLine(int argc, const char* const* argv) {
  CLI::App app("plimsoll: the load line for query engines. Without a verb it runs the sidecar.",
               "plimsoll");
  app.footer("Exit codes: 0 good, 1 the input is bad, 2 usage, 3 could not reach.");
  app.set_version_flag("--version", std::string(Version()));
  RunOptions run;
  DemoOptions demo;
  CheckOptions check;
  TestOptions test;
  EvalOptions eval;
  QueryClientOptions query;
  PrintConfigOptions print;
  AddRun(app, run);

  auto* demo_app = app.add_subcommand(
      "demo", "A simulated Trino cluster under a changing load, all on loopback");
  demo_app
      ->add_option("--web.listen-address", demo.listen_address,
                   "Where to answer; port 0 takes a free one")
      ->capture_default_str();
  AddDuration(*demo_app, "--interval", demo.interval, "Scrape interval");
  AddDuration(*demo_app, "--duration", demo.duration, "Leave after this time; 0: on Ctrl-C");
  demo_app->add_flag("--plain", demo.plain, "Lines instead of a live table");

  auto* check_app = app.add_subcommand("check", "Check files without running anything");
  check_app->require_subcommand(1);
  auto* check_config = check_app->add_subcommand(
      "config", "Configuration files, the rules they name, and the window");
  check_config->add_option("FILE", check.files)->required();
  auto* check_rules = check_app->add_subcommand("rules", "Rule files");
  check_rules->add_option("FILE", check.files)->required();
  auto* check_web =
      check_app->add_subcommand("web-config", "Files of --web.config.file, and what they name");
  check_web->add_option("FILE", check.files)->required();
  auto* check_metrics =
      check_app->add_subcommand("metrics", "An exposition page on standard input");

  auto* test_app = app.add_subcommand("test", "Run tests that files describe");
  test_app->require_subcommand(1);
  AddTestRules(*test_app->add_subcommand("rules", "Unit tests of rules, as promtool runs them"),
               test);

  auto* eval_app =
      app.add_subcommand("eval", "Evaluate PromQL over recorded history, without a server");
  eval_app
      ->add_option("--data", eval.data, "History: OpenMetrics text with timestamps, or JSON lines")
      ->type_name("FILE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  AddQueryOptions(*eval_app, eval.query);
  eval_app
      ->add_option("--data.chunk-samples", eval.chunk_samples,
                   "Samples that a chunk of the store may hold: a small number is for tests")
      ->capture_default_str()
      ->check(CLI::Range(1, 255));
  AddDuration(*eval_app, "--evaluation-interval", eval.query.default_step,
              "Step of a subquery that names none");
  eval_app->add_option("--time", eval.time, "Evaluation time: seconds or RFC 3339 [now]");
  eval_app->add_option("--start", eval.start, "Range query: first step");
  eval_app->add_option("--end", eval.end, "Range query: last step");
  eval_app->add_option("--step", eval.step, "Range query: step, seconds or duration");
  eval_app
      ->add_option("EXPR", eval.expr,
                   "Expression, or - for one JSON request per line of standard input")
      ->required();

  auto* query_app = app.add_subcommand("query", "Ask a server that speaks the Prometheus HTTP API");
  query_app->require_subcommand(1);
  auto* instant = query_app->add_subcommand("instant", "At one time");
  instant->add_option("--time", query.time, "Evaluation time [now]");
  auto* range = query_app->add_subcommand("range", "At every step of a range");
  range->add_option("--start", query.start, "First step [end - 5m]");
  range->add_option("--end", query.end, "Last step [now]");
  range->add_option("--step", query.step, "Step [a 250th of the range]");
  for (CLI::App* sub : {instant, range}) {
    sub->add_option("SERVER", query.server, "http://HOST:PORT")->required();
    sub->add_option("EXPR", query.expr, "Expression")->required();
  }

  auto* print_app =
      app.add_subcommand("config", "Print the effective configuration, secrets hidden");
  AddConfigSource(*print_app, print.config);
  auto* version_app = app.add_subcommand("version", "Print version and compiler");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      const bool version = error.get_name() == "CallForVersion";
      std::string text = version ? std::string(Version()) + "\n" : std::string();
      if (!version) {
        const CLI::App* asked = &app;
        std::string before;  // the words in front of the verb that is asked about
        while (!asked->get_subcommands().empty()) {
          before += (before.empty() ? "" : " ") + asked->get_name();
          asked = asked->get_subcommands().front();
        }
        text = asked->help(before);
      }
      return Leave{kGood, text};
    }
    return Leave{kUsage,
                 fmt::format("plimsoll: {}\nRun plimsoll --help for the flags.\n", error.what())};
  }
  if (demo_app->parsed()) return Command(demo);
  if (check_app->parsed()) {
    check.what = check_config->parsed()  ? CheckOptions::What::kConfig
                 : check_rules->parsed() ? CheckOptions::What::kRules
                 : check_web->parsed()   ? CheckOptions::What::kWebConfig
                                         : CheckOptions::What::kMetrics;
    (void)check_metrics;
    return Command(check);
  }
  if (test_app->parsed()) return Command(test);
  if (eval_app->parsed()) return Command(eval);
  if (query_app->parsed()) {
    query.range = range->parsed();
    return Command(query);
  }
  if (print_app->parsed()) return Command(print);
  if (version_app->parsed()) return Command(VersionOptions{});
  if (run.config.file.empty() && run.config.engine.empty()) {
    return Leave{kUsage,
                 "plimsoll: --config.file or --engine is needed. Try plimsoll demo, or "
                 "plimsoll --engine trino --target HOST:PORT\n"};
  }
  return Command(run);
}

int ExitCode(const base::Error& error) {
  switch (error.kind) {
    case base::Error::Kind::kUnavailable:
    case base::Error::Kind::kTimeout:
      return kUnreachable;
    case base::Error::Kind::kBadInput:
    case base::Error::Kind::kNotFound:
    case base::Error::Kind::kLimit:
    case base::Error::Kind::kCanceled:
    case base::Error::Kind::kExecution:
    case base::Error::Kind::kInternal:
      return kBadInput;
  }
  return kBadInput;
}

int Fail(const base::Error& error) {
  fmt::print(stderr, "plimsoll: {}\n", error.ToString());
  return ExitCode(error);
}

std::string_view Version() { return PLIMSOLL_VERSION; }
std::string_view Compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "gcc " __VERSION__;
#endif
}

}  // namespace plimsoll::app
