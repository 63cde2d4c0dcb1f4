// SPDX-License-Identifier: Apache-2.0
//
// plimsoll eval: PromQL over recorded history, through the ordinary appender and querier, without a
// server.
//
// With "-" each line of standard input is one request, each answer one flushed line, in order:
//   {"expr":"...","time":S} or {"expr":"...","start":S,"end":S,"step":S}   the body of the API
//   {"parse":"..."}      {"status":"success","data":{"expr":the expression as
//   printed,"type":"instant vector"}}
//   {"history":"..."}    appends what a file of --data holds, as one batch of later samples
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "app/features.h"
#include "app/query_times.h"
#include "app/verbs.h"
#include "base/clock.h"
#include "base/format.h"
#include "document/json.h"
#include "eval/answer.h"
#include "eval/engine.h"
#include "promql/parser.h"
#include "promql/print.h"
#include "store/history.h"
#include "store/memory_store.h"

namespace plimsoll::app {
namespace {

using base::Error;
using base::Result;

struct Request {
  enum class What { kQuery, kParse, kHistory } what = What::kQuery;
  std::string expr;  // or the text of the history
  QueryTimes times;
  bool range = false;
};

// Everything a history file may hold stays, however long ago it was recorded.
store::Limits LimitsOf(const EvalOptions& options) {
  store::Limits limits;
  limits.chunk_samples = options.chunk_samples;
  limits.max_series = UINT64_MAX;
  limits.max_bytes = UINT64_MAX;
  limits.max_pin = std::chrono::hours(24 * 365);
  return limits;
}

class Session {
 public:
  explicit Session(const EvalOptions& eval) : store_(LimitsOf(eval)) {
    const QueryOptions& options = eval.query;
    store_.SetWindow(std::chrono::hours(24 * 365 * 200));
    eval_.lookback = options.lookback;
    eval_.default_step = options.default_step;
    eval_.max_samples = options.max_samples;
    eval_.timeout = options.timeout;
    eval_.clock = &base::SystemClock();
    eval_.features = FeaturesOf(options.features);
    parse_ = ParseOptionsOf(options.features);
  }

  Result<void> Load(const std::vector<std::string>& files) {
    store::HistoryLoader loader;
    for (const std::string& file : files) {
      std::ifstream in(file, std::ios::binary);
      if (!in) return Error{Error::Kind::kUnavailable, "cannot read " + file};
      const std::string text((std::istreambuf_iterator<char>(in)),
                             std::istreambuf_iterator<char>());
      if (auto added = loader.Add(text, file); !added) return added;
    }
    return Append(loader);
  }

  // Returns: the line that answers the request.
  std::string Handle(const Request& request) {
    std::string out;
    switch (request.what) {
      case Request::What::kQuery:
        return Answer(request, 0);
      case Request::What::kParse: {
        const auto expr = promql::Parse(request.expr, parse_);
        if (!expr) {
          eval::AppendError(expr.error(), out);
          return out;
        }
        document::JsonWriter json(out);
        json.Object().Key("status").String("success").Key("data").Object();
        json.Key("expr").String(promql::Print(**expr));
        json.Key("type").String(promql::TypeText((*expr)->type)).EndObject().EndObject();
        return out;
      }
      case Request::What::kHistory: {
        store::HistoryLoader loader;
        auto added = loader.Add(request.expr, "history");
        if (added) added = Append(loader);
        if (added) return R"({"status":"success"})";
        Error error = added.error();
        error.message = error.ToString();  // says the line of the history
        eval::AppendError(error, out);
        return out;
      }
    }
    return out;
  }

  // Returns: the body that the HTTP API would answer.
  std::string Answer(const Request& request, std::size_t max_annotations) {
    std::string out;
    const auto expr = promql::Parse(request.expr, parse_);
    if (!expr) {
      eval::AppendError(expr.error(), out);
      return out;
    }
    const auto querier = store_.Open();
    const auto& times = request.times;
    const auto answer = request.range
                            ? eval::Range(**expr, request.expr, *querier, times.start, times.end,
                                          std::chrono::milliseconds(times.step), eval_)
                            : eval::Instant(**expr, request.expr, *querier, times.at, eval_);
    if (!answer) {
      eval::AppendError(answer.error(), out);
    } else {
      eval::AppendAnswer(*answer, max_annotations, out);
    }
    return out;
  }

 private:
  Result<void> Append(store::HistoryLoader& loader) {
    const auto stats = loader.AppendTo(store_.appender());
    if (!stats) return stats.error();
    return {};
  }

  store::MemoryStore store_;
  eval::Options eval_;
  promql::ParseOptions parse_;
};

Result<Request> ReadRequest(std::string_view line) {
  const auto json = document::ParseJson(line);
  if (!json) return json.error();
  Request request;
  for (const auto& [name, what] :
       {std::pair{"parse", Request::What::kParse}, std::pair{"history", Request::What::kHistory}}) {
    if (const auto text = json->String(name)) {
      request.what = what;
      request.expr = *text;
      return request;
    }
  }
  const auto expr = json->String("expr");
  if (!expr) return base::BadInput("a request needs \"expr\", \"parse\" or \"history\"");
  request.expr = *expr;
  const auto milliseconds = [&](std::string_view name) -> std::optional<base::Time> {
    const auto seconds = json->Number(name);
    if (!seconds) return std::nullopt;
    return static_cast<base::Time>(std::llround(*seconds * 1000));
  };
  if (const auto time = milliseconds("time")) {
    request.times.at = *time;
    return request;
  }
  const auto start = milliseconds("start"), end = milliseconds("end"), step = milliseconds("step");
  if (!start || !end || !step)
    return base::BadInput("a request needs \"time\", or \"start\", \"end\" and \"step\"");
  if (*step <= 0) {
    return base::BadInput(
        "zero or negative query resolution step widths are not accepted. Try a positive integer");
  }
  if (*end < *start) return base::BadInput("end timestamp must not be before start time");
  request.range = true;
  request.times.start = *start;
  request.times.end = *end;
  request.times.step = *step;
  return request;
}

int AnswerLines(Session& session) {
  std::string line;
  while (std::getline(std::cin, line)) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    std::string answer;
    if (const auto request = ReadRequest(line)) {
      answer = session.Handle(*request);
    } else {
      eval::AppendError(request.error(), answer);
    }
    answer += '\n';
    std::fwrite(answer.data(), 1, answer.size(), stdout);
    std::fflush(stdout);
  }
  return kGood;
}

}  // namespace

int Do(const EvalOptions& options) {
  Session session(options);
  if (auto loaded = session.Load(options.data); !loaded) return Fail(loaded.error());
  if (options.expr == "-") return AnswerLines(session);
  Request request{.expr = options.expr};
  request.range = !options.start.empty() || !options.end.empty() || !options.step.empty();
  const auto times = ReadQueryTimes(options.time, options.start, options.end, options.step,
                                    base::SystemClock().Now(), request.range);
  if (!times) return Fail(times.error());
  request.times = *times;
  const std::string answer = session.Answer(request, 0);
  fmt::print("{}\n", answer);
  return answer.find("{\"status\":\"success\"") == 0 ? kGood : kBadInput;
}

}  // namespace plimsoll::app
