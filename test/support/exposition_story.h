// SPDX-License-Identifier: Apache-2.0
//
// What a page says, as lines of text, told twice: by the page parser, and by a reader that is so
// simple that it can be believed. Tests and fuzz harnesses compare the two.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "exposition/format.h"
#include "exposition/name_filter.h"
#include "model/family.h"

namespace plimsoll::test {

struct Story {
  bool accepted = false;
  std::vector<std::string> entries = {};  // up to the first mistake
  bool operator==(const Story&) const = default;
};

Story TellFast(std::string_view page, exposition::Format format,
               const exposition::NameFilter* keep = nullptr);

// Reads byte by byte, copies everything, knows no shortcut.
Story TellNaively(std::string_view page, exposition::Format format);

// The samples of an accepted page, each run of one name as an untyped family.
std::vector<model::Family> FamiliesOf(std::string_view page, exposition::Format format);

}  // namespace plimsoll::test
