/* available.h - is a part of the plan format built in this version?  Rows: available.def. */
#ifndef AIRLOCK_PLAN_AVAILABLE_H
#define AIRLOCK_PLAN_AVAILABLE_H

#include <stdbool.h>

/* `where` as in the rows; `value` NULL for the key itself. */
bool available(const char *where, const char *value);
/* Is there a row at all?  For the test that no choice was forgotten. */
bool available_listed(const char *where, const char *value);

#endif
