// SPDX-License-Identifier: Apache-2.0
//
// From a fetched page to appended samples, in the order of the scrape loop of Prometheus: samples,
// stale markers of what vanished, report series, all in one batch. Longer than most: it is the life
// of one batch, whose counts, limits and failures every step reads.
#include "scrape/target_scraper.h"

#include <algorithm>
#include <cstdio>

#include "base/format.h"
#include "base/number_text.h"
#include "discovery/relabel.h"
#include "exposition/content_type.h"

namespace plimsoll::scrape {
namespace {

using base::Error;
using base::Result;
using exposition::PageParser;
using store::Outcome;
using telemetry::MetricId;

constexpr std::string_view kReportNames[] = {"up",
                                             "scrape_duration_seconds",
                                             "scrape_samples_scraped",
                                             "scrape_samples_post_metric_relabeling",
                                             "scrape_series_added",
                                             "scrape_timeout_seconds",
                                             "scrape_sample_limit",
                                             "scrape_body_size_bytes"};
constexpr std::size_t kPlainReports = 5;  // the others only with extra_scrape_metrics

// Reasons of a sample that was not kept although its page was.
enum Drop : std::size_t {
  kDropDuplicate,
  kDropOutOfOrder,
  kDropTooOld,
  kDropTooFarAhead,
  kDropSeriesLimit,
  kDropUnknown,
  kDrops
};
constexpr std::string_view kDropNames[kDrops] = {"duplicate",     "out_of_order", "too_old",
                                                 "too_far_ahead", "series_limit", "unknown_series"};

std::optional<Drop> DropOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kAppended:
    case Outcome::kSameSample:
      return std::nullopt;
    case Outcome::kDuplicate:
      return kDropDuplicate;
    case Outcome::kOutOfOrder:
      return kDropOutOfOrder;
    case Outcome::kTooOld:
      return kDropTooOld;
    case Outcome::kTooFarAhead:
      return kDropTooFarAhead;
    case Outcome::kUnknownSeries:
      return kDropUnknown;
  }
  return std::nullopt;
}

std::string_view ReasonOfFetch(const Error& error) {
  switch (error.kind) {
    case Error::Kind::kTimeout:
      return "timeout";
    case Error::Kind::kLimit:
      return "limit";
    case Error::Kind::kCanceled:
      return "canceled";
    case Error::Kind::kBadInput:
      return "bad_input";
    case Error::Kind::kNotFound:
    case Error::Kind::kUnavailable:
    case Error::Kind::kExecution:
    case Error::Kind::kInternal:
      return "connection";
  }
  return "connection";
}

// The first words of a page that is no page, for the error.
std::string Excerpt(std::string_view body) {
  std::string text(body.substr(0, 120));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  const auto end = text.find_last_not_of(' ');
  return end == std::string::npos ? std::string() : text.substr(0, end + 1);
}

// Scraped labels that clash with the target's move to exported_<name> (honor_labels: false).
void MergeTargetLabels(const model::Labels& target, bool honor, model::LabelsBuilder& builder) {
  std::vector<std::pair<std::string, std::string>> moved;
  for (const model::Label& label : target) {
    const std::string_view scraped = builder.Get(label.name);
    if (honor) {
      if (scraped.empty()) builder.Set(label.name, label.value);
      continue;
    }
    if (!scraped.empty()) moved.emplace_back(label.name, scraped);
    builder.Set(label.name, label.value);
  }
  std::stable_sort(moved.begin(), moved.end(),
                   [](const auto& a, const auto& b) { return a.first.size() < b.first.size(); });
  for (const auto& [name, value] : moved) {
    std::string free_name = "exported_" + name;
    while (!builder.Get(free_name).empty()) free_name.insert(0, "exported_");
    builder.Set(free_name, value);
  }
}

// The family a sample belongs to: its name, or its name without the suffix that its type gives it.
std::string_view FamilyOf(std::string_view name) {
  for (const std::string_view suffix : {"_bucket", "_count", "_sum", "_total", "_info"}) {
    if (name.size() > suffix.size() && name.substr(name.size() - suffix.size()) == suffix) {
      return name.substr(0, name.size() - suffix.size());
    }
  }
  return name;
}

// What metric_name_validation_scheme: legacy demands.
bool HasLegacyNames(const model::LabelsBuilder& labels) {
  if (!model::IsLegacyMetricName(labels.Get(model::kMetricName))) return false;
  return std::all_of(labels.pairs().begin(), labels.pairs().end(),
                     [](const auto& pair) { return model::IsLegacyLabelName(pair.first); });
}

}  // namespace

TargetScraper::TargetScraper(Options options, telemetry::Telemetry* telemetry)
    : options_(std::move(options)),
      telemetry_(telemetry),
      accept_(
          exposition::AcceptHeader(options_.config->scrape_protocols, options_.config->escaping)),
      collector_(engines::MakeCollector(options_.config->collector)) {}

void TargetScraper::SetOptions(Options options) {
  options_ = std::move(options);
  accept_ = exposition::AcceptHeader(options_.config->scrape_protocols, options_.config->escaping);
}

PageRequest TargetScraper::Request() {
  return {.url = options_.url,
          .headers = {{"Accept", accept_},
                      {"User-Agent", options_.user_agent},
                      {"X-Prometheus-Scrape-Timeout-Seconds",
                       base::SprintFloat(static_cast<double>(options_.timeout.count()) / 1000)}},
          .timeout = options_.timeout,
          .body_limit = options_.config->limits.body_size,
          .config = options_.config,
          .body_buffer = std::move(body_)};
}

void TargetScraper::Append(Fetched fetched, Time slot, Time now, store::Appender& appender,
                           MetadataTable& metadata) {
  Counts counts;
  std::fill(std::begin(dropped_), std::end(dropped_), 0);
  status_.last_error.clear();
  families_.reset();
  std::uint64_t body_bytes = 0;
  double reported_bytes = 0;  // -1: the limit was hit; 0: another failure to get a page
  appender.Begin(now);
  bool up = false;
  if (fetched.page) {
    body_bytes = fetched.page->body.size();
    if (fetched.page->status == 200) reported_bytes = static_cast<double>(body_bytes);
    const auto appended = AppendPage(*fetched.page, slot, now, appender, metadata, counts);
    up = appended.has_value();
    if (!up) {
      status_.last_error = appended.error().ToString();
      appender.Rollback();
      appender.Begin(now);
      cache_.Reject();
      MarkAll(slot, appender);
    }
    body_ = std::move(fetched.page->body);
  } else {
    status_.last_error = fetched.page.error().ToString();
    CountFailure(ReasonOfFetch(fetched.page.error()));
    if (fetched.page.error().kind == Error::Kind::kLimit) reported_bytes = -1;
    MarkAll(slot, appender);
  }
  AppendReports(up, fetched.duration, counts, reported_bytes, slot, appender);
  appender.Commit();

  status_.health = up ? Health::kUp : Health::kDown;
  status_.last_scrape = slot;
  status_.last_duration = fetched.duration;
  if (up) {
    status_.last_success = slot;
    status_.failing_since.reset();
    status_.samples = counts.scraped;
    status_.refused_series = dropped_[kDropSeriesLimit];
  } else if (!status_.failing_since) {
    status_.failing_since = slot;
  }
  for (std::size_t reason = 0; reason < kDrops; ++reason)
    CountDropped(kDropNames[reason], dropped_[reason]);
  if (telemetry_ != nullptr && body_bytes > 0) {
    telemetry_->CounterOf(MetricId::kScrapeBytes, {options_.config->job_name})
        .Add(static_cast<double>(body_bytes));
  }
}

Result<void> TargetScraper::AppendPage(const Page& page, Time slot, Time, store::Appender& appender,
                                       MetadataTable& metadata, Counts& counts) {
  if (page.status != 200) {
    CountFailure("http_status");
    std::string text = "server returned HTTP status " + page.status_text;
    if (const std::string excerpt = Excerpt(page.body); !excerpt.empty())
      text += fmt::format(" ({})", excerpt);
    return Error{Error::Kind::kUnavailable, std::move(text)};
  }
  const auto format =
      exposition::FormatOfPage(page.content_type, options_.config->fallback_scrape_protocol);
  if (!format) {
    CountFailure("content_type");
    Error error = format.error();
    if (const std::string excerpt = Excerpt(page.body); !excerpt.empty()) {
      error.message += fmt::format(" (the page begins: {})", excerpt);
    }
    return error;
  }
  PageParser parser(page.body, format->format);
  return AppendSamples(parser, slot, appender, metadata, counts);
}

Result<void> TargetScraper::AppendSamples(PageParser& parser, Time slot, store::Appender& appender,
                                          MetadataTable& metadata, Counts& counts) {
  const config::ScrapeConfig& config = *options_.config;
  const std::uint64_t sample_limit = config.limits.samples;
  cache_.Begin();
  family_ = {};
  help_.family.clear();
  unit_.family.clear();
  for (;;) {
    const PageParser::Entry entry = parser.Next();
    switch (entry) {
      case PageParser::Entry::kSample:
        break;
      case PageParser::Entry::kHelp:
      case PageParser::Entry::kUnit: {
        // Only of families that have a kept series, and once: a steady page allocates nothing here.
        const auto known = metadata.families.find(parser.Name());
        if (known == metadata.families.end()) {
          Pending& pending = entry == PageParser::Entry::kHelp ? help_ : unit_;
          pending.family = parser.Name();
          pending.text = parser.Text();
          continue;
        }
        std::string& text =
            entry == PageParser::Entry::kHelp ? known->second.text.help : known->second.text.unit;
        if (text.empty() && !(text = parser.Text()).empty()) ++metadata.version;
        continue;
      }
      case PageParser::Entry::kType:
        family_ = parser.Name();
        continue;
      case PageParser::Entry::kError:
        CountFailure("parse");
        return parser.error();
      case PageParser::Entry::kEnd: {
        if (sample_limit > 0 && counts.after_relabelling > sample_limit) {
          CountFailure("sample_limit");
          return Error{Error::Kind::kLimit,
                       fmt::format("sample limit exceeded: {} samples, sample_limit is {}",
                                   counts.after_relabelling, sample_limit)};
        }
        MarkVanished(slot, appender);
        cache_.Accept();
        return {};
      }
    }
    ++counts.scraped;
    bool repeated = false;
    SeriesCache::Entry& series = cache_.Find(parser.SeriesBytes(), repeated);
    if (series.dropped != 0) continue;
    const auto outcome = AppendSample(parser, series, slot, appender, metadata, counts);
    if (!outcome) return outcome.error();
    if (const auto drop = DropOf(*outcome)) {
      ++dropped_[*drop];
    } else if (repeated && series.timestamped == 0) {
      ++dropped_[kDropDuplicate];  // the page repeats itself, if only the same value
    }
  }
}

Result<Outcome> TargetScraper::AppendSample(const PageParser& parser, SeriesCache::Entry& entry,
                                            Time slot, store::Appender& appender,
                                            MetadataTable& metadata, Counts& counts) {
  const config::ScrapeConfig& config = *options_.config;
  const auto stamp = config.honor_timestamps ? parser.Timestamp() : std::nullopt;
  const Time time = stamp.value_or(slot);
  if (entry.ref != 0) {
    entry.timestamped = stamp.has_value() ? 1 : 0;
    const Outcome outcome = appender.Append(entry.ref, time, parser.Value());
    if (outcome != Outcome::kUnknownSeries) {
      ++counts.after_relabelling;
      return outcome;
    }
    entry.ref = 0;
  }
  if (auto resolved = Resolve(parser, entry, appender, metadata); !resolved)
    return std::move(resolved).error();
  if (entry.dropped != 0) return Outcome::kAppended;
  ++counts.after_relabelling;
  // Beyond the sample limit nothing is created any more, but counting goes on.
  if (config.limits.samples > 0 && counts.after_relabelling > config.limits.samples)
    return Outcome::kAppended;
  if (entry.ref == 0) {
    ++dropped_[kDropSeriesLimit];
    return Outcome::kAppended;
  }
  cache_.NoteCreated(entry);
  ++counts.series_added;
  entry.timestamped = stamp.has_value() ? 1 : 0;
  return appender.Append(entry.ref, time, parser.Value());
}

Result<void> TargetScraper::Resolve(const PageParser& parser, SeriesCache::Entry& entry,
                                    store::Appender& appender, MetadataTable& metadata) {
  const config::ScrapeConfig& config = *options_.config;
  if (auto decoded = parser.DecodeLabels(builder_); !decoded) {
    CountFailure("parse");
    return decoded;
  }
  MergeTargetLabels(options_.labels, config.honor_labels, builder_);
  if (!config.metric_relabel_configs.empty() &&
      !discovery::Relabel(config.metric_relabel_configs, builder_)) {
    entry.dropped = 1;
    return {};
  }
  if (builder_.pairs().empty()) {
    entry.dropped = 1;
    return {};
  }
  if (builder_.Get(model::kMetricName).empty()) {
    CountFailure("no_metric_name");
    return base::BadInput(
        fmt::format("missing metric name (__name__ label) after relabelling of {}", entry.key()));
  }
  if (config.names == config::NameScheme::kLegacy && !HasLegacyNames(builder_)) {
    CountFailure("name_scheme");
    return base::BadInput("invalid metric name or label names: " + builder_.Build().ToString());
  }
  if (auto within = CheckLabels(); !within) {
    CountFailure("label_limit");
    return within;
  }
  const store::Resolved resolved = appender.Resolve(builder_.Build());
  entry.ref = resolved.ref;
  if (resolved.ref != 0) NoteFamily(parser, metadata);
  return {};
}

// Of the series whose labels are in builder_.
void TargetScraper::NoteFamily(const PageParser& parser, MetadataTable& metadata) {
  const std::string_view name = builder_.Get(model::kMetricName);
  // The family is what its TYPE line is called; relabelling may have changed that.
  const std::string_view family =
      !family_.empty() && name.starts_with(family_) ? family_ : FamilyOf(name);
  const bool suffixed =
      parser.Type() != model::MetricType::kUnknown && parser.Type() != model::MetricType::kGauge;
  const std::size_t number = metadata.families.size();
  const auto [known, added] = metadata.families.try_emplace(std::string(suffixed ? family : name));
  FamilyMetadata& entry = known->second;
  if (added || entry.text.type != parser.Type()) ++metadata.version;
  if (added) {
    entry.number = number;
    if (help_.family == known->first) entry.text.help = help_.text;
    if (unit_.family == known->first) entry.text.unit = unit_.text;
  }
  entry.text.type = parser.Type();
  const FamilySet& shown = *status_.families;
  if (entry.number < shown.size() && shown[entry.number]) return;
  if (families_ == nullptr) {
    families_ = std::make_shared<FamilySet>(shown);
    status_.families = families_;
  }
  if (entry.number >= families_->size()) families_->resize(entry.number + 1);
  (*families_)[entry.number] = true;
}

Result<void> TargetScraper::CheckLabels() const {
  const config::ScrapeLimits& limits = options_.config->limits;
  const auto& pairs = builder_.pairs();
  const std::string_view metric = builder_.Get(model::kMetricName);
  if (limits.labels > 0 && pairs.size() > limits.labels) {
    return Error{Error::Kind::kLimit,
                 fmt::format("label_limit exceeded (metric: {}, number of labels: {}, limit: {})",
                             base::GoQuote(metric), pairs.size(), limits.labels)};
  }
  for (const auto& [name, value] : pairs) {
    if (limits.label_name_length > 0 && name.size() > limits.label_name_length) {
      return Error{Error::Kind::kLimit, fmt::format("label_name_length_limit exceeded (metric: {}, "
                                                    "label name: {}, length: {}, limit: {})",
                                                    base::GoQuote(metric), base::GoQuote(name),
                                                    name.size(), limits.label_name_length)};
    }
    if (limits.label_value_length > 0 && value.size() > limits.label_value_length) {
      return Error{
          Error::Kind::kLimit,
          fmt::format("label_value_length_limit exceeded (metric: {}, label name: {}, value: {}, "
                      "length: {}, limit: {})",
                      base::GoQuote(metric), base::GoQuote(name),
                      base::GoQuote(value.substr(0, 50)), value.size(), limits.label_value_length)};
    }
  }
  return {};
}

void TargetScraper::MarkVanished(Time slot, store::Appender& appender) {
  const bool track = options_.config->track_timestamps_staleness;
  cache_.ForEachVanished([&](SeriesCache::Entry& entry) {
    if (entry.ref == 0 || (entry.timestamped != 0 && !track)) return;
    (void)appender.Append(entry.ref, slot, model::StaleNaN());
  });
}

void TargetScraper::MarkAll(Time slot, store::Appender& appender) {
  const bool track = options_.config->track_timestamps_staleness;
  cache_.Begin();
  cache_.ForEachLast([&](SeriesCache::Entry& entry) {
    if (entry.ref == 0 || (entry.timestamped != 0 && !track)) return;
    (void)appender.Append(entry.ref, slot, model::StaleNaN());
  });
  cache_.AcceptNothing();
}

void TargetScraper::MarkGone(Time at, store::Appender& appender) {
  appender.Begin(at);
  MarkAll(at, appender);
  for (const store::SeriesRef ref : reports_) {
    if (ref != 0) (void)appender.Append(ref, at, model::StaleNaN());
  }
  appender.Commit();
}

void TargetScraper::AppendReports(bool up, std::chrono::nanoseconds duration, const Counts& counts,
                                  double body_bytes, Time slot, store::Appender& appender) {
  const config::ScrapeConfig& config = *options_.config;
  const std::size_t reports = config.extra_scrape_metrics ? std::size(kReportNames) : kPlainReports;
  reports_.resize(std::size(kReportNames), 0);
  for (std::size_t i = 0; i < reports; ++i) {
    double value = 0;
    switch (static_cast<Report>(i)) {
      case Report::kUp:
        value = up ? 1 : 0;
        break;
      case Report::kDuration:
        value = std::chrono::duration<double>(duration).count();
        break;
      case Report::kScraped:
        value = static_cast<double>(counts.scraped);
        break;
      case Report::kAfterRelabelling:
        value = static_cast<double>(counts.after_relabelling);
        break;
      case Report::kAdded:
        value = static_cast<double>(counts.series_added);
        break;
      case Report::kTimeout:
        value = static_cast<double>(options_.timeout.count()) / 1000;
        break;
      case Report::kSampleLimit:
        value = static_cast<double>(config.limits.samples);
        break;
      case Report::kBodySize:
        value = body_bytes;
        break;
    }
    if (reports_[i] != 0 && appender.Append(reports_[i], slot, value) != Outcome::kUnknownSeries)
      continue;
    model::LabelsBuilder labels(options_.labels);
    reports_[i] = appender.Resolve(labels.Set(model::kMetricName, kReportNames[i]).Build()).ref;
    if (reports_[i] != 0) (void)appender.Append(reports_[i], slot, value);
  }
}

void TargetScraper::CountFailure(std::string_view reason) {
  if (telemetry_ != nullptr)
    telemetry_->CounterOf(MetricId::kScrapeFailures, {options_.config->job_name, reason}).Add();
}

void TargetScraper::CountDropped(std::string_view reason, std::uint64_t count) {
  if (telemetry_ == nullptr || count == 0) return;
  telemetry_->CounterOf(MetricId::kScrapeSamplesDropped, {options_.config->job_name, reason})
      .Add(static_cast<double>(count));
}

}  // namespace plimsoll::scrape
