// SPDX-License-Identifier: Apache-2.0
//
// API bodies appended to a string, number by number. See answer.h.
#include "eval/answer.h"

#include <algorithm>

#include "base/format.h"
#include "base/number_text.h"
#include "document/json.h"
#include "eval/detail/answer_text.h"

namespace plimsoll::eval {
namespace {

void AddMetric(const model::Labels& labels, Gathered& out) {
  out.Add("{\"metric\":{");
  bool first = true;
  for (const model::Label& label : labels) {
    if (!first) out.Add(',');
    first = false;
    out.AddString(label.name);
    out.Add(':');
    out.AddString(label.value);
  }
  out.Add('}');
}

// What stands before the value of a point at `time`: ,[time," with room behind it for a copy that
// takes more than it needs.
class PointStarts {
 public:
  void Add(Time time) {
    text_.resize(size_);
    text_ += ",[";
    base::AppendApiTime(time, text_);
    text_ += ",\"";
    size_ = text_.size();
    text_.append(Gathered::kBefore, ' ');
    ends_.push_back(size_);
  }
  // Writes point `index`; only later ones of a list begin with the comma.
  void AddPoint(std::size_t index, bool first, double value, Gathered& out) const {
    const std::size_t from = (index == 0 ? 0 : ends_[index - 1]) + (first ? 1 : 0);
    out.AddPoint(text_.data() + from, ends_[index] - from, value);
  }

 private:
  std::string text_;
  std::size_t size_ = 0;  // of the text that counts
  std::vector<std::size_t> ends_;
};

// Scalars and strings do not go through Prometheus's codec but through encoding/json: the time is a
// plain number, the value never has an exponent, and a string is escaped for HTML.
std::string PlainSeconds(Time time) {
  return base::FixedShortest(static_cast<double>(time) / 1000);
}

void AppendResult(const Scalar& scalar, std::string& out) {
  out += base::format("[{},\"{}\"]", PlainSeconds(scalar.time), base::FixedShortest(scalar.value));
}

void AppendResult(const String& string, std::string& out) {
  out += base::format("[{},", PlainSeconds(string.time));
  document::AppendJsonStringHtml(string.value, out);
  out.push_back(']');
}

// What stands between the brackets of a vector's or a matrix's result, item by item.
class VectorItems {
 public:
  explicit VectorItems(const Vector& vector) : vector_(vector) { start_.Add(vector.time); }
  std::size_t size() const { return vector_.elements.size(); }
  void Append(std::size_t index, Gathered& out) const {
    const Element& element = vector_.elements[index];
    AddMetric(element.labels, out);
    out.Add(",\"value\":");
    start_.AddPoint(0, true, element.value, out);
    out.Add('}');
  }

 private:
  const Vector& vector_;
  PointStarts start_;
};

class MatrixItems {
 public:
  // The times of a grid are the same for every series: they are spelled once.
  explicit MatrixItems(const Matrix& matrix) : matrix_(matrix) {
    for (std::size_t k = 0; k < matrix.steps; ++k)
      starts_.Add(matrix.start + static_cast<Time>(k) * matrix.step);
  }
  std::size_t size() const { return matrix_.series.size(); }
  void Append(std::size_t index, Gathered& out) const {
    const Matrix::Series& series = matrix_.series[index];
    AddMetric(series.labels, out);
    out.Add(",\"values\":[");
    bool first = true;
    if (matrix_.steps == 0) {
      matrix_.ForEachPoint(series, [&](Time time, double value) {
        PointStarts start;
        start.Add(time);
        start.AddPoint(0, std::exchange(first, false), value, out);
      });
    }
    const double* values = matrix_.values.data() + series.first;
    for (std::size_t k = 0; k < matrix_.steps; ++k) {
      if (!IsAbsent(values[k])) starts_.AddPoint(k, std::exchange(first, false), values[k], out);
    }
    out.Add("]}");
  }

 private:
  const Matrix& matrix_;
  PointStarts starts_;
};

void AppendNotes(std::string_view name, std::string_view kind,
                 const std::vector<std::string>& notes, std::size_t most, std::string& out) {
  if (notes.empty()) return;
  out += ",\"";
  out += name;
  out += "\":[";
  const std::size_t shown = most == 0 ? notes.size() : std::min(most, notes.size());
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0) out.push_back(',');
    document::AppendJsonStringHtml(notes[i], out);
  }
  if (shown < notes.size()) {
    document::AppendJsonStringHtml(
        base::format("{} more {} annotations omitted", notes.size() - shown, kind), out += ',');
  }
  out.push_back(']');
}

}  // namespace

struct AnswerWriter::Items {
  std::variant<VectorItems, MatrixItems> of;

  std::size_t size() const {
    return std::visit([](const auto& items) { return items.size(); }, of);
  }
  void Append(std::size_t index, Gathered& out) const {
    std::visit([&](const auto& items) { items.Append(index, out); }, of);
  }
};

AnswerWriter::AnswerWriter(const Answer& answer, std::size_t max_annotations,
                           std::string_view stats)
    : answer_(answer), max_annotations_(max_annotations), stats_(stats) {
  if (const auto* vector = std::get_if<Vector>(&answer.value)) {
    items_ = std::make_unique<Items>(Items{VectorItems(*vector)});
  } else if (const auto* matrix = std::get_if<Matrix>(&answer.value)) {
    items_ = std::make_unique<Items>(Items{MatrixItems(*matrix)});
  }
}

AnswerWriter::~AnswerWriter() = default;

bool AnswerWriter::Append(std::string& out) {
  constexpr std::size_t kPiece = 100'000, kItem = 200, kSlack = 8192;
  const std::size_t full = out.size() + kPiece;
  if (!std::exchange(begun_, true)) {
    out += "{\"status\":\"success\",\"data\":{\"resultType\":\"";
    out += ResultTypeText(answer_.value);
    out += "\",\"result\":";
    if (items_) out.push_back('[');
    if (const auto* scalar = std::get_if<Scalar>(&answer_.value)) AppendResult(*scalar, out);
    if (const auto* string = std::get_if<String>(&answer_.value)) AppendResult(*string, out);
  }
  if (items_) {
    // Most answers are about as long as that; to grow step by step costs more than the writing.
    out.reserve(out.size() + std::min(kPiece + kSlack, (items_->size() - next_) * kItem + kSlack));
    Gathered gathered(out);
    for (; next_ < items_->size(); ++next_) {
      if (out.size() >= full) return true;
      if (next_ > 0) gathered.Add(',');
      items_->Append(next_, gathered);
    }
  }
  if (items_) out.push_back(']');
  if (!stats_.empty()) {
    out += ",\"stats\":";
    out += stats_;
  }
  out.push_back('}');
  AppendNotes("warnings", "warning", answer_.annotations.warnings, max_annotations_, out);
  AppendNotes("infos", "info", answer_.annotations.infos, max_annotations_, out);
  out.push_back('}');
  return false;
}

void AppendAnswer(const Answer& answer, std::size_t max_annotations, std::string& out,
                  std::string_view stats) {
  AnswerWriter writer(answer, max_annotations, stats);
  while (writer.Append(out)) {
  }
}

void AppendError(const base::Error& error, std::string& out) {
  out += "{\"status\":\"error\",\"errorType\":\"";
  out += ErrorTypeText(error.kind);
  out += "\",\"error\":";
  document::AppendJsonStringHtml(error.message, out);
  out.push_back('}');
}

std::string_view ErrorTypeText(base::Error::Kind kind) {
  using Kind = base::Error::Kind;
  switch (kind) {
    case Kind::kBadInput:
      return "bad_data";
    case Kind::kNotFound:
      return "not_found";
    case Kind::kLimit:
      return "execution";
    case Kind::kTimeout:
      return "timeout";
    case Kind::kCanceled:
      return "canceled";
    case Kind::kUnavailable:
      return "unavailable";
    case Kind::kExecution:
      return "execution";
    case Kind::kInternal:
      return "internal";
  }
  return "internal";
}

}  // namespace plimsoll::eval
