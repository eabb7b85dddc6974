/*
 * window.h - the parts of a window that users compare, out of when each verb began and ended.
 * Pure.
 */
#ifndef AIRLOCK_REPORT_WINDOW_H
#define AIRLOCK_REPORT_WINDOW_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/engine.h"

size_t window_parts(void);
const char *window_part_name(size_t part); /* "catchup" */
/* What happens in it, as a sentence. */
const char *window_part_sentence(size_t part);
/* The verb that it begins with. */
enum verb window_part_verb(size_t part);

/* Both take VERB_COUNT parts; false, and ret_ms untouched, when it did not take place. */
bool window_part_ms(const struct engine_part *verbs, size_t part, double *ret_ms);
/* First client refused or held .. first client admitted. */
bool window_ms(const struct engine_part *verbs, double *ret_ms);

#endif
