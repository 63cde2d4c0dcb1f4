// SPDX-License-Identifier: Apache-2.0
//
// The keeper before an API server that conflicts, refuses, loses things and goes away.
#include "kube/certificate_keeper.h"

#include <doctest/doctest.h>

#include "support/fake_clock.h"
#include "support/fake_cluster.h"

namespace plimsoll::kube {
namespace {

using namespace std::chrono_literals;
using telemetry::MetricId;
using test::FakeCluster;
using Words = std::vector<std::string>;

const Words kFirst = {"secrets ca.crt,ca.key,tls.crt,tls.key", "apiservices caBundle"};

struct Replica {
  Replica(FakeCluster& cluster, const base::Clock& clock) {
    CertificateKeeper::Options options;
    options.name_space = "n";
    options.secret = "s";
    options.service = "plimsoll";
    options.random = [] { return 0.5; };
    options.serve = [this](const http::KeyPair& pair) -> base::Result<void> {
      if (!refuse.empty()) return base::BadInput(refuse);
      served.push_back(pair);
      return {};
    };
    keeper = std::make_unique<CertificateKeeper>(cluster.Client(&telemetry), clock, &telemetry,
                                                 std::move(options));
    keeper->Start();
  }
  double Failures(std::string_view reason) {
    return telemetry.CounterOf(MetricId::kCertificateFailures, {reason}).Value();
  }
  double Gauge(MetricId id) { return telemetry.GaugeOf(id).Value(); }
  double Expiry(std::string_view which) {
    return telemetry.GaugeOf(MetricId::kCertificateExpiry, {which}).Value();
  }

  telemetry::Telemetry telemetry;
  std::vector<http::KeyPair> served;
  std::string refuse;
  std::unique_ptr<CertificateKeeper> keeper;
};

struct Desk {
  Replica& Add() {
    replicas.push_back(std::make_unique<Replica>(cluster, clock));
    cluster.Pump();
    return *replicas.back();
  }
  // Time passes in small steps, as a process lives through it.
  void Pass(std::chrono::milliseconds time, std::chrono::milliseconds step = 1s) {
    for (; time.count() > 0; time -= step) {
      clock.Advance(std::min(time, step));
      for (const auto& each : replicas) each->keeper->Look();
      cluster.Pump();
    }
  }
  Words Writes() { return std::exchange(cluster.writes, {}); }
  bool Believed(const http::KeyPair& pair) {
    const auto [known, fresh] = judged.try_emplace(pair.certificate_pem + cluster.bundle, false);
    if (!fresh) return known->second;
    const auto bundle = http::ReadBundle(cluster.bundle, "bundle");
    if (!bundle) return false;
    for (const auto& each : *bundle) {
      known->second = known->second || http::SignedBy(pair.certificate_pem, each.pem);
    }
    return known->second;
  }

  test::FakeClock clock{1'790'000'000'000};
  FakeCluster cluster{clock};
  std::vector<std::unique_ptr<Replica>> replicas;
  std::map<std::string, bool> judged;
};

TEST_CASE("an empty Secret is filled, the caBundle follows, and the pair is served") {
  Desk desk;
  Replica& one = desk.Add();
  CHECK(desk.Writes() == kFirst);
  REQUIRE(one.served.size() == 1);
  CHECK(one.served[0] ==
        http::KeyPair{(*desk.cluster.secret)["tls.crt"], (*desk.cluster.secret)["tls.key"]});
  CHECK(desk.Believed(one.served[0]));
  CHECK(desk.cluster.bundle == (*desk.cluster.secret)["ca.crt"]);
  const auto facts = http::ReadBundle(one.served[0].certificate_pem, "pair");
  CHECK(facts->front().dns_names ==
        Words{"plimsoll.n.svc", "plimsoll.n.svc.cluster.local", "plimsoll.n", "plimsoll"});
  CHECK(one.keeper->NotReady() == "");
  CHECK(one.Gauge(MetricId::kApiServiceOwned) == 1);
  CHECK(one.Gauge(MetricId::kApiServiceCaMatches) == 1);
  const double now = static_cast<double>(desk.clock.Now()) / 1000;
  CHECK(one.Expiry("serving") == doctest::Approx(now + 30 * 86400));
  CHECK(one.Expiry("ca") == doctest::Approx(now + 365 * 86400));
  desk.Pass(10min);
  CHECK(desk.Writes() == Words{});
}

TEST_CASE("a Secret that is filled already is used as it is") {
  Desk desk;
  desk.Add();
  desk.Writes();
  Replica& two = desk.Add();
  CHECK(desk.Writes() == Words{});
  CHECK(two.served == desk.replicas[0]->served);
}

TEST_CASE(
    "of two replicas that write at once one has a conflict, looks again and serves the same") {
  Desk desk;
  const auto no_writes = [](const http::FetchRequest& request) {
    return request.method != "PATCH";
  };
  for (int i = 0; i < 2; ++i) {
    desk.replicas.push_back(std::make_unique<Replica>(desk.cluster, desk.clock));
    desk.cluster.Pump(no_writes);
  }
  desk.cluster.Pump();  // now both send what they have made
  desk.Pass(5s);
  CHECK(desk.Writes() == kFirst);
  CHECK(desk.replicas[0]->Failures("conflict") + desk.replicas[1]->Failures("conflict") >= 1);
  CHECK(desk.replicas[0]->served == desk.replicas[1]->served);
  CHECK(desk.replicas[0]->served.size() == 1);
}

TEST_CASE("a decision that was overtaken while the Secret was read again is taken back") {
  Desk desk;
  Replica& slow = *desk.replicas.emplace_back(std::make_unique<Replica>(desk.cluster, desk.clock));
  desk.cluster.Pump([](const http::FetchRequest& request) {
    return request.url.find("fieldSelector") != std::string::npos;
  });  // it has decided and asks for the Secret
  Desk other;
  other.Add();
  desk.cluster.SetSecret(*other.cluster.secret);
  desk.cluster.Pump();
  CHECK(desk.Writes() == Words{"apiservices caBundle"});
  CHECK(slow.served == other.replicas[0]->served);
}

TEST_CASE("a missing Secret is not created, is said, and is filled when it comes") {
  Desk desk;
  desk.cluster.secret.reset();
  Replica& one = desk.Add();
  desk.Pass(1min);
  CHECK(desk.cluster.attempts == 0);
  CHECK(one.Failures("secret_missing") >= 1);
  CHECK(one.keeper->NotReady() ==
        "Secret n/s has given no serving certificate yet: Secret n/s does not exist: expected an "
        "empty one to fill");
  desk.cluster.SetSecret({});
  desk.cluster.Pump();
  CHECK(desk.Writes() == kFirst);
  CHECK(one.keeper->NotReady() == "");
}

TEST_CASE("a Secret with somebody else's certificate is left alone") {
  Desk desk;
  desk.cluster.secret = {{"tls.crt", "theirs"}, {"tls.key", "theirs"}, {"ca.crt", "theirs"}};
  Replica& one = desk.Add();
  desk.Pass(1min);
  CHECK(desk.cluster.attempts == 0);
  CHECK(one.served.empty());
  CHECK(one.Failures("secret_foreign") == 1);
}

TEST_CASE("garbage in our Secret is replaced; what was believed before is believed on") {
  Desk desk;
  desk.Add();
  desk.Writes();
  const std::string before = desk.cluster.bundle;
  for (const auto& [key, value] : std::map<std::string, std::string>{
           {"ca.crt", "garbage"}, {"ca.key", "renew"}, {"tls.crt", "garbage"}, {"tls.key", ""}}) {
    CAPTURE(key);
    auto data = *desk.cluster.secret;
    data[key] = value;
    desk.cluster.SetSecret(data);
    desk.cluster.Pump();
    for (int i = 0; i < 120; ++i) {
      desk.Pass(1s);
      CHECK(desk.Believed(desk.replicas[0]->served.back()));
    }
    CHECK(desk.replicas[0]->Failures("secret_garbage") >= 1);
    const http::KeyPair pair{(*desk.cluster.secret)["tls.crt"], (*desk.cluster.secret)["tls.key"]};
    CHECK(http::KeyFits(pair));
    CHECK(desk.replicas[0]->served.back() == pair);
  }
}

TEST_CASE("a Secret that is emptied while we run gets its contents back") {
  Desk desk;
  desk.Add();
  const auto before = *desk.cluster.secret;
  desk.Writes();
  desk.cluster.SetSecret({});
  desk.cluster.Pump();
  CHECK(desk.Writes() == Words{"secrets ca.crt,ca.key,tls.crt,tls.key"});
  CHECK(*desk.cluster.secret == before);
  CHECK(desk.replicas[0]->served.size() == 1);
}

TEST_CASE("after a restore from a backup its contents are what counts") {
  Desk backup;
  const http::KeyPair before = backup.Add().served.at(0);
  Desk desk;
  Replica& one = desk.Add();
  CHECK(desk.Believed(one.served.back()));
  desk.Writes();
  desk.cluster.Restore(*backup.cluster.secret, backup.cluster.bundle, true);
  desk.cluster.Pump();
  CHECK(one.served.back() == before);
  CHECK(desk.Believed(one.served.back()));
  CHECK(one.Gauge(MetricId::kApiServiceCaMatches) == 1);
  CHECK(desk.Writes() == Words{});
}

TEST_CASE("a server that has gone back is not asked in a circle when something is to be written") {
  Desk desk;
  Replica& one = desk.Add();
  desk.Writes();
  desk.Pass(19 * 24h, 24h);
  desk.cluster.Restore(*desk.cluster.secret, desk.cluster.bundle, false);
  desk.cluster.reads = 0;
  desk.Pass(3 * 24h, 24h);  // the pair has lived two thirds of its life
  CHECK(desk.cluster.reads == 2);
  CHECK(desk.Writes() == Words{"secrets tls.crt,tls.key"});
  CHECK(one.served.size() == 2);
  CHECK(one.served.back() ==
        http::KeyPair{(*desk.cluster.secret)["tls.crt"], (*desk.cluster.secret)["tls.key"]});
}

TEST_CASE("an APIService of another Service is never touched") {
  Desk desk;
  desk.cluster.owner = {"keda", "keda-metrics-apiserver"};
  desk.cluster.bundle = "theirs";
  Replica& one = desk.Add();
  desk.Pass(1min);
  CHECK(desk.Writes() == Words{kFirst[0]});
  CHECK(desk.cluster.bundle == "theirs");
  CHECK(one.served.size() == 1);
  CHECK(one.Gauge(MetricId::kApiServiceOwned) == 0);
  CHECK(one.Gauge(MetricId::kApiServiceCaMatches) == 0);
  CHECK(one.Failures("apiservice_foreign") == 1);
  desk.cluster.SetOwner("n", "plimsoll");
  desk.cluster.Pump();
  CHECK(desk.Writes() == Words{"apiservices caBundle"});
  CHECK(one.Gauge(MetricId::kApiServiceOwned) == 1);
}

TEST_CASE("who puts their own caBundle back is seen and put right, but not in a circle") {
  Desk desk;
  Replica& one = desk.Add();
  desk.Writes();
  const std::string ours = desk.cluster.bundle;
  desk.Pass(1min);
  desk.cluster.refused["PATCH apiservices"] = 403;
  desk.cluster.SetBundle("");
  desk.cluster.Pump();
  CHECK(one.Gauge(MetricId::kApiServiceCaMatches) == 0);
  CHECK(one.Failures("forbidden") == 1);
  desk.cluster.refused.clear();
  desk.Pass(10s);
  CHECK(desk.cluster.bundle == ours);
  CHECK(one.Gauge(MetricId::kApiServiceCaMatches) == 1);
  desk.Writes();
  for (int i = 0; i < 60; ++i) {  // somebody who never gives up
    desk.cluster.SetBundle("");
    desk.Pass(1s);
  }
  CHECK(desk.Writes().size() <= 13);
  CHECK(one.served.size() == 1);
}

TEST_CASE("a forbidden write is tried ever more slowly and counted") {
  Desk desk;
  desk.cluster.refused["PATCH secrets"] = 403;
  Replica& one = desk.Add();
  desk.Pass(10min);
  CHECK(one.Failures("forbidden") == desk.cluster.attempts);
  CHECK(desk.cluster.attempts > 5);
  CHECK(desk.cluster.attempts < 25);
  CHECK(one.keeper->NotReady().find("403: refused") != std::string::npos);
  desk.cluster.refused.clear();
  desk.Pass(2min);
  CHECK(one.keeper->NotReady() == "");
}

TEST_CASE("a whole rotation of the authority keeps every replica believed at every second") {
  Desk desk;
  desk.Add();
  desk.Add();
  desk.Writes();
  const http::KeyPair first = desk.replicas[0]->served.back();
  desk.Pass(240 * 24h, 6h);  // pairs are renewed on the way
  for (const std::string& write : desk.Writes()) CHECK(write == "secrets tls.crt,tls.key");
  desk.Pass(3 * 24h + 7h, 1h);
  for (int i = 0; i < 3 * 3600; i += 3) {
    desk.Pass(3s, 3s);
    for (const auto& each : desk.replicas) {
      if (!desk.Believed(each->served.back())) FAIL("served what is not believed");
    }
  }
  Words writes = desk.Writes();
  std::erase(writes, "secrets tls.crt,tls.key");
  CHECK(writes == Words{"secrets ca.crt,ca.key", "apiservices caBundle", "secrets ca.crt",
                        "apiservices caBundle"});
  CHECK(http::ReadBundle(desk.cluster.bundle, "bundle")->size() == 1);
  CHECK_FALSE(desk.Believed(first));
  CHECK(desk.replicas[0]->served.back() == desk.replicas[1]->served.back());
}

TEST_CASE("a caBundle that was somebody else's stays beside ours for the time of a rollout") {
  Desk before;
  before.Add();  // as a certificate manager would have left it
  Desk desk;
  desk.cluster.bundle = before.cluster.bundle;
  desk.Add();
  CHECK(http::ReadBundle(desk.cluster.bundle, "bundle")->size() == 2);
  CHECK(desk.Believed(before.replicas[0]->served[0]));
  CHECK(desk.Believed(desk.replicas[0]->served[0]));
  desk.Pass(70min, 10s);
  CHECK(http::ReadBundle(desk.cluster.bundle, "bundle")->size() == 1);
  CHECK(desk.Believed(desk.replicas[0]->served.back()));
}

TEST_CASE("no certificate is made by a clock with which the API server does not agree") {
  Desk desk;
  Replica& one = desk.Add();
  desk.Writes();
  const base::Time true_time = desk.clock.Now();
  desk.cluster.date = true_time;
  desk.clock.SetWall(true_time + 3650LL * 86'400'000);
  desk.Pass(1min);
  CHECK(desk.Writes() == Words{});
  CHECK(one.Failures("clock") >= 1);
  CHECK(one.served.size() == 1);
  desk.clock.SetWall(true_time - 3650LL * 86'400'000);
  desk.Pass(1min);
  CHECK(desk.Writes() == Words{});
  desk.cluster.date.reset();
  desk.clock.SetWall(true_time + 60'000);
  desk.Pass(1min);
  CHECK(one.served.size() == 1);
}

TEST_CASE("a pair that expires while the API server is away is followed by one of our own") {
  Desk desk;
  Replica& one = desk.Add();
  desk.Writes();
  desk.cluster.status = 500;
  desk.Pass(40 * 24h, 1h);
  CHECK(one.served.size() == 2);
  CHECK(desk.Believed(one.served.back()));
  const auto facts = http::ReadBundle(one.served.back().certificate_pem, "pair");
  CHECK(facts->front().valid.until > desk.clock.Now());
  CHECK(one.Failures("own_pair") == 1);
  desk.cluster.status = 200;
  desk.Pass(5min);
  CHECK(desk.Writes() == Words{"secrets tls.crt,tls.key"});
  CHECK(one.served.size() == 3);
  CHECK(one.served.back().certificate_pem == (*desk.cluster.secret)["tls.crt"]);
}

TEST_CASE("a pair that cannot be used is offered again, and is said") {
  Desk desk;
  desk.replicas.push_back(std::make_unique<Replica>(desk.cluster, desk.clock));
  Replica& one = *desk.replicas[0];
  one.refuse = "cannot listen on :6443: in use";
  desk.cluster.Pump();
  desk.Pass(3s);
  CHECK(one.Failures("serve") >= 3);
  CHECK(one.keeper->NotReady().find("cannot listen on :6443") != std::string::npos);
  one.refuse.clear();
  desk.Pass(1s);
  CHECK(one.served.size() == 1);
}

TEST_CASE("after Stop nothing is called back") {
  Desk desk;
  desk.replicas.push_back(std::make_unique<Replica>(desk.cluster, desk.clock));
  desk.replicas[0]->keeper->Stop();
  desk.cluster.Pump();
  desk.replicas[0]->keeper->Look();
  CHECK(desk.replicas[0]->served.empty());
  CHECK(desk.cluster.writes.empty());
}

}  // namespace
}  // namespace plimsoll::kube
