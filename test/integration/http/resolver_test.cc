// SPDX-License-Identifier: Apache-2.0
//
// The resolver with a lookup that hangs until the test lets it go.
#include "http/detail/resolver.h"

#include <doctest/doctest.h>

#include <future>
#include <memory>

using namespace plimsoll;
using http::detail::Resolver;

namespace {

struct Gate {
  std::promise<void> opened;
  std::shared_future<void> open = opened.get_future().share();
};

}  // namespace

TEST_CASE("a lookup that hangs does not keep the resolver from going away") {
  const auto gate = std::make_shared<Gate>();
  std::promise<void> entered;
  {
    Resolver resolver(1, 10,
                      [gate, &entered](const std::string&) -> base::Result<Resolver::Addresses> {
                        entered.set_value();
                        gate->open.wait();
                        return Resolver::Addresses{"127.0.0.1"};
                      });
    resolver.Ask("hangs",
                 [](const base::Result<Resolver::Addresses>&) { FAIL("answered after the end"); });
    entered.get_future().wait();
  }
  gate->opened.set_value();
}

TEST_CASE("localhost is the loopback, whatever the system's resolver says") {
  const Resolver::Addresses loopback = {"127.0.0.1", "::1"};
  CHECK(*Resolver::SystemLookup("localhost") == loopback);
  CHECK(*Resolver::SystemLookup("trino.localhost") == loopback);
  const auto other = Resolver::SystemLookup("notlocalhost.invalid");
  CHECK_FALSE(other.has_value());
}

TEST_CASE("askers of one name share one lookup, and too many names are refused") {
  const auto gate = std::make_shared<Gate>();
  const auto calls = std::make_shared<std::atomic<int>>(0);
  std::promise<void> entered;
  Resolver resolver(1, 1,
                    [&, gate, calls](const std::string& host) -> base::Result<Resolver::Addresses> {
                      if (++*calls == 1) entered.set_value();
                      gate->open.wait();
                      return Resolver::Addresses{host};
                    });
  std::promise<std::string> answers[3];
  const auto into = [&](int i) {
    return [&answers, i](const base::Result<Resolver::Addresses>& found) {
      answers[i].set_value(found ? found->front() : found.error().message);
    };
  };
  resolver.Ask("one", into(0));
  entered.get_future().wait();
  resolver.Ask("one", into(1));
  resolver.Ask("two", [](const auto&) {});
  resolver.Ask("three", into(2));
  CHECK(answers[2].get_future().get() == "lookup three: too many names wait for the resolver");
  gate->opened.set_value();
  CHECK(answers[0].get_future().get() == "one");
  CHECK(answers[1].get_future().get() == "one");
}
