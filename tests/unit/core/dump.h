/*
 * dump.h - the machine's tables as text: the golden file that a reviewer reads, and the diagram.
 */
#ifndef AIRLOCK_TESTS_UNIT_CORE_DUMP_H
#define AIRLOCK_TESTS_UNIT_CORE_DUMP_H

#include "base/buf.h"

/* One line per cell that is not illegal, one per step. */
void dump_table(struct buf *out);
/* docs/machine.md: phases, a Mermaid state diagram, signals, steps with their undo. */
void dump_document(struct buf *out);

#endif
