/*
 * try.c - a flag that was set is not a fence; a write that was tried and refused is (law 3).
 *
 * Two canary roles stand for the classes of clients: airlock_probe holds what PUBLIC holds,
 * airlock_probe_owner is a member of the database's owner.  Whether their logins work at all is
 * found out before the hold, while the door is open; a path that did not work then proves nothing
 * and is reported NOT PROVEN.  Superusers cannot be fenced and are not tried.
 */
#include <string.h>

#include "base/check.h"
#include "store/postgres/driver.h"
#include "store/postgres/try.h"

static const char *const roles[TRY_PATHS] = {"airlock_probe", "airlock_probe_owner"};

const char *try_role(size_t path)
{
	REQUIRE(path < TRY_PATHS);
	return roles[path];
}

int try_path(struct store_pg *s, enum side side, size_t path, int64_t deadline_ms,
	enum try_answer *ret_answer, struct err *err)
{
	struct pg_target target = {.conninfo = s->side[side].conninfo, .user = try_role(path)};
	struct err refused = ERR_INIT;
	PG_AUTO pg = NULL;

	if (pg_open(&pg, &target, deadline_ms, &refused) == 0) {
		*ret_answer = TRY_ENTERED;
		return 0;
	}
	if (strcmp(refused.sqlstate, "42501") == 0)
		*ret_answer = TRY_REFUSED;
	else if (refused.sqlstate[0] != '\0' && refused.code != ERR_UNREACHABLE)
		*ret_answer = TRY_UNUSABLE; /* no such role, wrong password: proves nothing */
	else if (refused.code == ERR_UNREACHABLE || refused.code == ERR_TIMEOUT) {
		*err = refused;
		return -1;
	} else {
		*ret_answer = TRY_UNUSABLE;
	}
	return 0;
}

int pg_try_write(struct store *store, const struct store_call *call, struct err *err)
{
	struct store_pg *s = store_pg(store);

	for (size_t path = 0; path < TRY_PATHS; path++) {
		enum try_answer answer;

		if (try_path(s, call->src, path, call->deadline_ms, &answer, err))
			return err_wrap(err, "trying a write as %s", try_role(path));
		if (answer == TRY_ENTERED)
			return err_set(err, ERR_REFUSED,
				"%s is sealed, and %s could still log in: the fence does not hold",
				side_name(call->src), try_role(path));
	}
	return 0;
}
