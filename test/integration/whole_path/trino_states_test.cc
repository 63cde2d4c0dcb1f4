// SPDX-License-Identifier: Apache-2.0
//
// What recorded coordinators said, through the whole path, against what was true when they said it.
//
// test/fixtures/trino-truth.tsv holds for each recorded page what every signal must be; its head
// says what the columns mean. A page is fed in every slot until the windows are full; then the
// signals are read from the page of /metrics. A page or a state that the table does not know, and
// a row whose page is missing, are errors.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "config/preset.h"
#include "integration/whole_path/faces.h"

using namespace plimsoll;  // NOLINT: a test names many of its things
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

const fs::path kFixtures = PLIMSOLL_SOURCE_ROOT "/test/fixtures";
const fs::path kTable = kFixtures / "trino-truth.tsv";
constexpr auto kLongEnough = 390s;  // the head of the table says so
const std::string kUrl = "http://coordinator:8080/metrics";

struct Row {
  int line = 0;
  std::string signal = {}, expected = {}, tolerance = {};
};
// Version, state, dialect; a dialect of "*" stands for every page of the state.
using PageKey = std::tuple<std::string, std::string, std::string>;
using Truth = std::map<PageKey, std::vector<Row>>;

std::string Text(const PageKey& key) {
  return "trino-" + std::get<0>(key) + "/" + std::get<1>(key) + "/" + std::get<2>(key);
}

Truth ReadTruth(std::istream& table) {
  Truth truth;
  int number = 0;
  bool header = true;
  for (std::string line; std::getline(table, line);) {
    ++number;
    if (line.empty() || line.front() == '#') continue;
    std::vector<std::string> fields;
    std::istringstream columns(line);
    for (std::string field; std::getline(columns, field, '\t');) fields.push_back(field);
    CAPTURE(number);
    REQUIRE(fields.size() >= 5);
    fields.resize(7);
    if (std::exchange(header, false)) {
      REQUIRE(fields == std::vector<std::string>{"version", "dialect", "state", "signal",
                                                 "expected", "tolerance", "evidence"});
      continue;
    }
    truth[{fields[0], fields[2], fields[1]}].push_back({number, fields[3], fields[4], fields[5]});
  }
  return truth;
}

Truth ReadTruth(const fs::path& path) {
  std::ifstream table(path);
  REQUIRE(table.good());
  return ReadTruth(table);
}

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE_MESSAGE(in.good(), path.string());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Where table and folders disagree, a line for each, sorted.
std::vector<std::string> Disagreements(const Truth& truth, const fs::path& fixtures) {
  std::set<std::string> problems;
  std::set<PageKey> used;
  for (const auto& release : fs::directory_iterator(fixtures)) {
    const std::string folder = release.path().filename().string();
    if (!release.is_directory() || !folder.starts_with("trino-")) continue;
    const std::string version = folder.substr(6);
    for (const auto& state : fs::directory_iterator(release)) {
      const std::string name = state.path().filename().string();
      const auto known = [&](const auto& entry) {
        return std::get<0>(entry.first) == version && std::get<1>(entry.first) == name;
      };
      if (std::none_of(truth.begin(), truth.end(), known)) {
        problems.insert(folder + "/" + name + ": a state without a row");
        continue;
      }
      for (const auto& file : fs::directory_iterator(state)) {
        const std::string dialect = file.path().stem().string();
        if (file.path().extension() != ".prom" || dialect.starts_with("worker")) continue;
        const PageKey page{version, name, dialect}, whole{version, name, "*"};
        if (!truth.contains(page) && !truth.contains(whole))
          problems.insert(Text(page) + ": a page without a row");
        used.insert(truth.contains(page) ? page : whole);
      }
    }
  }
  for (const auto& [key, rows] : truth) {
    if (!used.contains(key))
      problems.insert("line " + std::to_string(rows.front().line) + ": no page " + Text(key));
  }
  return {problems.begin(), problems.end()};
}

std::string ContentType(const fs::path& headers) {
  std::istringstream lines(ReadFile(headers));
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    std::string lower = line.substr(0, line.find(':'));
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (lower == "content-type") return line.substr(line.find_first_not_of(' ', lower.size() + 1));
  }
  return "";
}

void Serve(test::FakeTargets& targets, const std::string& url, const fs::path& page) {
  fs::path headers = page;
  headers.replace_extension(".headers");
  targets.Serve(url, ReadFile(page), ContentType(headers));
}

std::string Near(const test::Faces::Samples& samples, const Row& row) {
  if (row.expected == "absent") return samples.empty() ? "" : "there is one";
  if (samples.empty()) return "there is none";
  if (samples.size() > 1) return "there are several";
  const auto number = [](const std::string& text) {
    double value = NAN;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  };
  const double expected = number(row.expected), got = samples.begin()->second;
  const double tolerance =
      row.tolerance.empty() ? 1e-9 * std::max(1.0, std::abs(expected)) : number(row.tolerance);
  return std::abs(got - expected) <= tolerance ? "" : "it is " + std::to_string(got);
}

struct Tally {
  int pages = 0, asserted = 0, exempt = 0;
};

// The preset, with the addresses of as many workers as the state has pages of.
std::shared_ptr<const config::Config> ConfigWith(const std::vector<std::string>& workers) {
  const auto preset = config::FromPreset("trino", "coordinator:8080");
  REQUIRE(preset.has_value());
  if (workers.empty()) return preset->config;
  std::string text = preset->text, targets = "\"coordinator:8080\"";
  const std::size_t at = text.find(targets);
  REQUIRE(at != std::string::npos);
  for (const std::string& worker : workers) targets += ", \"" + worker + ":8080\"";
  return test::ConfigOf(text.replace(at, std::string("\"coordinator:8080\"").size(), targets));
}

void CheckPage(const PageKey& key, const std::vector<Row>& rows, bool with_workers, Tally& tally) {
  const auto& [version, state, dialect] = key;
  if (dialect == "*") {
    tally.exempt += static_cast<int>(rows.size());
    return;
  }
  const fs::path folder = kFixtures / ("trino-" + version) / state;
  std::vector<std::string> workers;
  if (with_workers) {
    for (const auto& file : fs::directory_iterator(folder)) {
      const std::string name = file.path().filename().string();
      if (name.starts_with("worker") && name.ends_with("-" + dialect + ".prom"))
        workers.push_back(name.substr(0, name.find('-')));
    }
    std::sort(workers.begin(), workers.end());
    if (workers.empty()) return;
  }
  test::Faces faces(ConfigWith(workers));
  Serve(faces.path.targets, kUrl, folder / (dialect + ".prom"));
  for (const std::string& worker : workers) {
    Serve(faces.path.targets, "http://" + worker + ":8080/metrics",
          folder / (worker + "-" + dialect + ".prom"));
  }
  faces.path.Run(kLongEnough);
  ++tally.pages;
  const test::Faces::Samples all = faces.AllSignals();
  for (const Row& row : rows) {
    if (row.expected.starts_with("exempt:")) {
      ++tally.exempt;
      continue;
    }
    test::Faces::Samples samples;
    for (const auto& [series, value] : all) {
      if (series.substr(0, series.find('{')) == row.signal) samples[series] = value;
    }
    const std::string wrong = Near(samples, row);
    CHECK_MESSAGE(wrong.empty(), kTable.filename().string()
                                     << ":" << row.line << ": " << Text(key) << ": " << row.signal
                                     << " must be " << row.expected << ", " << wrong);
    ++tally.asserted;
  }
}

void CheckPages(const std::string& what, bool with_workers, auto wanted) {
  Tally tally;
  for (const auto& [key, rows] : ReadTruth(kTable)) {
    if (wanted(std::get<0>(key))) CheckPage(key, rows, with_workers, tally);
  }
  CHECK(tally.asserted > 0);
  MESSAGE(what << ": " << tally.pages << " pages, " << tally.asserted << " signals compared, "
               << tally.exempt << " exempt");
}

// Files of a test, gone at its end.
struct Folder {
  fs::path path = fs::temp_directory_path() / ("plimsoll-states-" + std::to_string(getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  void Touch(const std::string& name) const {
    fs::create_directories((path / name).parent_path());
    std::ofstream(path / name) << "";
  }
};

}  // namespace

TEST_CASE("every recorded state and page has rows, and every row has its page") {
  CHECK(Disagreements(ReadTruth(kTable), kFixtures) == std::vector<std::string>{});
}

TEST_CASE("a state without rows, a page without rows and a row without its page are found") {
  const Folder folder;
  folder.Touch("trino-1/known/metrics-filtered.prom");
  folder.Touch("trino-1/known/worker1-metrics-filtered.prom");
  folder.Touch("trino-1/known/planted-dialect.prom");
  folder.Touch("trino-1/planted-state/metrics-filtered.prom");
  folder.Touch("trino-1/errors/anything.prom");
  std::istringstream table(
      "version\tdialect\tstate\tsignal\texpected\ttolerance\tevidence\n"
      "1\tmetrics-filtered\tknown\ttrino_queued\t0\t\tseen\n"
      "1\tmetrics-full\tknown\ttrino_queued\t0\t\tseen\n"
      "1\t*\terrors\t*\texempt:no page of a coordinator\t\t\n"
      "2\tmetrics-filtered\tknown\ttrino_queued\t0\t\tseen\n");
  CHECK(Disagreements(ReadTruth(table), folder.path) ==
        std::vector<std::string>{"line 3: no page trino-1/known/metrics-full",
                                 "line 5: no page trino-2/known/metrics-filtered",
                                 "trino-1/known/planted-dialect: a page without a row",
                                 "trino-1/planted-state: a state without a row"});
}

TEST_CASE("a signal that is wrong, missing, there against the table or there twice is found") {
  CHECK(Near({{"x", 3}}, {.expected = "3"}).empty());
  CHECK(Near({{"x", 3.5}}, {.expected = "3", .tolerance = "0.5"}).empty());
  CHECK(Near({{"x", 3.5}}, {.expected = "3"}) == "it is 3.500000");
  CHECK(Near({{"x", NAN}}, {.expected = "3"}) == "it is nan");
  CHECK(Near({}, {.expected = "0"}) == "there is none");
  CHECK(Near({{"x", 0}}, {.expected = "absent"}) == "there is one");
  CHECK(Near({{"x{a=\"1\"}", 0}, {"x{a=\"2\"}", 0}}, {.expected = "0"}) == "there are several");
}

TEST_CASE("every signal of every page of 435 is as the table says") {
  CheckPages("435", false, [](const std::string& version) { return version == "435"; });
}

TEST_CASE("every signal of every page of 476 is as the table says") {
  CheckPages("476", false, [](const std::string& version) { return version == "476"; });
}

TEST_CASE("every signal of every page of 483 is as the table says") {
  CheckPages("483", false, [](const std::string& version) { return version == "483"; });
}

TEST_CASE("every signal of every page of the other releases is as the table says") {
  CheckPages("others", false, [](const std::string& version) {
    return version != "435" && version != "476" && version != "483";
  });
}

TEST_CASE("workers that are scraped in the same job change no signal") {
  CheckPages("with workers", true, [](const std::string&) { return true; });
}
