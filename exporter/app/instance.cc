// SPDX-License-Identifier: Apache-2.0
//
// Wiring: configuration to plan, parts to faces, faces to listeners; reload and shutdown.
#include "app/instance.h"

#include <unistd.h>

#include <cstdlib>
#include <future>
#include <utility>

#include "app/features.h"
#include "app/flags.h"
#include "app/read_file.h"
#include "base/guarded.h"
#include "base/log.h"
#include "base/number_text.h"
#include "exposition/writer.h"
#include "promql/parser.h"
#include "promql/reach.h"
#include "ruler/dependencies.h"
#include "ruler/rule_file.h"
#include "serve/router.h"

namespace plimsoll::app {
namespace {

using base::Error;
using base::Result;
using telemetry::MetricId;

constexpr std::chrono::milliseconds kStopPatience{800};
// For the queries of rule groups with an interval; they start with the first such group.
constexpr int kRuleThreads = 2;
// A hub is ready after this long, whatever its sidecars do: for those it has heard of.
constexpr std::chrono::seconds kSettlePatience{30};
// For --once.
constexpr std::chrono::seconds kDiscoveryPatience{10};

eval::Options EvalOptionsOf(const QueryOptions& query, const config::Config& config) {
  eval::Options options;
  options.lookback = query.lookback;
  options.timeout = query.timeout;
  options.max_samples = query.max_samples;
  options.default_step = config.global.evaluation_interval.value_or(query.default_step);
  options.clock = &base::SystemClock();
  options.features = FeaturesOf(query.features);
  return options;
}

store::Limits StoreLimitsOf(const config::Config& config, const RunOptions& options) {
  store::Limits limits;
  limits.max_series = config.limits.max_series;
  limits.max_bytes = options.max_bytes.value_or(config.limits.max_bytes);
  return limits;
}

// Ends the process when an orderly end takes too long: a stuck system call must not keep a pod.
class Watchdog {
 public:
  explicit Watchdog(std::chrono::milliseconds patience)
      : thread_([patience](std::stop_token stop) {
          base::Guarded<bool> never(false);
          if (never.WaitFor(stop, patience, [](bool) { return false; }) || stop.stop_requested())
            return;
          base::LogWarn("shutdown took too long: leaving at once");
          std::_Exit(0);
        }) {}

 private:
  std::jthread thread_;
};

}  // namespace

std::string OwnNamespace(const std::string& flag) {
  if (!flag.empty()) return flag;
  if (const char* name = std::getenv("POD_NAMESPACE"); name != nullptr && *name != '\0')
    return name;
  if (auto text = ReadFile("/var/run/secrets/kubernetes.io/serviceaccount/namespace")) {
    const auto end = text->find_last_not_of(" \r\n\t");
    if (end != std::string::npos) return text->substr(0, end + 1);
  }
  return "default";
}

Result<std::unique_ptr<Instance>> Instance::Make(const RunOptions& options, LoadedConfig loaded) {
  std::unique_ptr<Instance> instance(new Instance(options));
  instance->store_.SetLimits(StoreLimitsOf(*loaded.config, options));
  auto plan = instance->BuildPlan(loaded.config);
  if (!plan) return std::move(plan).error();
  if (auto kept = instance->KeepWindow(plan->window); !kept) return std::move(kept).error();
  instance->status_.Use(plan->config, plan->jobs, plan->ruler, plan->window);
  instance->loop_.Use(*std::move(plan), instance->clock_.Now());
  if (auto made = instance->MakeFaces(); !made) return std::move(made).error();
  instance->telemetry_.GaugeOf(MetricId::kBuildInfo, {Version(), Compiler()}).Set(1);
  instance->telemetry_.GaugeOf(MetricId::kConfigReloadSuccessful).Set(1);
  instance->telemetry_.GaugeOf(MetricId::kConfigReloadTime)
      .Set(static_cast<double>(instance->clock_.Now()) / 1000);
  return instance;
}

Instance::Instance(const RunOptions& options)
    : options_(options),
      clock_(base::SystemClock()),
      store_(store::Limits{}, &telemetry_),
      client_(std::make_unique<http::Client>(http::ClientLimits{}, &telemetry_)),
      fetcher_(*client_),
      clusters_(telemetry_),
      status_({.flags = FlagsOf(options),
               .start_time = clock_.Now(),
               .reload_successful = telemetry_.GaugeOf(MetricId::kConfigReloadSuccessful),
               .reload_time = telemetry_.GaugeOf(MetricId::kConfigReloadTime)}),
      loop_({&clock_, &store_, &snapshot_, &telemetry_, [this] {
               if (keeper_) keeper_->Wake();
             }}) {}

Instance::~Instance() {
  Stop();
  peer_client_.reset();
  clusters_.Stop();
  client_.reset();
}

Result<tick::Plan> Instance::BuildPlan(const std::shared_ptr<const config::Config>& config) {
  if (auto clash = CheckSignalNames(*config); !clash) return std::move(clash).error();
  ruler::RuleOptions rule_options;
  rule_options.promql = ParseOptionsOf(options_.query.features);
  rule_options.evaluation_interval = config->global.evaluation_interval;
  auto rules = ruler::LoadRules(config->rules, rule_options);
  if (!rules) return std::move(rules).error();
  for (const ruler::RuleFile& file : *rules) {
    for (const std::string& warning : file.warnings) base::LogWarn("{}", warning);
  }
  const eval::Options query = EvalOptionsOf(options_.query, *config);

  tick::Plan plan;
  plan.config = config;
  auto window = WindowOf(*config, *rules, options_.query, options_.retention);
  if (!window) return std::move(window).error();
  plan.window = window->length;

  ruler::Ruler::Options ruler_options;
  ruler_options.query = query;
  ruler_options.evaluation_interval = config->global.evaluation_interval;
  ruler_options.query_offset = config->global.rule_query_offset;
  ruler_options.threads = kRuleThreads;
  ruler_options.wake = [this] { loop_.Wake(); };
  plan.ruler = std::make_shared<ruler::Ruler>(*rules, ruler_options, clock_.Now(), &telemetry_);

  const auto dependencies = std::make_shared<const ruler::Dependencies>(*rules);
  signals::Evaluator::Options signal_options;
  signal_options.own_namespace = OwnNamespace(options_.own_namespace);
  signal_options.lookback = options_.query.lookback;
  signal_options.clock = &clock_;
  signal_options.reads_scraped = [dependencies](const promql::Expr& expr) {
    return dependencies->ReadsScraped(expr);
  };
  auto evaluator = signals::Evaluator::Make(config, signal_options, &telemetry_);
  if (!evaluator) return std::move(evaluator).error();
  plan.signals = *std::move(evaluator);
  if (!config->hub.jobs.empty()) {
    hub::Hub::Options hub_options{.config = config->hub, .lookback = options_.query.lookback};
    hub_options.ours = [own = plan.signals](std::string_view name_space, std::string_view name) {
      return own->Owns(name_space, name);
    };
    plan.hub = std::make_shared<hub::Hub>(std::move(hub_options), &telemetry_);
  }

  for (const config::ScrapeConfig& job : config->scrape_configs) {
    scrape::JobScraper::Options job_options;
    job_options.config = std::shared_ptr<const config::ScrapeConfig>(config, &job);
    job_options.external_labels = config->global.external_labels;
    job_options.user_agent = "plimsoll/" + std::string(Version());
    auto sources = clusters_.SourcesOf(job);
    if (!sources) return std::move(sources).error();
    job_options.sources = *std::move(sources);
    plan.jobs.push_back(std::make_shared<scrape::JobScraper>(
        std::move(job_options), fetcher_, &telemetry_, [this] { loop_.Wake(); }));
  }
  return plan;
}

Result<void> Instance::KeepWindow(std::chrono::milliseconds window) {
  if (options_.window_file.empty() || options_.once) return {};
  store_.SetWindow(window);
  auto keeper =
      WindowKeeper::Make({options_.window_file, &clock_, &store_, &snapshot_, &telemetry_});
  if (!keeper) return std::move(keeper).error();
  keeper_ = *std::move(keeper);
  return {};
}

// Both are on one page: a name that is in the catalogue would stand there twice.
Result<void> Instance::CheckSignalNames(const config::Config& config) const {
  for (const config::Signal& signal : config.signals) {
    for (const telemetry::MetricRow& row : telemetry::kCatalogue) {
      if (signal.name != row.name) continue;
      return base::BadInput(
          fmt::format("signal '{}' has the name of one of plimsoll's own metrics", signal.name),
          signal.where);
    }
  }
  return {};
}

Result<void> Instance::MakeFaces() {
  auto control_plane =
      ControlPlane::Make(options_, kube::PodEnvironment::OfProcess(), clock_, telemetry_);
  if (!control_plane) return std::move(control_plane).error();
  control_plane_ = *std::move(control_plane);
  if (!options_.web_config_file.empty()) {
    auto web = WebConfigFile::Open(options_.web_config_file, clock_, telemetry_);
    if (!web) return std::move(web).error();
    web_ = *std::move(web);
  }
  if (options_.manage_certificates) {
    auto managed = ManagedCertificates::Make(
        options_, OwnNamespace(options_.own_namespace), control_plane_->certificates(), clock_,
        telemetry_, [this](const http::KeyPair& pair) { return UsePair(pair); });
    if (!managed) return std::move(managed).error();
    managed_ = *std::move(managed);
  }
  metrics_ = std::make_unique<serve::MetricsPage>(snapshot_, clock_, telemetry_);
  serve::PrometheusApi::Options api;
  api.eval = EvalOptionsOf(options_.query, *loop_.plan().config);
  api.parse = ParseOptionsOf(options_.query.features);
  api.gate.running = static_cast<std::size_t>(options_.query_concurrency);
  api.build.revision = Version();
  api.build.compiler = Compiler();
  api.lifecycle = options_.enable_lifecycle;
  auto origins = model::Regex::Compile(options_.cors_origin);
  if (!origins) {
    return base::BadInput("--web.cors.origin: " + origins.error().message);
  }
  api.cors_origin = std::make_shared<const model::Regex>(*std::move(origins));
  prometheus_ =
      std::make_unique<serve::PrometheusApi>(store_, status_, clock_, &telemetry_, std::move(api));
  serve::ExternalMetricsApi::Options external;
  external.trust = &control_plane_->trust();
  external.reviews = control_plane_->reviews();
  external.access.open_paths = options_.authorization_always_allow_paths;
  external.version = Version();
  forwarding_ = std::make_unique<serve::Forwarding>(
      loop_.plan().config,
      [this](http::FetchRequest request, http::FetchCallback done) {
        const std::lock_guard lock(peers_);
        // Its own client: a peer's slowness is nobody else's.
        if (peer_client_ == nullptr) {
          peer_client_ = std::make_unique<http::Client>(http::ClientLimits{.resolver_threads = 1},
                                                        &telemetry_);
        }
        peer_client_->Start(std::move(request), std::move(done));
      },
      clock_, &telemetry_);
  external.forwarding = forwarding_.get();
  external_ = std::make_unique<serve::ExternalMetricsApi>(snapshot_, clock_, &telemetry_,
                                                          std::move(external));
  values_ = std::make_unique<serve::ExternalValues>(snapshot_, clock_, &telemetry_);
  landing_ = std::make_unique<serve::LandingPage>(snapshot_, clock_, std::string(Version()));
  serve::Health::Options health;
  health.lifecycle = options_.enable_lifecycle;
  health.reload = [this] { return Reload(); };
  health.not_ready = [this] {
    if (retired_) return std::string("shutting down");
    std::string why = managed_ ? managed_->NotReady() : "";
    if (why.empty()) why = control_plane_->NotReady();
    return why.empty() ? NotSettled() : why;
  };
  health_ = std::make_unique<serve::Health>(std::move(health));
  return {};
}

std::string Instance::NotSettled() {
  if (settled_) return "";
  const auto snapshot = snapshot_.Get();
  const bool waited = clock_.SteadyNow() - started_ > kSettlePatience;
  if (waited || snapshot == nullptr || snapshot->settled) {
    settled_ = true;
    return "";
  }
  return "not every sidecar was asked yet";
}

Result<void> Instance::Start() {
  http::Handler handler = serve::OpsHandler(*landing_, *metrics_, *prometheus_, *values_, *health_);
  if (wrap_ops_) handler = wrap_ops_(std::move(handler));
  http::ServerOptions ops;
  ops.listener = "ops";
  ops.address = options_.listen_address;
  ops.slow = &serve::PrometheusApi::IsSlow;
  if (web_) {
    handler = web_->guard().Around(std::move(handler));
    ops.slow = [guard = &web_->guard()](const http::Request& request) {
      return guard->IsSlow(request) || serve::PrometheusApi::IsSlow(request);
    };
  }
  const bool ipv6 = !ops.address.empty() && ops.address.front() == '[';
  const bool tls = web_ && web_->tls();
  ops_ = tls    ? http::NewTlsServer(ops, *web_->tls(), handler, &telemetry_)
         : ipv6 ? http::NewBeastServer(ops, handler, &telemetry_)
                : http::NewCivetServer(ops, handler, &telemetry_);
  if (auto started = ops_->Start(); !started) return started;
  if (web_) {
    web_->Start([this](const http::TlsCredentials& now) { return ops_->SetCredentials(now); });
  }
  base::LogInfo("ops listener on port {}: /metrics, /api/v1, /-/healthy", ops_->port());

  const bool have_certificate =
      !options_.tls_cert_file.empty() && !options_.tls_private_key_file.empty();
  if (managed_ || (options_.secure_port != 0 && have_certificate)) {
    const std::uint64_t files = CertificateFiles();
    if (!managed_) {
      const std::lock_guard one_at_a_time(credentials_);
      auto credentials = ReadCredentials();
      if (!credentials) return std::move(credentials).error();
      if (auto started = StartApi(*std::move(credentials)); !started) return started;
    }
    control_plane_->Start([this] { return ReloadCertificates(); });
    if (managed_) managed_->Start();  // the listener starts with the first certificate
    certificate_thread_ =
        std::jthread([this, files](std::stop_token stop) { WatchCertificates(files, stop); });
  } else if (options_.secure_port != 0 &&
             (options_.tls_cert_file.empty() != options_.tls_private_key_file.empty())) {
    return base::BadInput("--tls-cert-file and --tls-private-key-file need each other");
  } else {
    base::LogInfo("no api listener: it needs --tls-cert-file and --tls-private-key-file");
  }
  if (keeper_) keeper_->Start();
  loop_thread_ = std::jthread([this](std::stop_token stop) { loop_.Run(stop); });
  return {};
}

Result<void> Instance::Reload() {
  const std::lock_guard one_at_a_time(reload_);
  auto gauge = telemetry_.GaugeOf(MetricId::kConfigReloadSuccessful);
  const auto fail = [&](Error error) -> Result<void> {
    gauge.Set(0);
    base::LogError("reload failed, the configuration in use stays: {}", error.ToString());
    return error;
  };
  auto loaded = LoadConfig(options_.config);
  if (!loaded) return fail(std::move(loaded).error());
  auto plan = BuildPlan(loaded->config);
  if (!plan) return fail(std::move(plan).error());
  std::promise<void> done;
  const bool taken = loop_.Post([&] {
    loop_.Replace(*std::move(plan), clock_.Now());
    store_.SetLimits(StoreLimitsOf(*loop_.plan().config, options_));
    status_.Use(loop_.plan().config, loop_.plan().jobs, loop_.plan().ruler, loop_.plan().window);
    forwarding_->Use(loop_.plan().config);
    done.set_value();
  });
  if (!taken) return fail({Error::Kind::kCanceled, "shutting down"});
  done.get_future().wait();
  gauge.Set(1);
  telemetry_.GaugeOf(MetricId::kConfigReloadTime).Set(static_cast<double>(clock_.Now()) / 1000);
  base::LogInfo("configuration reloaded");
  return ReloadCertificates();
}

void Instance::Stop() {
  if (!ops_ && !loop_thread_.joinable()) return;
  const Watchdog watchdog{kStopPatience + std::chrono::milliseconds(150)};
  prometheus_->Close();
  loop_thread_.request_stop();
  if (!loop_thread_.joinable()) loop_.Close();  // it never ran
  certificate_thread_ = {};
  if (managed_) managed_->Stop();
  if (web_) web_->Stop();
  if (ops_) ops_->Stop(kStopPatience / 2);
  if (api_) api_->Stop(kStopPatience / 2);
  control_plane_->Stop();
  peer_client_.reset();
  if (loop_thread_.joinable()) loop_thread_.join();
  clusters_.Stop();
  if (keeper_) keeper_->Stop();
  client_.reset();
  ops_.reset();
  api_.reset();
}

Result<void> Instance::Once(std::string& page) {
  if (auto told = clusters_.Wait(kDiscoveryPatience); !told) return told;
  loop_.Once(clock_.Now(), {});
  page = exposition::WritePage(metrics_->Families(), {});
  for (const auto& job : loop_.plan().jobs) {
    for (const scrape::TargetInfo& target : job->Info()->active) {
      if (target.status.health == scrape::Health::kUp) continue;
      return Error{Error::Kind::kUnavailable, fmt::format("{}: {}: {}", job->config().job_name,
                                                          target.url, target.status.last_error)};
    }
  }
  return {};
}

}  // namespace plimsoll::app
