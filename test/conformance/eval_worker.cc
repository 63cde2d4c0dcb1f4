// SPDX-License-Identifier: Apache-2.0
//
// The evaluator behind a line protocol: requests as JSON lines in, answers as JSON lines out.
//
// Programs that compare PromQL engines drive it; no network, no files but those it is told to load.
// Requests: hello, config, clear, load, load_file (ndjson), query; times in milliseconds.
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/number_text.h"
#include "eval/answer.h"
#include "eval/engine.h"
#include "promql/parser.h"
#include "support/memory_querier.h"

namespace {

using nlohmann::json;
using namespace plimsoll;

double ValueOf(const std::string& text) {
  if (text == "stale") return model::StaleNaN();
  if (text == "NaN") return model::NormalNaN();
  return base::ParseFloat(text).value_or(model::NormalNaN());
}

class Worker {
 public:
  std::string Handle(const std::string& line) {
    const json request = json::parse(line);
    const std::string op = request.value("op", "query");
    std::string answer = "{\"status\":\"success\"}";
    if (op == "hello") {
      answer = "{\"status\":\"success\",\"version\":1,\"name\":\"plimsoll\"}";
    } else if (op == "config") {
      Configure(request["config"]);
    } else if (op == "clear") {
      storage_.Clear();
    } else if (op == "load") {
      for (const json& series : request["series"]) Load(series);
    } else if (op == "load_file") {
      LoadFile(request["path"]);
    } else if (op == "query") {
      answer = Query(request);
    } else {
      answer = "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"unknown op\"}";
    }
    if (request.contains("id")) answer.insert(answer.size() - 1, ",\"id\":" + request["id"].dump());
    return answer;
  }

  void LoadFile(const std::string& path) {
    std::FILE* file = std::fopen(path.c_str(), "r");
    if (file == nullptr) return;
    std::string line;
    for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) {
      if (c != '\n') {
        line.push_back(static_cast<char>(c));
        continue;
      }
      if (!line.empty()) Load(json::parse(line));
      line.clear();
    }
    std::fclose(file);
  }

 private:
  void Configure(const json& config) {
    using std::chrono::milliseconds;
    options_.lookback = milliseconds(config.value("lookback_ms", 300000));
    options_.default_step = milliseconds(config.value("subquery_step_ms", 60000));
    options_.max_samples = config.value("max_samples", 50000000ULL);
    options_.timeout = milliseconds(config.value("timeout_ms", 120000));
    options_.features.delayed_name_removal = config.value("delayed_name_removal", false);
    parse_.experimental_functions = config.value("experimental_functions", false);
    parse_.extended_range_selectors = config.value("extended_range_selectors", false);
    parse_.binop_fill = config.value("binop_fill", false);
  }

  void Load(const json& series) {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const auto& [name, value] : series["labels"].items()) pairs.emplace_back(name, value);
    const model::Labels labels = model::Labels::FromPairs(pairs);
    for (const json& sample : series["samples"])
      storage_.Add(labels, sample[0], ValueOf(sample[1]));
  }

  std::string Query(const json& request) {
    const std::string text = request["expr"];
    std::string out;
    const auto expr = promql::Parse(text, parse_);
    if (!expr) {
      eval::AppendError(expr.error(), out);
      return out;
    }
    const auto querier = storage_.Open();
    const auto answer =
        request.contains("time")
            ? eval::Instant(**expr, text, *querier, request["time"], options_)
            : eval::Range(**expr, text, *querier, request["start"], request["end"],
                          std::chrono::milliseconds(request["step"].get<std::int64_t>()), options_);
    if (answer) {
      eval::AppendAnswer(*answer, 0, out);
    } else {
      eval::AppendError(answer.error(), out);
    }
    return out;
  }

  test::MemoryStorage storage_;
  eval::Options options_;
  promql::ParseOptions parse_;
};

}  // namespace

int main(int argc, char** argv) {
  Worker worker;
  for (int i = 2; i < argc; i += 2) {
    if (std::string(argv[i - 1]) == "--load") worker.LoadFile(argv[i]);
  }
  std::string line;
  while (std::getline(std::cin, line)) {
    std::string answer;
    try {
      answer = worker.Handle(line);
    } catch (const std::exception& failure) {
      answer = "{\"status\":\"error\",\"errorType\":\"internal\",\"error\":" +
               json(failure.what()).dump() + "}";
    }
    std::cout << answer << std::endl;
  }
}
