/* layout.h - where each node of a sequence stands in a picture.  Pixels. */
#ifndef AIRLOCK_PICTURE_LAYOUT_H
#define AIRLOCK_PICTURE_LAYOUT_H

#include "plan/sequence.h"

struct layout_box {
	int x, y; /* of the upper left corner */
};

struct layout {
	bool compact; /* many nodes: one line in a box */
	int box_width, box_height;
	int gap_x, gap_y; /* between columns, and between rows */
	int pad;	  /* of a band, above its first row and below its last */
	int width, height;
	struct layout_box *boxes; /* by node */
	struct layout_band {
		int y, height;
		int left;	/* of its first column */
		size_t columns; /* that it uses */
	} * bands;		/* by wave, from 0 */
};

#define LAYOUT_LEFT 112 /* the bands' own words stand there */

/* In arena.  Nodes of a wave are ordered by where what they depend on stands, so that edges are
 * short; the order of names decides between equals. */
void layout_make(const struct sequence *q, struct arena *arena, struct layout *ret);

#endif
