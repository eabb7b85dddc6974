/* wire.h - the way of an edge from box to box, between the boxes and not behind them. */
#ifndef AIRLOCK_PICTURE_WIRE_H
#define AIRLOCK_PICTURE_WIRE_H

#include "base/buf.h"
#include "picture/layout.h"

/*
 * Appends SVG path data from the box of edge `i` that depends to the one that it depends on.  Where
 * boxes stand between the two, it goes through the gaps between their columns, so that no line
 * seems to begin or end at a box that it has nothing to do with.
 */
void wire_path(const struct sequence *q, const struct layout *l, size_t i, struct buf *out);

#endif
