// SPDX-License-Identifier: Apache-2.0
//
// doctest's main, compiled once for all test programs. It goes to the source folder first, so that
// tests name their fixtures relative to it: only this file knows where that is, and a compiler
// cache serves every clone.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (chdir(PLIMSOLL_REAL_SOURCE_ROOT) != 0) {
    std::perror("the source folder is gone: " PLIMSOLL_REAL_SOURCE_ROOT);
    return 1;
  }
  return doctest::Context(argc, argv).run();
}
