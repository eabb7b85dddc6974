/*
 * early.h - roles that read the new side before it is promoted (the plan's early_reader).
 *
 * The door of new stays shut: nobody but these keeps CONNECT, and none of them may write, which is
 * read from the servers' catalogs (sql/control.sql airlock.early, sql/migrated.sql
 * airlock.early_rights) and never taken from a name or a setting.  Only the new side, and only in
 * STANDBY: whatever opens it makes them clients like all others, and the seal of a rollback shuts
 * it to them as to everybody.  See docs/decisions/0028.
 *
 * Thread: the store's.
 */
#ifndef AIRLOCK_STORE_POSTGRES_EARLY_H
#define AIRLOCK_STORE_POSTGRES_EARLY_H

#include "store/postgres/driver.h"

/* Whether the plan has early readers of this store. */
bool early_is_wanted(const struct store_pg *s);

/* Rows (what, fix): what would let the role write on new.  None = it can not.  Before admission
 * what that takes from PUBLIC by itself is left out.  ERR_RIGHTS where init-roles is too old. */
int early_rights(struct store_pg *s, const char *role, bool admitted, int64_t deadline_ms,
	struct pg_rows *ret_rows, struct err *err) MUST_CHECK;

/* Rows (role, sessions, in the plan): who is let in while new is shut. */
int early_seen(struct store_pg *s, int64_t deadline_ms, struct pg_rows *ret_rows,
	struct err *err) MUST_CHECK;

/* Before anything is set up: ERR_REFUSED when one of the plan's could write on new. */
int early_refuse(struct store_pg *s, int64_t deadline_ms, struct err *err) MUST_CHECK;

/* Whether PUBLIC's TEMPORARY on new waits in the saved admission, until new is open. */
int early_temp_withheld(
	struct store_pg *s, int64_t deadline_ms, bool *ret_withheld, struct err *err) MUST_CHECK;

/*
 * Lets the plan's early readers in, when new is shut, and shuts out those of an earlier plan, whose
 * sessions are ended.  ERR_REFUSED, and nobody more is let in, when one of them could write.
 * Nothing when new is not STANDBY.
 */
int early_admit(struct store_pg *s, int64_t deadline_ms, struct err *err) MUST_CHECK;

/* Shuts all of them out, before new is given up: finalize. */
int early_dismiss(struct store_pg *s, int64_t deadline_ms, struct err *err) MUST_CHECK;

/* Before new is forgotten: PUBLIC gets back what was withheld. */
int early_give_back(struct store_pg *s, int64_t deadline_ms, struct err *err) MUST_CHECK;
/* The same once new is open, outside any hold; nothing while it is not. */
int early_opened(struct store_pg *s, int64_t deadline_ms, struct err *err) MUST_CHECK;

/* Before a hold toward new: ERR_REFUSED when one who is let in could write. */
int early_check(struct store_pg *s, int64_t deadline_ms, struct err *err) MUST_CHECK;

#endif
