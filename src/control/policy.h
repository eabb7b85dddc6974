/*
 * policy.h - what becomes of a session that cannot be carried over as it is: a word of the plan for
 * each class of what stands in the way (routes.NAME.carry).
 *
 * The plan that was approved decides, so the controller sends its words along; a gateway goes by
 * the plan it was started with until it has been told.
 */
#ifndef AIRLOCK_CONTROL_POLICY_H
#define AIRLOCK_CONTROL_POLICY_H

#include <stdbool.h>
#include <stddef.h>

/* From the mildest to the strictest: of a session of several classes the strictest counts. */
enum policy {
	POLICY_TELL,	   /* it goes across without that, and is named */
	POLICY_DISCONNECT, /* it is ended, 57P01, when all others wait */
	POLICY_WAIT,  /* it goes on until it is rid of that; at the drain's end the hold is over */
	POLICY_BLOCK, /* no hold while it is there */
	POLICY_COUNT
};

enum policy_class {
	CLASS_TEMP_TABLES,
	CLASS_ADVISORY_LOCKS,
	CLASS_HOLD_CURSORS,
	CLASS_LISTEN,  /* carried; what is sent meanwhile may be missed */
	CLASS_CURRVAL, /* a prepared statement of its asks for currval or lastval */
	CLASS_LASTVAL, /* both are defined, and it is not known to ask for them */
	CLASS_STATEMENTS,
	CLASS_TRANSACTIONS, /* not at a boundary when the drain's time is up */
	CLASS_UNKNOWN,	    /* its state could not be read, or is too much to keep */
	CLASS_COUNT
};

struct policies {
	enum policy of[CLASS_COUNT];
};

extern const struct policies policies_default;

const char *policy_name(enum policy policy);
/* "temp_tables": the key under `carry`. */
const char *policy_class_key(enum policy_class cls);
/* "carry.temp_tables": its setting in a plan. */
const char *policy_class_setting(enum policy_class cls);
/* False, and nothing changed, when the word is none, or none of that class. */
bool policies_set(struct policies *policies, enum policy_class cls, const char *word);

#endif
