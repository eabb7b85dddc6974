/*
 * invariant.h - what must hold of the machine in each phase.  Checked after every move.
 */
#ifndef AIRLOCK_CORE_INVARIANT_H
#define AIRLOCK_CORE_INVARIANT_H

#include "core/core.h"

/* Aborts when one does not hold. */
void core_invariant(const struct core *core);

#endif
