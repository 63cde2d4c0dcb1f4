// SPDX-License-Identifier: Apache-2.0
//
// See window_file.h.
#include "store/window_file.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/format.h"
#include "base/number_text.h"
#include "document/json.h"
#include "store/history.h"

namespace plimsoll::store {
namespace {

using base::Error;
using base::Result;

constexpr std::string_view kHeader = "{\"window\":1}\n";
constexpr std::string_view kNote = "{\"note\":";
// Smaller files are not worth being written over.
constexpr std::uint64_t kSmall = 1 << 20;
constexpr std::uint64_t kSealBytes = 64;  // at most

std::string HeadOf(const model::Labels& labels) {
  std::string head = "{\"metric\":";
  document::JsonWriter json(head);
  json.Object();
  for (const auto& label : labels) json.Key(label.name).LabelString(label.value);
  json.EndObject();
  return head + ",\"values\":[";
}

void AppendSample(model::Time time, double value, std::string& out) {
  out += '[';
  base::AppendApiTime(time, out);
  out += ",\"";
  if (model::IsStaleNaN(value)) {
    out += "stale";
  } else {
    base::AppendApiFloat(value, out);
  }
  out += "\"]";
}

}  // namespace

Result<std::unique_ptr<WindowFile>> WindowFile::Open(Options options) {
  detail::BatchFile::Contents contents;
  auto file =
      detail::BatchFile::Open(options.path, kHeader, options.max_bytes, contents, options.write);
  if (!file) return std::move(file).error();
  return std::unique_ptr<WindowFile>(
      new WindowFile(std::move(options), *std::move(file), std::move(contents)));
}

WindowFile::WindowFile(Options options, std::unique_ptr<detail::BatchFile> file,
                       detail::BatchFile::Contents contents)
    : options_(std::move(options)), file_(std::move(file)), contents_(std::move(contents)) {}

Result<WindowFile::Restored> WindowFile::Restore(Appender& appender, model::Time now) {
  const detail::BatchFile::Contents contents = std::exchange(contents_, {});
  Restored restored;
  restored.dropped_bytes = contents.dropped_bytes;
  restored.why_dropped = contents.why_dropped;
  HistoryLoader loader;
  if (auto added = loader.Add(contents.lines, options_.path); !added) {
    Error error = std::move(added).error();
    ++error.where.line;  // the header
    return error;
  }
  auto stats = loader.AppendTo(appender, now);
  if (!stats) return std::move(stats).error();
  restored.series = stats->series;
  restored.samples = stats->samples;
  restored.last = stats->last;
  const std::size_t note = contents.lines.rfind(kNote);
  if (note != std::string::npos) {
    const std::size_t begin = note + kNote.size();
    const std::size_t end = contents.lines.find('\n', begin);
    restored.note = contents.lines.substr(begin, end - 1 - begin);
  }
  return restored;
}

// Learns of series that came, forgets those that went.
void WindowFile::Follow(Querier& querier) {
  if (!known_.empty() && querier.TableVersion() == table_version_) return;
  table_version_ = querier.TableVersion();
  std::unordered_map<SeriesRef, Known> known;
  for (const SelectedSeries& series : querier.Select({}, INT64_MIN, INT64_MAX)) {
    const auto before = known_.find(series.ref);
    if (before != known_.end()) {
      known.emplace(series.ref, std::move(before->second));
    } else {
      known.emplace(series.ref, Known{HeadOf(*series.labels)});
    }
  }
  known_ = std::move(known);
}

// What is not in the file yet, or all that there is.
std::string WindowFile::Lines(Querier& querier, bool all, std::string_view note) {
  std::string lines;
  for (auto& [ref, known] : known_) {
    columns_.Clear();
    const bool none = all || known.written == INT64_MIN;
    querier.Read(ref, none ? INT64_MIN : known.written + 1, INT64_MAX, columns_);
    if (columns_.size() == 0) continue;
    lines += known.head;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) lines += ',';
      AppendSample(columns_.times[i], columns_.values[i], lines);
    }
    lines += ']';
    if (querier.IsRecorded(ref)) {
      lines += ",\"source\":";
      const model::Time source = querier.RecordedSource(ref);
      if (source == model::kNoSource) {
        lines += "null";
      } else {
        base::AppendApiTime(source, lines);
      }
    }
    lines += "}\n";
  }
  if (!note.empty() && (all || note != note_)) lines += base::format("{}{}}}\n", kNote, note);
  return lines;
}

Result<void> WindowFile::Rewrite(std::string_view lines) {
  if (kHeader.size() + lines.size() + kSealBytes > options_.max_bytes) {
    return Error{Error::Kind::kLimit,
                 base::format("the window takes {} bytes in {}, more than {}", lines.size(),
                              options_.path, options_.max_bytes),
                 {}};
  }
  if (auto replaced = file_->Replace(lines); !replaced) return replaced;
  rewritten_size_ = file_->size();
  ++rewrites_;
  return {};
}

Result<void> WindowFile::Save(const Queryable& store, std::string_view note) {
  const auto querier = store.Open();
  Follow(*querier);
  const bool first = rewritten_size_ == 0;
  const bool grown = file_->size() > std::max(kSmall, 2 * rewritten_size_);
  const std::string lines = Lines(*querier, first || grown, note);
  if (lines.empty()) return {};
  if (first || grown) {
    if (auto replaced = Rewrite(lines); !replaced) return replaced;
  } else {
    const bool fits = file_->size() + lines.size() + kSealBytes <= options_.max_bytes;
    auto appended = fits ? file_->Append(lines) : Result<void>();
    const bool gone = !appended && appended.error().kind == Error::Kind::kNotFound;
    if (!appended && !gone) return appended;
    if (!fits || gone) {  // gone: somebody took the file away
      if (auto replaced = Rewrite(Lines(*querier, true, note)); !replaced) return replaced;
    }
  }
  note_ = note;
  for (auto& [ref, known] : known_) {
    if (const auto latest = querier->ReadLatest(ref, INT64_MIN, INT64_MAX))
      known.written = latest->sample.time;
  }
  return {};
}

}  // namespace plimsoll::store
