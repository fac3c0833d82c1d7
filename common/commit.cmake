# Writes the source OUT with what SOURCE is a checkout of. Where that is in it already, it is left alone, so that nothing
# is built again.
set(commit unknown)
# A folder inside of another checkout is none.
execute_process(COMMAND git -C ${SOURCE} rev-parse --show-prefix
  OUTPUT_VARIABLE prefix RESULT_VARIABLE failed OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(failed STREQUAL "0" AND prefix STREQUAL "")
  execute_process(COMMAND git --no-optional-locks -C ${SOURCE} describe --always --dirty --abbrev=12
    OUTPUT_VARIABLE described RESULT_VARIABLE failed OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(failed STREQUAL "0" AND described MATCHES "^[-A-Za-z0-9._/+]+$")
    set(commit ${described})
  endif()
endif()
file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT [[
#include "common/commit.h"

namespace skew {

std::string Commit() { return "@commit@"; }

}  // namespace skew
]])
