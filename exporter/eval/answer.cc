// SPDX-License-Identifier: Apache-2.0
//
// API bodies appended to a string, number by number. See answer.h.
#include "eval/answer.h"

#include "base/format.h"
#include "base/number_text.h"
#include "document/json.h"

namespace plimsoll::eval {
namespace {

constexpr char kHex[] = "0123456789abcdef";

// A JSON string as Prometheus's json codec writes it: UTF-8 as it is, invalid bytes replaced.
void AppendString(std::string_view text, std::string& out) {
  out.push_back('"');
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

void AppendPoint(std::string_view time, double value, std::string& out) {
  out.push_back('[');
  out.append(time);
  out += ",\"";
  base::AppendApiFloat(value, out);
  out += "\"]";
}

void AppendPoint(Time time, double value, std::string& out) {
  std::string text;
  base::AppendApiTime(time, text);
  AppendPoint(text, value, out);
}

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

void AppendResult(const Vector& vector, std::string& out) {
  std::string time;
  base::AppendApiTime(vector.time, time);
  out.push_back('[');
  bool first = true;
  for (const Element& element : vector.elements) {
    if (!first) out.push_back(',');
    first = false;
    AppendMetric(element.labels, out);
    out += ",\"value\":";
    AppendPoint(time, element.value, out);
    out.push_back('}');
  }
  out.push_back(']');
}

void AppendResult(const Matrix& matrix, std::string& out) {
  // The times of a grid are the same for every series: they are spelled once.
  std::string times;
  std::vector<std::size_t> ends = {0};
  for (std::size_t k = 0; k < matrix.steps; ++k) {
    base::AppendApiTime(matrix.start + static_cast<Time>(k) * matrix.step, times);
    ends.push_back(times.size());
  }
  out.push_back('[');
  bool first = true;
  for (const Matrix::Series& series : matrix.series) {
    if (!first) out.push_back(',');
    first = false;
    AppendMetric(series.labels, out);
    out += ",\"values\":[";
    bool first_point = true;
    if (matrix.steps == 0) {
      matrix.ForEachPoint(series, [&](Time time, double value) {
        if (!std::exchange(first_point, false)) out.push_back(',');
        AppendPoint(time, value, out);
      });
    } else {
      for (std::size_t k = 0; k < matrix.steps; ++k) {
        const double value = matrix.values[series.first + k];
        if (IsAbsent(value)) continue;
        if (!std::exchange(first_point, false)) out.push_back(',');
        AppendPoint(std::string_view(times).substr(ends[k], ends[k + 1] - ends[k]), value, out);
      }
    }
    out += "]}";
  }
  out.push_back(']');
}

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
