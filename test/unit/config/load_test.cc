// SPDX-License-Identifier: Apache-2.0
//
// prometheus.yml's part: defaults, inheritance, validation, and files that the file names.
#include "config/load.h"

#include <doctest/doctest.h>

#include "unit/config/loading.h"

using namespace plimsoll;
using namespace plimsoll::config;
using plimsoll::test::ErrorsOf;
using plimsoll::test::LoadGood;
using plimsoll::test::World;
using namespace std::chrono_literals;

namespace {

// Errors of a scrape configuration that has `lines` behind its job_name.
std::string JobErrors(std::string_view lines) {
  return ErrorsOf("scrape_configs:\n- job_name: j\n" + std::string(lines));
}
ScrapeConfig Job(std::string_view lines) {
  return LoadGood("scrape_configs:\n- job_name: j\n" + std::string(lines))->scrape_configs.at(0);
}

}  // namespace

TEST_CASE("an empty file is a configuration with Prometheus's defaults") {
  const auto config = LoadGood("");
  CHECK(config->global.scrape_interval == 1min);
  CHECK(config->global.scrape_timeout == 10s);
  CHECK_FALSE(config->global.evaluation_interval);
  CHECK(config->max_window == 24h);
  CHECK(config->scrape_configs.empty());
  const ScrapeConfig job = Job("");
  CHECK(job.metrics_path == "/metrics");
  CHECK(job.scheme == "http");
  CHECK(job.collector == "exposition");
  CHECK(job.honor_timestamps);
  CHECK_FALSE(job.honor_labels);
  CHECK(job.enable_compression);
  CHECK(job.http.follow_redirects);
  CHECK(job.scrape_protocols == ScrapeConfig().scrape_protocols);
}

TEST_CASE(
    "a job takes from global what it does not say, and the timeout never exceeds the interval") {
  const auto config = LoadGood(
      "global: {scrape_interval: 20s, sample_limit: 5, target_limit: 7, body_size_limit: 1KB,\n"
      "  scrape_protocols: [PrometheusText0.0.4], extra_scrape_metrics: true}\n"
      "scrape_configs:\n"
      "- {job_name: a}\n"
      "- {job_name: b, scrape_interval: 5s, sample_limit: 6, scrape_protocols: "
      "[OpenMetricsText1.0.0],\n"
      "   extra_scrape_metrics: false}\n"
      "- {job_name: c, scrape_timeout: 15s, sample_limit: 0}\n");
  const auto& jobs = config->scrape_configs;
  CHECK(jobs[0].scrape_interval == 20s);
  CHECK(jobs[0].scrape_timeout == 10s);
  CHECK(jobs[0].limits.samples == 5);
  CHECK(jobs[0].limits.targets == 7);
  CHECK(jobs[0].limits.body_size == 1024);
  CHECK(jobs[0].scrape_protocols == std::vector{ScrapeProtocol::kText0_0_4});
  CHECK(jobs[0].extra_scrape_metrics);
  CHECK(jobs[1].scrape_interval == 5s);
  CHECK(jobs[1].scrape_timeout == 5s);
  CHECK(jobs[1].limits.samples == 6);
  CHECK(jobs[1].scrape_protocols == std::vector{ScrapeProtocol::kOpenMetrics1_0_0});
  CHECK_FALSE(jobs[1].extra_scrape_metrics);
  CHECK(jobs[2].scrape_timeout == 15s);
  CHECK(jobs[2].limits.samples == 5);  // zero is "not set", as in Prometheus
}

TEST_CASE("a timeout above the interval is an error") {
  CHECK(ErrorsOf("global: {scrape_interval: 5s, scrape_timeout: 6s}\n") ==
        "f:1:47: global scrape timeout greater than scrape interval");
  CHECK(
      JobErrors("  scrape_interval: 5s\n  scrape_timeout: 6s\n") ==
      "f:4:19: scrape timeout greater than scrape interval for scrape config with job name \"j\"");
}

TEST_CASE("a job has a name of its own") {
  CHECK(ErrorsOf("scrape_configs: [{job_name: ''}]") == "f:1:29: job_name is empty");
  CHECK(ErrorsOf("scrape_configs: [{}]") == "f:1:18: job_name is empty");
  CHECK(ErrorsOf("scrape_configs:\n-\n") == "f:3:1: empty or null scrape config section");
  CHECK(ErrorsOf("scrape_configs:\n- job_name: a\n- job_name: a\n") ==
        "f:3:3: found multiple scrape configs with job name \"a\", first found in f:2:3");
}

TEST_CASE("what Prometheus has and plimsoll has not is refused by name") {
  for (const std::string section :
       {"alerting", "remote_write", "remote_read", "tracing", "otlp", "runtime"}) {
    const std::string errors = ErrorsOf(section + ": {}\n");
    CHECK_MESSAGE(
        errors.starts_with("f:1:1: section '" + section + "' is not supported by plimsoll: "),
        errors);
  }
  for (const std::string section : {"dns", "http", "consul", "ec2"}) {
    CHECK(JobErrors("  " + section + "_sd_configs: []\n") ==
          "f:3:3: '" + section +
              "_sd_configs' is not supported by plimsoll: use static_configs, file_sd_configs or "
              "kubernetes_sd_configs");
  }
  for (const std::string key :
       {"proxy_url", "no_proxy", "proxy_from_environment", "proxy_connect_header"}) {
    CHECK(JobErrors("  " + key + ": x\n") ==
          "f:3:3: '" + key + "' is not supported by plimsoll: it scrapes the engine beside it");
  }
  CHECK(JobErrors("  oauth2: {}\n") ==
        "f:3:3: 'oauth2' is not supported by plimsoll: use authorization with credentials_file");
  CHECK(ErrorsOf("storage: {tsdb: {}}\n") ==
        "f:1:11: 'storage.tsdb' is not supported by plimsoll: it keeps a window in memory "
        "(storage.max_window, limits)");
  CHECK(ErrorsOf("global: {query_log_file: x}\n") ==
        "f:1:10: 'query_log_file' is not supported by plimsoll: it writes no files of its own");
}

TEST_CASE("an unknown key names the nearest one") {
  CHECK(ErrorsOf("global:\n  scrape_intervall: 5s\n") ==
        "f:2:3: global: unknown key 'scrape_intervall', did you mean 'scrape_interval'?");
  CHECK(ErrorsOf("scrape_config: []\n") ==
        "f:1:1: the configuration: unknown key 'scrape_config', did you mean 'scrape_configs'?");
  CHECK(JobErrors("  consult_sd_configs: []\n") ==
        "f:3:3: scrape_configs: unknown key 'consult_sd_configs', did you mean 'file_sd_configs'?");
}

TEST_CASE("the environment is expanded in external labels alone") {
  const World world{.environment = {{"TEST", "bar"}, {"A_1", "x"}, {"1", "one"}}};
  const auto config = LoadGood(
      "global:\n  external_labels:\n"
      "    a: foo\n    b: ${TEST}\n    c: foo${TEST}baz\n    d: foo$${TEST}\n    e: foo$$bar\n"
      "    f: $A_1-$TEST\n    g: a$\n    h: a$ b\n    i: x${}y\n    j: x${TEST\n    k: $12\n"
      "scrape_configs: [{job_name: $TEST}]\n",
      world);
  CHECK(config->global.external_labels.ToString() ==
        "{a=\"foo\", b=\"bar\", c=\"foobarbaz\", d=\"foo${TEST}\", e=\"foo$bar\", f=\"x-bar\", "
        "g=\"a$\", h=\"a$ b\", "
        "i=\"xy\", j=\"xTEST\", k=\"one2\"}");
  CHECK(config->scrape_configs[0].job_name == "$TEST");
  CHECK(config->warnings.empty());
  const auto unset = LoadGood("global: {external_labels: {a: $NOPE}}\n");
  CHECK(unset->global.external_labels.empty());
  REQUIRE(unset->warnings.size() == 1);
  CHECK(unset->warnings[0].ToString() ==
        "f:1:31: external label a: environment variable NOPE is not set");
}

TEST_CASE("rule files are read once, in order, each once") {
  const World world{.files = {{"/etc/p/a.yml", "A"}, {"/etc/p/b.yml", "B"}, {"/x.yml", "X"}}};
  const auto loaded =
      LoadAll("rule_files: [/x.yml, '*.yml', b.yml]\n", "f", world.Options("/etc/p"));
  REQUIRE(loaded.config != nullptr);
  CHECK(loaded.config->rule_files == std::vector<std::string>{"/x.yml", "*.yml", "b.yml"});
  std::string read;
  for (const RuleFile& file : loaded.config->rules) read += file.name + "=" + file.text + " ";
  CHECK(read == "/x.yml=X /etc/p/a.yml=A /etc/p/b.yml=B ");
}

TEST_CASE("a pattern that is not one is an error, one that matches nothing a warning") {
  CHECK(ErrorsOf("rule_files: [a.yml, 'my/*/rule']\n") ==
        "f:1:21: invalid rule file path \"my/*/rule\"");
  const auto config = LoadGood("rule_files: [none.yml]\n");
  REQUIRE(config->warnings.size() == 1);
  CHECK(config->warnings[0].ToString() == "f:1:14: 'rule_files': no file matches \"none.yml\"");
  CHECK(ErrorsOf("rule_files: ['pack:nosuch/*.yml']\n") ==
        "f:1:14: 'rule_files': no file matches \"pack:nosuch/*.yml\"");
}

TEST_CASE("the number of rule files is bounded, and the last allowed one is allowed") {
  World world;
  for (int i = 0; i < 3; ++i) world.files["r" + std::to_string(i) + ".yml"] = "groups: []";
  LoadOptions options = world.Options();
  options.rule_files = 3;
  CHECK(LoadAll("rule_files: ['r*.yml']", "f", options).config != nullptr);
  options.rule_files = 2;
  const auto loaded = LoadAll("rule_files: ['r*.yml']", "f", options);
  REQUIRE(loaded.errors.size() == 1);
  CHECK(loaded.errors[0].kind == base::Error::Kind::kLimit);
  CHECK(loaded.errors[0].ToString() == "f:1:13: rule_files name 3 files, more than 2");
}

TEST_CASE("scrape configurations may lie in files of their own") {
  const World world{
      .files = {{"d/a.yml", "scrape_configs:\n- job_name: a\n  bearer_token_file: token\n"},
                {"d/dup.yml", "scrape_configs:\n- job_name: main\n"},
                {"d/bad.yml", "scrape_configs:\n- job_name: x\n  schema: http\nglobal: {}\n"}}};
  const auto config =
      LoadGood("global: {scrape_interval: 7s}\nscrape_config_files: [d/a.yml]\n", world);
  CHECK(config->scrape_configs.at(0).scrape_interval == 7s);
  CHECK(config->scrape_configs.at(0).http.authorization->credentials.file == "d/token");
  CHECK(
      ErrorsOf("scrape_configs: [{job_name: main}]\nscrape_config_files: [d/dup.yml]\n", world) ==
      "d/dup.yml:2:3: found multiple scrape configs with job name \"main\", first found in f:1:18");
  CHECK(ErrorsOf("scrape_config_files: [d/bad.yml]\n", world) ==
        "d/bad.yml:3:3: scrape_configs: unknown key 'schema', did you mean 'scheme'?\n"
        "d/bad.yml:4:1: a scrape config file: unknown key 'global'");
  CHECK(
      ErrorsOf("scrape_config_files: [d/a.yml, d/a.yml]\n", world) ==
      "d/a.yml:2:3: found multiple scrape configs with job name \"a\", first found in d/a.yml:2:3");
}

TEST_CASE("the streams that the Pravega collector reads are a scope and a name") {
  const auto errors = [](std::string_view stream) {
    return JobErrors("  collector: pravega\n  params: {stream: [" + std::string(stream) + "]}\n");
  };
  for (const char* good : {"test/stream", "test/*", "'*'", "a/b, c/d"}) CHECK(errors(good) == "");
  for (const char* bad : {"test", "/stream", "test/", "a/b/c", "a/b, c"})
    CHECK_MESSAGE(
        errors(bad).find("stream: expected SCOPE/STREAM, SCOPE/* or *") != std::string::npos, bad);
  // Another target's params are its own business.
  CHECK(JobErrors("  params: {stream: [test]}\n") == "");
}

TEST_CASE("scrape protocols are known, in order and not repeated") {
  const std::string supported =
      "supported: [OpenMetricsText0.0.1 OpenMetricsText1.0.0 OpenMetricsText2.0.0 PrometheusProto "
      "PrometheusText0.0.4 PrometheusText1.0.0]";
  CHECK(JobErrors("  scrape_protocols: [text]\n") ==
        "f:3:21: scrape_protocols: unknown scrape protocol text, " + supported +
            " for scrape config with job name \"j\"");
  CHECK(JobErrors("  scrape_protocols: []\n") ==
        "f:3:21: scrape_protocols cannot be empty for scrape config with job name \"j\"");
  CHECK(JobErrors("  scrape_protocols: [PrometheusText0.0.4, PrometheusText0.0.4]\n") ==
        "f:3:21: duplicated protocol in scrape_protocols, got [PrometheusText0.0.4 "
        "PrometheusText0.0.4] for scrape "
        "config with job name \"j\"");
  CHECK(ErrorsOf("global: {scrape_protocols: []}\n") ==
        "f:1:28: scrape_protocols cannot be empty for global config");
  CHECK(JobErrors("  fallback_scrape_protocol: text\n") ==
        "f:3:29: invalid fallback_scrape_protocol for scrape config with job name \"j\": unknown "
        "scrape protocol text, " +
            supported);
  CHECK(Job("  fallback_scrape_protocol: PrometheusText0.0.4\n").fallback_scrape_protocol ==
        ScrapeProtocol::kText0_0_4);
}

TEST_CASE("a format that plimsoll cannot read is not offered, and alone is an error") {
  const auto config = LoadGood(
      "scrape_configs:\n- {job_name: j, scrape_protocols: [PrometheusProto, "
      "PrometheusText0.0.4]}\n");
  CHECK(config->scrape_configs[0].scrape_protocols == std::vector{ScrapeProtocol::kText0_0_4});
  REQUIRE(config->warnings.size() == 1);
  CHECK(config->warnings[0].message ==
        "scrape_protocols: PrometheusProto is not offered to targets: plimsoll reads the text "
        "formats");
  CHECK(JobErrors("  scrape_protocols: [PrometheusProto]\n") ==
        "f:3:21: scrape_protocols: plimsoll reads the text formats only, and none of them is "
        "listed for scrape config "
        "with job name \"j\"");
  CHECK(JobErrors("  fallback_scrape_protocol: PrometheusProto\n") ==
        "f:3:29: 'fallback_scrape_protocol': PrometheusProto is not supported by plimsoll: it "
        "reads the text formats");
}

TEST_CASE("native histograms are accepted and said to have no effect") {
  const auto config = LoadGood(
      "global: {scrape_native_histograms: true, always_scrape_classic_histograms: false}\n");
  REQUIRE(config->warnings.size() == 1);
  CHECK(config->warnings[0].ToString() ==
        "f:1:36: 'scrape_native_histograms' has no effect: plimsoll keeps classic histograms only");
}

TEST_CASE("names are UTF-8 or legacy") {
  CHECK(Job("").names == NameScheme::kUtf8);
  CHECK(Job("  metric_name_validation_scheme: legacy\n").escaping == NameEscaping::kUnderscores);
  CHECK(Job("  metric_name_escaping_scheme: values\n").escaping == NameEscaping::kValues);
  CHECK(JobErrors("  metric_name_validation_scheme: x\n") ==
        "f:3:34: unrecognized ValidationScheme: \"x\", expected utf8 or legacy");
  CHECK(JobErrors("  metric_name_escaping_scheme: x\n") ==
        "f:3:32: unknown scrape config name escaping method specified, must be one of "
        "'allow-utf-8', 'underscores', "
        "'dots', or 'values', got \"x\"");
  CHECK(JobErrors("  metric_name_validation_scheme: legacy\n  metric_name_escaping_scheme: "
                  "allow-utf-8\n") ==
        "f:2:3: utf8 metric names requested but validation scheme is not set to UTF8");
  CHECK(ErrorsOf("global: {metric_name_validation_scheme: legacy, external_labels: {a.b: c}}\n") ==
        "f:1:67: \"a.b\" is not a valid label name");
  CHECK(ErrorsOf("global: {external_labels: {a.b: c}}\n").empty());
}

TEST_CASE("authentication is of one kind") {
  const auto auth = Job("  bearer_token: secret\n").http.authorization;
  REQUIRE(auth);
  CHECK(auth->type == "Bearer");
  CHECK(auth->credentials.value == "secret");
  CHECK(Job("  authorization: {type: ' Token ', credentials: x}\n").http.authorization->type ==
        "Token");
  CHECK(JobErrors("  bearer_token: a\n  bearer_token_file: b\n") ==
        "f:4:22: at most one of bearer_token & bearer_token_file must be configured");
  CHECK(JobErrors("  bearer_token: a\n  basic_auth: {username: u}\n") ==
        "f:4:15: at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be "
        "configured");
  CHECK(JobErrors("  basic_auth: {username: u}\n  authorization: {credentials: c}\n") ==
        "f:4:18: at most one of basic_auth, oauth2 & authorization must be configured");
  CHECK(JobErrors("  bearer_token: a\n  authorization: {credentials: c}\n") ==
        "f:4:18: authorization is not compatible with bearer_token & bearer_token_file");
  CHECK(JobErrors("  authorization: {type: bAsIc}\n") ==
        "f:3:18: authorization type cannot be set to \"basic\", use \"basic_auth\" instead");
  CHECK(JobErrors("  authorization: {credentials: a, credentials_file: b}\n") ==
        "f:3:18: at most one of authorization credentials & credentials_file must be configured");
  CHECK(JobErrors("  basic_auth: {username: a, username_file: b}\n") ==
        "f:3:15: at most one of basic_auth username, username_file & username_ref must be "
        "configured");
  CHECK(JobErrors("  basic_auth: {password: a, password_file: b}\n") ==
        "f:3:15: at most one of basic_auth password, password_file & password_ref must be "
        "configured");
  CHECK(JobErrors("  basic_auth: {password_ref: a}\n") ==
        "f:3:16: references to a secret manager are not supported by plimsoll: use a file");
}

TEST_CASE("TLS wants a certificate with its key, and one of each") {
  CHECK(JobErrors("  tls_config: {cert_file: a}\n") ==
        "f:3:15: exactly one of key or key_file must be configured when a client certificate is "
        "configured");
  CHECK(JobErrors("  tls_config: {key_file: a}\n") ==
        "f:3:15: exactly one of cert or cert_file must be configured when a client key is "
        "configured");
  CHECK(JobErrors("  tls_config: {ca: a, ca_file: b}\n") ==
        "f:3:15: at most one of ca, ca_file & ca_ref must be configured");
  CHECK(JobErrors("  tls_config: {min_version: TLS1}\n") ==
        "f:3:29: 'min_version': unknown TLS version: TLS1, expected TLS10, TLS11, TLS12 or TLS13");
  CHECK(JobErrors("  tls_config: {min_version: TLS13, max_version: TLS12}\n") ==
        "f:3:15: tls_config.max_version must be greater than or equal to tls_config.min_version if "
        "both are specified");
  const TlsConfig tls =
      Job("  tls_config: {cert_file: c.pem, key_file: k.pem, server_name: x}\n").http.tls;
  CHECK(tls.cert_file == "c.pem");
  CHECK(tls.key.file == "k.pem");
  CHECK(tls.server_name == "x");
}

TEST_CASE("relative paths are relative to the file") {
  const World world;
  const auto loaded = LoadAll(
      "scrape_configs:\n- job_name: j\n  bearer_token_file: t\n  tls_config: {ca_file: "
      "/abs/ca.pem}\n"
      "  file_sd_configs: [{files: ['sd/*.json', ../up.yml]}]\n",
      "/etc/p/f.yml", world.Options("/etc/p"));
  REQUIRE(loaded.config != nullptr);
  const ScrapeConfig& job = loaded.config->scrape_configs[0];
  CHECK(job.http.authorization->credentials.file == "/etc/p/t");
  CHECK(job.http.tls.ca_file == "/abs/ca.pem");
  CHECK(job.file_sd_configs[0].files ==
        std::vector<std::string>{"/etc/p/sd/*.json", "/etc/up.yml"});
}

TEST_CASE("headers have good names that are not taken") {
  const auto headers =
      Job("  http_headers: {x-trino-user: {values: [plimsoll]}}\n").http.http_headers;
  REQUIRE(headers.size() == 1);
  CHECK(headers[0].name == "X-Trino-User");
  CHECK(JobErrors("  http_headers: {authorization: {values: [x]}}\n") ==
        "f:3:18: setting header \"Authorization\" is not allowed");
  CHECK(JobErrors("  http_headers: {'a b': {values: [x]}}\n") ==
        "f:3:18: \"a b\" is not a valid header name");
  CHECK(JobErrors("  http_headers: {a: {values: [\"x\\r\\nb: y\"]}}\n") ==
        "f:3:21: the value of a header must be one line");
}

TEST_CASE("targets are addresses, and labels have names") {
  CHECK(JobErrors("  static_configs: [{targets: ['http://bad']}]\n") ==
        "f:3:31: \"http://bad\" is not a valid hostname");
  CHECK(
      JobErrors(
          "  relabel_configs: [{target_label: a}]\n  static_configs: [{targets: ['http://bad']}]\n")
          .empty());
  CHECK(JobErrors("  static_configs: [~]\n") == "f:3:20: empty or null section in static_configs");
  CHECK(JobErrors("  static_configs: [{targets: [a], labels: {'': x}}]\n") ==
        "f:3:44: \"\" is not a valid label name");
  CHECK(JobErrors("  file_sd_configs: [{}]\n") ==
        "f:3:21: file service discovery config must contain at least one path name");
  CHECK(JobErrors("  file_sd_configs: [{files: [a.txt]}]\n") ==
        "f:3:29: path name \"a.txt\" is not valid for file discovery");
  CHECK(JobErrors("  file_sd_configs: [{files: ['a/*/b.json']}]\n") ==
        "f:3:29: path name \"a/*/b.json\" is not valid for file discovery");
}

TEST_CASE("one result carries every error") {
  const auto result = LoadText("a: 1\nb: 2\n", "f", World().Options());
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().ToString() ==
        "f:1:1: the configuration: unknown key 'a'\nf:2:1: the configuration: unknown key 'b'");
}
