// Overlay: what CMake would generate for a static library.
#pragma once
#define PROMETHEUS_CPP_CORE_EXPORT
