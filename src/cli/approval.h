/*
 * approval.h - is exactly this plan approved?
 *
 * An approval is bound to the plan's hash, so a plan that changes has none.  It is a row of the
 * journal: who, when, which hash.
 */
#ifndef AIRLOCK_CLI_APPROVAL_H
#define AIRLOCK_CLI_APPROVAL_H

#include "cli/cmd.h"

enum approval_source {
	APPROVAL_RECORDED, /* `airlock approve` earlier is enough */
	APPROVAL_NOW	   /* must be given with this very command: what cannot be taken back */
};

/*
 * 0 when the plan is approved: by `flag` (--approve HASH) on the command line, by a recorded
 * approval when `source` allows it, or by the hash typed at the terminal.  An approval given now is
 * recorded.  `what` completes "to ...": "run the plan".
 *
 * ERR_STALE: the hash is not that of the plan as it is.  ERR_REFUSED: nobody approved, or something
 * else was typed; the message says how to approve.  Ask before taking the lock: nobody else should
 * wait for a prompt.
 */
int approval_need(struct cmd_ctx *ctx, enum flag_id flag, enum approval_source source,
	const char *what, struct err *err) MUST_CHECK;

/* ERR_STALE unless `typed` is the beginning of the plan's hash. */
int approval_match(const struct plan *plan, const char *typed, struct err *err) MUST_CHECK;
int approval_record(struct cmd_ctx *ctx, struct err *err) MUST_CHECK;

#endif
