// SPDX-License-Identifier: Apache-2.0
//
// The entry point that Trino's tarball has and trino-main lacks. Java runs this file as it is:
//   java -cp 'HOME/lib/*' -Dconfig=... -Dtrino.version=435 StartTrino.java
import io.trino.server.Server;

public final class StartTrino {
  private StartTrino() {}

  public static void main(String[] arguments) {
    new Server().start(System.getProperty("trino.version"));
  }
}
