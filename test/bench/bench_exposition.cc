// SPDX-License-Identifier: Apache-2.0
//
// How fast is a page read: all of it, only the families that somebody needs, and not at all
// (memchr).
//
// Question: is the parser ever the reason why a scrape is expensive? Bars: above 1 GB/s with every
// value read; above half of memchr's own line scan when nearly everything is skipped.
// PLIMSOLL_BENCH_PAGE=FILE measures a recorded page instead of the made one; a FILE that ends with
// the end mark is read as OpenMetrics.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/format.h"
#include "exposition/name_filter.h"
#include "exposition/page_parser.h"

namespace {

using namespace plimsoll;
using exposition::Format;
using exposition::PageParser;

// Shaped like the page of an engine behind a JMX exporter: long names, many NaN, summaries with
// labels.
std::string MadePage() {
  std::string page;
  for (int bean = 0; bean < 120; ++bean) {
    for (int attribute = 0; attribute < 8; ++attribute) {
      const std::string name = base::format("trino_execution_name_Manager{}_Duration{}_AllTime_P{}",
                                            bean, bean % 7, attribute * 5);
      page += base::format("# HELP {0} the attribute {1}\n# TYPE {0} gauge\n", name, attribute);
      page += attribute % 2 == 0 ? base::format("{} NaN\n", name)
                                 : base::format("{} {}.{}E8\n", name, attribute, bean);
    }
    for (int label = 0; label < 8; ++label) {
      page += base::format(
          "pool_bytes_{}{{node=\"10.0.{}.17:8080\",pool=\"general\",quantile=\"0.{}\"}} {}\n", bean,
          label, label, bean * 1048576);
    }
  }
  return page;
}

const std::string& Page() {
  static const std::string page = [] {
    const char* const file = std::getenv("PLIMSOLL_BENCH_PAGE");
    if (file == nullptr) return MadePage();
    std::ifstream in(file, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  }();
  return page;
}

Format FormatOfPage() {
  return Page().ends_with("# EOF\n") || Page().ends_with("# EOF") ? Format::kOpenMetrics
                                                                  : Format::kText;
}

// Every 1/count-th metric name of the page.
exposition::NameFilter SomeNames(std::size_t count) {
  std::vector<std::string> names;
  PageParser parser(Page(), FormatOfPage());
  for (PageParser::Entry entry;
       (entry = parser.Next()) != PageParser::Entry::kEnd && entry != PageParser::Entry::kError;) {
    if (entry != PageParser::Entry::kSample) continue;
    if (names.empty() || names.back() != parser.Name()) names.emplace_back(parser.Name());
  }
  exposition::NameFilter filter;
  const std::size_t step = std::max<std::size_t>(1, names.size() / std::max<std::size_t>(1, count));
  for (std::size_t i = step / 2; i < names.size(); i += step) filter.Add(names[i]);
  return filter;
}

void Read(benchmark::State& state, const exposition::NameFilter* keep) {
  std::int64_t samples = 0;
  for (auto _ : state) {
    PageParser parser(Page(), FormatOfPage(), keep);
    double sum = 0;
    for (PageParser::Entry entry; (entry = parser.Next()) != PageParser::Entry::kEnd;) {
      if (entry == PageParser::Entry::kError)
        return state.SkipWithError(parser.error().ToString().c_str());
      if (entry != PageParser::Entry::kSample) continue;
      sum += parser.Value();
      samples += 1;
    }
    benchmark::DoNotOptimize(sum);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(Page().size()));
  state.counters["samples"] =
      static_cast<double>(samples) / static_cast<double>(state.iterations());
}

void BM_AllKept(benchmark::State& state) { Read(state, nullptr); }
void BM_SomeKept(benchmark::State& state) {
  const auto filter = SomeNames(static_cast<std::size_t>(state.range(0)));
  Read(state, &filter);
}

// The floor: find every line break.
void BM_Memchr(benchmark::State& state) {
  for (auto _ : state) {
    const char* at = Page().data();
    const char* const end = at + Page().size();
    std::int64_t lines = 0;
    while (at != end) {
      const void* const line_break = std::memchr(at, '\n', static_cast<std::size_t>(end - at));
      if (line_break == nullptr) break;
      at = static_cast<const char*>(line_break) + 1;
      lines += 1;
    }
    benchmark::DoNotOptimize(lines);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(Page().size()));
}

BENCHMARK(BM_AllKept);
BENCHMARK(BM_SomeKept)->Arg(25);
BENCHMARK(BM_Memchr);

}  // namespace

BENCHMARK_MAIN();
