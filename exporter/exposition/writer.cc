// SPDX-License-Identifier: Apache-2.0
//
// Families as an exposition page. See writer.h.
#include "exposition/writer.h"

#include <cmath>
#include <limits>
#include <string_view>

#include "base/number_text.h"
#include "exposition/detail/entry_reader.h"
#include "exposition/name_escape.h"
#include "model/labels.h"

namespace plimsoll::exposition {
namespace {

using model::MetricType;

constexpr std::string_view kCreated = "_created";

std::string_view WithoutSuffix(std::string_view name, std::string_view suffix) {
  if (name.size() > suffix.size() && name.ends_with(suffix)) name.remove_suffix(suffix.size());
  return name;
}

// The suffix that names the samples of a family with one sample per label set.
std::string_view SuffixOf(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "_total";
    case MetricType::kInfo:
      return "_info";
    case MetricType::kUnknown:
    case MetricType::kGauge:
    case MetricType::kHistogram:
    case MetricType::kGaugeHistogram:
    case MetricType::kSummary:
    case MetricType::kStateSet:
      return "";
  }
  return "";
}

std::string_view TextTypeName(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
    case MetricType::kHistogram:
    case MetricType::kSummary:
    case MetricType::kGauge:
      return model::TypeName(type);
    case MetricType::kInfo:
    case MetricType::kStateSet:
      return "gauge";
    case MetricType::kGaugeHistogram:
    case MetricType::kUnknown:
      return "untyped";
  }
  return "untyped";
}

bool HasCreated(MetricType type) {
  return type == MetricType::kCounter || type == MetricType::kHistogram ||
         type == MetricType::kSummary;
}

class FamilyWriter {
 public:
  FamilyWriter(const model::Family& family, const WriteOptions& options, std::string& out)
      : family_(family),
        options_(options),
        out_(out),
        open_metrics_(options.format == Format::kOpenMetrics) {
    const MetricType type = family.metadata.type;
    suffix_ = SuffixOf(type);
    base_ = suffix_.empty() ? std::string_view(family.name) : WithoutSuffix(family.name, suffix_);
  }

  void Write() {
    if (open_metrics_) {
      WriteMetadata(base_, model::TypeName(family_.metadata.type));
      for (const auto& point : family_.points) WritePoint(point, SampleName(point));
      return;
    }
    // Text has no start timestamps in a family: they become a family of their own behind it.
    bool any_created = false;
    bool any = false;
    for (const auto& point : family_.points) {
      const std::string_view name = point.labels.MetricName();
      if (IsCreated(name)) {
        any_created = true;
        continue;
      }
      if (!any)
        WriteMetadata(suffix_.empty() ? family_.name : name, TextTypeName(family_.metadata.type));
      any = true;
      WritePoint(point, name);
    }
    if (!any_created) return;
    WriteMetadata(std::string(base_) + std::string(kCreated), "gauge");
    for (const auto& point : family_.points) {
      if (IsCreated(point.labels.MetricName())) WritePoint(point, point.labels.MetricName());
    }
  }

 private:
  bool IsCreated(std::string_view name) const {
    return HasCreated(family_.metadata.type) && name.size() == base_.size() + kCreated.size() &&
           name.starts_with(base_) && name.ends_with(kCreated);
  }

  std::string SampleName(const model::Family::Point& point) const {
    const std::string_view name = point.labels.MetricName();
    if (!suffix_.empty() && name == base_) return std::string(name) + std::string(suffix_);
    return std::string(name);
  }

  void WriteMetadata(std::string_view name, std::string_view type) {
    const std::string shown = MetadataName(name);
    if (!family_.metadata.help.empty()) {
      out_ += "# HELP ";
      out_ += shown;
      out_ += ' ';
      AppendEscaped(family_.metadata.help, open_metrics_);
      out_ += '\n';
    }
    out_ += "# TYPE ";
    out_ += shown;
    out_ += ' ';
    out_ += type;
    out_ += '\n';
    const std::string& unit = family_.metadata.unit;
    if (open_metrics_ && !unit.empty() && detail::IsUnitOf(unit, name)) {
      out_ += "# UNIT ";
      out_ += shown;
      out_ += ' ';
      out_ += unit;
      out_ += '\n';
    }
  }

  std::string MetadataName(std::string_view name) const {
    if (model::IsLegacyMetricName(name)) return std::string(name);
    if (!quoted()) return EscapeName(name, options_.escaping);
    std::string out = "\"";
    AppendEscapedTo(name, true, out);
    return out + '"';
  }

  bool quoted() const { return options_.escaping == config::NameEscaping::kAllowUtf8; }

  void WritePoint(const model::Family::Point& point, std::string_view name) {
    const bool plain = model::IsLegacyMetricName(name);
    char before = '{';
    if (plain || !quoted()) {
      out_ += plain ? std::string(name) : EscapeName(name, options_.escaping);
    } else {
      out_ += "{\"";
      AppendEscaped(name, true);
      out_ += '"';
      before = ',';
    }
    for (const model::Label& label : point.labels) {
      if (label.name == model::kMetricName) continue;
      WriteLabel(label.name, label.value, before);
    }
    for (const auto& [extra, value] : options_.extra_labels) {
      if (point.labels.Get(extra).empty()) WriteLabel(extra, value, before);
    }
    if (before == ',') out_ += '}';
    out_ += ' ';
    base::AppendShortestG(point.value, out_);
    if (point.time != model::kNoSource) WriteTime(point.time);
    out_ += '\n';
  }

  void WriteLabel(std::string_view name, std::string_view value, char& before) {
    out_ += before;
    before = ',';
    WriteLabelName(name);
    out_ += "=\"";
    AppendEscaped(value, true);
    out_ += '"';
  }

  void WriteLabelName(std::string_view name) {
    if (model::IsLegacyLabelName(name)) {
      out_ += name;
    } else if (!quoted()) {
      for (const char c : EscapeName(name, options_.escaping)) out_ += c == ':' ? '_' : c;
    } else {
      out_ += '"';
      AppendEscaped(name, true);
      out_ += '"';
    }
  }

  // OpenMetrics times are seconds that readers multiply and truncate: of the numbers next to
  // time/1000 the one is taken that comes back whole.
  void WriteTime(base::Time time) {
    out_ += ' ';
    if (!open_metrics_) {
      out_ += std::to_string(time);
      return;
    }
    double seconds = static_cast<double>(time) / 1000;
    if (detail::SecondsToTime(seconds) != time) {
      const double away = time < 0 ? -std::numeric_limits<double>::infinity()
                                   : std::numeric_limits<double>::infinity();
      const double next = std::nextafter(seconds, away);
      if (detail::SecondsToTime(next) == time) seconds = next;
    }
    out_ += base::FixedShortest(seconds);
  }

  void AppendEscaped(std::string_view text, bool quotes) { AppendEscapedTo(text, quotes, out_); }
  static void AppendEscapedTo(std::string_view text, bool quotes, std::string& out) {
    for (const char c : text) {
      if (c == '\n') {
        out += "\\n";
        continue;
      }
      if (c == '\\' || (quotes && c == '"')) out += '\\';
      out += c;
    }
  }

  const model::Family& family_;
  const WriteOptions& options_;
  std::string& out_;
  bool open_metrics_;
  std::string_view suffix_;
  std::string_view base_;
};

}  // namespace

void WriteFamily(const model::Family& family, const WriteOptions& options, std::string& out) {
  if (!family.points.empty()) FamilyWriter(family, options, out).Write();
}

void WriteEnd(const WriteOptions& options, std::string& out) {
  if (options.format == Format::kOpenMetrics) out += "# EOF\n";
}

std::string WritePage(const std::vector<model::Family>& families, const WriteOptions& options) {
  std::string out;
  for (const model::Family& family : families) WriteFamily(family, options, out);
  WriteEnd(options, out);
  return out;
}

}  // namespace plimsoll::exposition
