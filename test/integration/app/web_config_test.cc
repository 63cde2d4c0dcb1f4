// SPDX-License-Identifier: Apache-2.0
//
// When a web configuration that changes is looked at again.
#include "app/web_config.h"

#include <doctest/doctest.h>

#include "support/error_text.h"
#include "support/fake_clock.h"
#include "support/folder.h"
#include "support/test_pki.h"

namespace plimsoll::app {
namespace {

using namespace std::chrono_literals;
using telemetry::MetricId;

TEST_CASE("a certificate that comes after the configuration that names it is taken into use") {
  const test::Folder folder;
  const test::TestCa ca("authority");
  const auto first = ca.Issue({.common_name = "first"});
  const auto second = ca.Issue({.common_name = "second"});
  folder.Replace("first.crt", first.certificate_pem);
  folder.Replace("first.key", first.key_pem);
  folder.Replace("web.yml", "tls_server_config: {cert_file: first.crt, key_file: first.key}\n");

  test::FakeClock clock;
  telemetry::Telemetry telemetry;
  auto web = WebConfigFile::Open(folder / "web.yml", clock, telemetry);
  REQUIRE_MESSAGE(web.has_value(), test::ErrorText(web));
  std::string used;
  (*web)->Start([&used](const http::TlsCredentials& now) -> base::Result<void> {
    used = now.certificate_pem;
    return {};
  });
  const auto handler =
      (*web)->guard().Around([](const http::Request&) { return http::Response(); });
  const auto look = [&] {
    clock.Advance(1s);
    (void)handler(http::Request());
    return telemetry.GaugeOf(MetricId::kWebConfigLoaded).Value();
  };
  CHECK(look() == 1);
  folder.Replace("web.yml", "tls_server_config: {cert_file: second.crt, key_file: second.key}\n");
  CHECK(look() == 0);
  CHECK(look() == 0);
  folder.Replace("second.key", second.key_pem);
  CHECK(look() == 0);
  folder.Replace("second.crt", second.certificate_pem);
  CHECK(look() == 1);
  (*web)->Stop();
  CHECK(used == second.certificate_pem);
}

}  // namespace
}  // namespace plimsoll::app
