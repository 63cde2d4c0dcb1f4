// SPDX-License-Identifier: Apache-2.0
//
// Times of a query as people write them: seconds, RFC 3339, durations.
#pragma once

#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace plimsoll::app {

struct QueryTimes {
  base::Time at = 0;     // of an instant query
  base::Time start = 0;  // of a range query
  base::Time end = 0;
  base::Time step = 0;  // milliseconds
};

// Unix seconds with up to three decimals (negative allowed), or RFC 3339.
base::Result<base::Time> ReadTime(std::string_view text);
// Seconds, or a duration ("30s").
base::Result<base::Time> ReadStep(std::string_view text);
// Empty texts take promtool's defaults: now; end now, start five minutes before it, a 250th of the
// range.
base::Result<QueryTimes> ReadQueryTimes(std::string_view time, std::string_view start,
                                        std::string_view end, std::string_view step, base::Time now,
                                        bool range);

}  // namespace plimsoll::app
