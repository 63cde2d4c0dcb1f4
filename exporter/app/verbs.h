// SPDX-License-Identifier: Apache-2.0
//
// The verbs of the command line: each takes its options, does its work, and returns the exit code.
#pragma once

#include "app/options.h"

namespace plimsoll::app {

int Do(const RunOptions& options);          // run.cc: the sidecar, or --once
int Do(const DemoOptions& options);         // demo.cc
int Do(const CheckOptions& options);        // check.cc
int Do(const TestOptions& options);         // test.cc
int Do(const EvalOptions& options);         // eval.cc
int Do(const QueryClientOptions& options);  // query_client.cc
int Do(const PrintConfigOptions& options);  // print_config.cc
int Do(const VersionOptions& options);      // version.cc

}  // namespace plimsoll::app
