// SPDX-License-Identifier: Apache-2.0
//
// The loop of loop.h. Read Step first: it is the order of everything.
#include "tick/loop.h"

#include <algorithm>

#include "base/log.h"

namespace plimsoll::tick {
namespace {

using std::chrono::milliseconds;

// A loop without a job still looks around now and then (interval groups, a clock that was set).
constexpr Time kIdle = 1000;

}  // namespace

Loop::Loop(Parts parts) : parts_(std::move(parts)) {
  if (parts_.telemetry != nullptr) {
    duration_ = parts_.telemetry->HistogramOf(telemetry::MetricId::kTickDuration);
    skipped_ = parts_.telemetry->CounterOf(telemetry::MetricId::kTicksSkipped);
    late_ = parts_.telemetry->CounterOf(telemetry::MetricId::kLateTargets);
  }
}

Loop::~Loop() {
  // Others may hold the rules longer than this loop lives, which they wake.
  if (plan_.ruler != nullptr) plan_.ruler->Stop();
}

void Loop::Use(Plan plan, Time now) {
  plan_ = std::move(plan);
  open_.clear();
  next_slots_.clear();
  param_refs_.clear();
  parts_.store->SetWindow(plan_.window);
  for (const auto& job : plan_.jobs) next_slots_.emplace_back(job.get(), now);
  const auto before = parts_.snapshot->Get();
  signals::Imported imported;
  if (plan_.hub != nullptr) {
    const Sidecars known = KnownSidecars();
    imported = plan_.hub->First(before.get(), known.jobs, known.sidecars);
  }
  parts_.snapshot->Publish(
      plan_.signals->First(before.get(), signals::Moment::Of(*parts_.clock), std::move(imported)));
}

void Loop::Replace(Plan plan, Time now) {
  store::Appender& appender = parts_.store->appender();
  for (const auto& before : plan_.jobs) {
    const auto same = std::find_if(plan.jobs.begin(), plan.jobs.end(), [&](const auto& job) {
      return job->config().job_name == before->config().job_name;
    });
    if (same != plan.jobs.end()) {
      (*same)->TakeOver(*before, now, appender);
    } else {
      before->End(now, appender);
    }
  }
  plan.ruler->TakeOver(*plan_.ruler, now);
  Use(std::move(plan), now);
  for (auto& [job, slot] : next_slots_) slot = job->NextSlot(now);
}

Time Loop::Step(Time now) {
  BeginDue(now);
  const bool late = AppendFinished(now);
  CloseTicks(now);
  if (late) Evaluate(std::max(now, last_evaluation_ + 1));
  if (plan_.ruler->NextDue(now) <= now && plan_.ruler->RunDue(now, *parts_.store)) {
    Publish(std::max(now, last_evaluation_));
  }
  return NextDue(now);
}

void Loop::BeginDue(Time now) {
  for (auto& [job, slot] : next_slots_) {
    if (slot > now) continue;
    // Only the newest slot counts: after a stall the missed ones are not caught up with.
    Time newest = slot;
    if (job->NextSlot(slot) <= now) {
      const Time interval = std::max<Time>(1, job->config().scrape_interval.count());
      newest = job->NextSlot(now - interval);
      skipped_.Add(static_cast<double>((newest - slot + interval - 1) / interval));
    }
    slot = job->NextSlot(newest);
    std::erase_if(open_, [job = job](const OpenTick& open) { return open.job == job; });
    const std::size_t started = job->Begin(newest, now, parts_.store->appender());
    open_.push_back({job, newest, newest + Deadline(*job).count(), started});
  }
}

bool Loop::AppendFinished(Time now) {
  bool late = false;
  for (const auto& job : plan_.jobs) {
    for (const scrape::JobScraper::Done& done : job->AppendArrived(now, parts_.store->appender())) {
      const auto open = std::find_if(open_.begin(), open_.end(), [&](const OpenTick& tick) {
        return tick.job == job.get() && tick.slot == done.slot && tick.outstanding > 0;
      });
      if (open != open_.end()) {
        --open->outstanding;
      } else {
        late_.Add();
        late = true;
      }
    }
  }
  return late;
}

void Loop::CloseTicks(Time now) {
  const auto closed = [now](const OpenTick& tick) {
    return tick.outstanding == 0 || now >= tick.deadline;
  };
  std::sort(open_.begin(), open_.end(),
            [](const OpenTick& a, const OpenTick& b) { return a.slot < b.slot; });
  bool any = false;
  Time at = 0;
  for (const OpenTick& tick : open_) {
    if (!closed(tick)) continue;
    // Two jobs of one slot make one run.
    if (any && tick.slot == at) continue;
    any = true;
    at = tick.slot;
    Evaluate(tick.slot > last_evaluation_ ? tick.slot : std::max(now, last_evaluation_ + 1));
    ++ticks_;
    duration_.Observe(static_cast<double>(parts_.clock->Now() - tick.slot) / 1000);
  }
  std::erase_if(open_, closed);
}

void Loop::Evaluate(Time at) {
  AppendParams(at);
  plan_.ruler->RunFollowing(at, *parts_.store);
  Publish(at);
}

void Loop::Publish(Time at) {
  last_evaluation_ = at;
  const auto before = parts_.snapshot->Get();
  parts_.snapshot->Publish(plan_.signals->Next(before.get(), *parts_.store, at,
                                               signals::Moment::Of(*parts_.clock), Upstreams(),
                                               Import(before.get(), at)));
  parts_.store->Expire(at);
  if (parts_.published) parts_.published();
}

// plimsoll_param{name="..."}: the parameters that packs read.
void Loop::AppendParams(Time at) {
  store::Appender& appender = parts_.store->appender();
  const auto& params = plan_.config->params;
  param_refs_.resize(params.size(), 0);
  appender.Begin(at);
  for (std::size_t i = 0; i < params.size(); ++i) {
    if (param_refs_[i] == 0 || !appender.Knows(param_refs_[i])) {
      param_refs_[i] =
          appender.Resolve({{model::kMetricName, "plimsoll_param"}, {"name", params[i].first}}).ref;
    }
    if (param_refs_[i] != 0)
      (void)appender.AppendRecorded(param_refs_[i], at, params[i].second, model::kNoSource);
  }
  appender.Commit();
}

Time Loop::NextDue(Time now) const {
  Time due = std::min(now + kIdle, plan_.ruler->NextDue(now));
  for (const auto& [job, slot] : next_slots_) due = std::min(due, slot);
  for (const OpenTick& tick : open_) due = std::min(due, tick.deadline);
  return std::max(due, now);
}

milliseconds Loop::Deadline(const scrape::JobScraper& job) const {
  if (plan_.config->tick_deadline > milliseconds(0)) return plan_.config->tick_deadline;
  return std::min(job.config().scrape_timeout, job.config().scrape_interval / 4);
}

std::vector<signals::Upstream> Loop::Upstreams() const {
  const signals::Moment now = signals::Moment::Of(*parts_.clock);
  std::vector<signals::Upstream> upstreams;
  for (const auto& job : plan_.jobs) {
    for (const scrape::TargetInfo& target : job->Info()->active) {
      signals::Upstream upstream;
      upstream.name = job->config().job_name + " " + target.url;
      upstream.up = target.status.health == scrape::Health::kUp;
      upstream.last_error = target.status.last_error;
      if (target.status.last_success)
        upstream.last_success = signals::SourceMoment(*target.status.last_success, now);
      if (target.status.failing_since)
        upstream.failing_since = signals::SourceMoment(*target.status.failing_since, now);
      upstreams.push_back(std::move(upstream));
    }
  }
  return upstreams;
}

Loop::Sidecars Loop::KnownSidecars() const {
  const signals::Moment now = signals::Moment::Of(*parts_.clock);
  const config::Hub& config = plan_.config->hub;
  const auto contains = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  Sidecars known;
  for (const auto& job : plan_.jobs) {
    const std::string& name = job->config().job_name;
    if (!contains(config.jobs, name)) continue;
    const auto info = job->Info();
    known.jobs.push_back({name, info->unheard, info->discovery_error});
    for (const scrape::TargetInfo& target : info->active) {
      hub::Sidecar sidecar{
          .job = name, .url = target.url, .labels = target.labels, .discovered = target.discovered};
      sidecar.any_namespace = contains(config.any_namespace, name);
      sidecar.tried = target.status.last_scrape != 0;
      sidecar.last_error = target.status.last_error;
      sidecar.refused = target.status.refused_series;
      if (target.status.last_success)
        sidecar.last_success = signals::SourceMoment(*target.status.last_success, now);
      if (target.status.failing_since)
        sidecar.failing_since = signals::SourceMoment(*target.status.failing_since, now);
      known.sidecars.push_back(std::move(sidecar));
    }
  }
  return known;
}

signals::Imported Loop::Import(const signals::Snapshot* before, Time at) const {
  if (plan_.hub == nullptr) return {};
  const Sidecars known = KnownSidecars();
  return plan_.hub->Next(before, *parts_.store, at, signals::Moment::Of(*parts_.clock), known.jobs,
                         known.sidecars);
}

void Loop::Wake() {
  inbox_.Change([](Inbox& inbox) { inbox.woken = true; });
}

bool Loop::Post(std::function<void()> job) {
  bool taken = false;
  inbox_.Change([&](Inbox& inbox) {
    taken = !inbox.closed;
    if (!taken) return;
    inbox.posted.push_back(std::move(job));
    inbox.woken = true;
  });
  return taken;
}

void Loop::Close() {
  inbox_.With([](Inbox& inbox) { inbox.closed = true; });
  RunPosted();
}

void Loop::RunPosted() {
  const auto posted = inbox_.With([](Inbox& inbox) {
    inbox.woken = false;
    return std::exchange(inbox.posted, {});
  });
  for (const auto& job : posted) job();
}

void Loop::Run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    RunPosted();
    const Time now = parts_.clock->Now();
    const Time due = Step(now);
    inbox_.WaitFor(stop, milliseconds(std::max<Time>(0, due - parts_.clock->Now())),
                   [](const Inbox& inbox) { return inbox.woken; });
  }
  Close();
}

void Loop::Once(Time at, std::stop_token stop) {
  std::size_t outstanding = 0;
  for (const auto& job : plan_.jobs) outstanding += job->Begin(at, at, parts_.store->appender());
  while (outstanding > 0 && !stop.stop_requested()) {
    inbox_.With([](Inbox& inbox) { inbox.woken = false; });
    std::size_t done = 0;
    for (const auto& job : plan_.jobs)
      done += job->AppendArrived(at, parts_.store->appender()).size();
    outstanding -= std::min(outstanding, done);
    if (done == 0)
      inbox_.WaitFor(stop, std::chrono::milliseconds(100),
                     [](const Inbox& inbox) { return inbox.woken; });
  }
  Evaluate(at);
  ++ticks_;
}

}  // namespace plimsoll::tick
