// SPDX-License-Identifier: Apache-2.0
//
// The replica loop, one sentence a case.
#include "demo/replica_loop.h"

#include "doctest/doctest.h"

using plimsoll::demo::DecideReplicas;
using plimsoll::demo::ReplicaHistory;
using plimsoll::demo::ReplicaPolicy;

namespace {

// Nothing slows it down.
ReplicaPolicy Free() {
  ReplicaPolicy policy;
  policy.max_replicas = 100;
  policy.up = {100, std::chrono::seconds(1)};
  policy.down = {100, std::chrono::seconds(1)};
  policy.down_window = std::chrono::milliseconds(0);
  return policy;
}

int Once(const ReplicaPolicy& policy, int current, std::optional<double> value) {
  return DecideReplicas(policy, {}, current, value, 1000).replicas;
}

}  // namespace

TEST_CASE("the value divided by the target, rounded up, whatever is there now") {
  ReplicaPolicy policy = Free();
  policy.target = 5;
  CHECK(Once(policy, 1, 6) == 2);
  CHECK(Once(policy, 7, 6) == 2);
  policy.target = 10;
  CHECK(Once(policy, 1, 25) == 3);
  CHECK(Once(policy, 1, 40) == 4);
}

TEST_CASE("a ratio within the tolerance changes nothing") {
  const ReplicaPolicy policy = Free();
  CHECK(Once(policy, 20, 21) == 20);
  CHECK(Once(policy, 20, 23) == 23);
  CHECK(Once(policy, 20, 18) == 20);
  CHECK(Once(policy, 20, 17) == 17);
}

TEST_CASE("the limits hold") {
  ReplicaPolicy policy = Free();
  policy.min_replicas = 2;
  policy.max_replicas = 9;
  CHECK(Once(policy, 5, 0) == 2);
  CHECK(Once(policy, 5, 1e15) == 9);
}

TEST_CASE("without a value nothing changes") {
  CHECK(Once(Free(), 8, std::nullopt) == 8);
  CHECK(DecideReplicas(Free(), {}, 8, std::nullopt, 0).reason == "no value: unchanged");
}

TEST_CASE("from zero and to zero") {
  ReplicaPolicy policy = Free();
  policy.min_replicas = 0;
  CHECK(Once(policy, 0, 0) == 0);
  CHECK(Once(policy, 0, 0.001) == 1);
  CHECK(Once(policy, 3, 0) == 0);
}

TEST_CASE("a period adds no more pods than its policy allows") {
  ReplicaPolicy policy = Free();
  policy.up = {1, std::chrono::seconds(120)};
  ReplicaHistory history;
  int replicas = 5;
  for (int second = 0; second < 240; second += 15) {
    auto decision = DecideReplicas(policy, history, replicas, 9, second * 1000);
    CHECK(decision.replicas == (second < 120 ? 6 : 7));
    replicas = decision.replicas;
    history = decision.history;
  }
}

TEST_CASE("scaling in waits for the window and goes by its policy") {
  ReplicaPolicy policy = Free();
  policy.down = {1, std::chrono::seconds(60)};
  policy.down_window = std::chrono::seconds(120);
  ReplicaHistory history;
  int replicas = 6;
  std::string seen;
  for (int second = 0; second <= 270; second += 30) {
    auto decision = DecideReplicas(policy, history, replicas, second < 30 ? 6 : 3, second * 1000);
    replicas = decision.replicas;
    history = decision.history;
    seen += std::to_string(replicas);
  }
  // The 6 of second 0 leaves the window at 120; then one pod a minute, not below 3.
  CHECK(seen == "6666554433");
}

TEST_CASE("history forgets what no window sees") {
  const ReplicaPolicy policy = Free();
  ReplicaHistory history;
  for (int second = 0; second < 1000; ++second) {
    history = DecideReplicas(policy, history, 1 + second % 2, 1 + (second + 1) % 2, second * 1000)
                  .history;
  }
  CHECK(history.recommendations.size() == 1);
  CHECK(history.changes.size() <= 1);
}
