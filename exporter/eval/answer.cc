// SPDX-License-Identifier: Apache-2.0
//
// API bodies appended to a string, number by number. See answer.h.
#include "eval/answer.h"

#include <algorithm>
#include <array>

#include "base/format.h"
#include "base/number_text.h"
#include "document/json.h"

namespace plimsoll::eval {
namespace {

constexpr char kHex[] = "0123456789abcdef";

// What must be spelled differently, or may have to be.
bool IsPlain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

// A JSON string as Prometheus's json codec writes it: UTF-8 as it is, invalid bytes replaced.
void AppendString(std::string_view text, std::string& out) {
  out.push_back('"');
  if (std::all_of(text.begin(), text.end(), IsPlain)) {
    out.append(text);
    out.push_back('"');
    return;
  }
  const bool valid = base::IsValidUtf8(text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(c));
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c < 0x20) {
      out += "\\u00";
      out.push_back(kHex[c >> 4]);
      out.push_back(kHex[c & 15]);
    } else if (c >= 0x80 && !valid) {
      out += "\\ufffd";
    } else {
      out.push_back(static_cast<char>(c));
    }
  }
  out.push_back('"');
}

void AppendMetric(const model::Labels& labels, std::string& out) {
  out += "{\"metric\":{";
  bool first = true;
  for (const model::Label& label : labels) {
    if (!first) out.push_back(',');
    first = false;
    AppendString(label.name, out);
    out.push_back(':');
    AppendString(label.value, out);
  }
  out.push_back('}');
}

// Points one after the other, gathered on the stack and handed on when it is full. A time has up to
// twenty characters.
class Points {
 public:
  explicit Points(std::string& out) : out_(out) {}
  ~Points() { Flush(); }
  Points(const Points&) = delete;
  Points& operator=(const Points&) = delete;

  void Add(std::string_view time, double value) {
    if (buffer_.data() + buffer_.size() - end_ < kRoom) Flush();
    char* to = end_;
    if (!std::exchange(first_, false)) *to++ = ',';
    *to++ = '[';
    to = std::copy(time.begin(), time.end(), to);
    to = std::copy_n(",\"", 2, to);
    to = base::WriteApiFloat(value, to);
    end_ = std::copy_n("\"]", 2, to);
  }

 private:
  static constexpr std::ptrdiff_t kRoom = 32 + static_cast<std::ptrdiff_t>(base::kApiFloatRoom);
  void Flush() {
    out_.append(buffer_.data(), end_);
    end_ = buffer_.data();
  }
  std::string& out_;
  bool first_ = true;
  std::array<char, 4096> buffer_;
  char* end_ = buffer_.data();
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
  explicit VectorItems(const Vector& vector) : vector_(vector) {
    base::AppendApiTime(vector.time, time_);
  }
  std::size_t size() const { return vector_.elements.size(); }
  void Append(std::size_t index, std::string& out) const {
    const Element& element = vector_.elements[index];
    AppendMetric(element.labels, out);
    out += ",\"value\":";
    Points(out).Add(time_, element.value);
    out.push_back('}');
  }

 private:
  const Vector& vector_;
  std::string time_;
};

class MatrixItems {
 public:
  explicit MatrixItems(const Matrix& matrix) : matrix_(matrix), ends_(1, 0) {
    // The times of a grid are the same for every series: they are spelled once.
    for (std::size_t k = 0; k < matrix.steps; ++k) {
      base::AppendApiTime(matrix.start + static_cast<Time>(k) * matrix.step, times_);
      ends_.push_back(times_.size());
    }
  }
  std::size_t size() const { return matrix_.series.size(); }
  void Append(std::size_t index, std::string& out) const {
    const Matrix::Series& series = matrix_.series[index];
    AppendMetric(series.labels, out);
    out += ",\"values\":[";
    {
      Points points(out);
      if (matrix_.steps == 0) {
        matrix_.ForEachPoint(series, [&](Time time, double value) {
          std::string text;
          base::AppendApiTime(time, text);
          points.Add(text, value);
        });
      }
      const double* values = matrix_.values.data() + series.first;
      const std::string_view times = times_;
      for (std::size_t k = 0; k < matrix_.steps; ++k) {
        if (!IsAbsent(values[k]))
          points.Add(times.substr(ends_[k], ends_[k + 1] - ends_[k]), values[k]);
      }
    }
    out += "]}";
  }

 private:
  const Matrix& matrix_;
  std::string times_;
  std::vector<std::size_t> ends_;
};

template <typename Items>
void AppendItems(const Items& items, std::string& out) {
  out.push_back('[');
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out.push_back(',');
    items.Append(i, out);
  }
  out.push_back(']');
}

void AppendResult(const Vector& vector, std::string& out) { AppendItems(VectorItems(vector), out); }

void AppendResult(const Matrix& matrix, std::string& out) { AppendItems(MatrixItems(matrix), out); }

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

void AppendData(const Value& value, std::string& out) {
  out += "{\"resultType\":\"";
  out += ResultTypeText(value);
  out += "\",\"result\":";
  std::visit([&](const auto& result) { AppendResult(result, out); }, value);
  out.push_back('}');
}

void AppendAnswer(const Answer& answer, std::size_t max_annotations, std::string& out,
                  std::string_view stats) {
  out += "{\"status\":\"success\",\"data\":";
  AppendData(answer.value, out);
  if (!stats.empty()) {
    out.back() = ',';
    out += "\"stats\":";
    out += stats;
    out.push_back('}');
  }
  AppendNotes("warnings", "warning", answer.annotations.warnings, max_annotations, out);
  AppendNotes("infos", "info", answer.annotations.infos, max_annotations, out);
  out.push_back('}');
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
