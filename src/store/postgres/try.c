/*
 * try.c - a flag that was set is not a fence; a write that was tried and refused is (law 3).
 *
 * Two canary roles stand for the classes of clients: airlock_probe holds what PUBLIC holds,
 * airlock_probe_owner is a member of the database's owner.  Whether their logins work at all is
 * found out before the hold, while the door is open; a path that did not work then proves nothing
 * and is reported NOT PROVEN.  Superusers cannot be fenced and are not tried.
 */
#include <stdio.h>
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

static struct pg_target target_of(const struct store_pg *s, enum side side, size_t path)
{
	return (struct pg_target){.conninfo = s->side[side].conninfo, .user = try_role(path)};
}

/* What a login that failed like this says about the door. */
static int answer_of(const struct err *refused, enum try_answer *ret_answer, struct err *err)
{
	bool silent = refused->code == ERR_UNREACHABLE || refused->code == ERR_TIMEOUT;

	if (strcmp(refused->sqlstate, "42501") == 0) {
		*ret_answer = TRY_REFUSED;
		return 0;
	}
	if (silent) {
		*err = *refused;
		return -1;
	}
	*ret_answer = TRY_UNUSABLE; /* no such role, wrong password: proves nothing */
	return 0;
}

int try_path(struct store_pg *s, enum side side, size_t path, int64_t deadline_ms,
	enum try_answer *ret_answer, struct err *err)
{
	struct pg_target target = target_of(s, side, path);
	struct err refused = ERR_INIT;
	PG_AUTO pg = NULL;

	if (pg_open(&pg, &target, deadline_ms, &refused) == 0) {
		*ret_answer = TRY_ENTERED;
		return 0;
	}
	return answer_of(&refused, ret_answer, err);
}

/* ---- logins that were begun before the hold (law 11) ----------------------------------------- */

void pg_try_disarm(struct store_pg *s)
{
	for (size_t path = 0; path < TRY_PATHS; path++)
		pg_closep(&s->parked[path]);
}

int pg_try_arm(struct store_pg *s, enum side src, int64_t deadline_ms, struct err *err)
{
	pg_try_disarm(s);
	for (size_t path = 0; path < TRY_PATHS; path++) {
		struct pg_target target = target_of(s, src, path);
		struct err failed = ERR_INIT;

		/* What cannot be parked is tried whole in the window: slower, not weaker. */
		if (pg_park(&s->parked[path], &target, deadline_ms, &failed) &&
			failed.code == ERR_TIMEOUT) {
			*err = failed;
			return err_wrap(err, "preparing the login of %s", try_role(path));
		}
	}
	return 0;
}

static int try_parked(struct store_pg *s, enum side side, size_t path, int64_t deadline_ms,
	enum try_answer *ret_answer, struct err *err)
{
	struct err refused = ERR_INIT;
	PG_AUTO pg = s->parked[path];

	s->parked[path] = NULL;
	if (pg == NULL)
		return try_path(s, side, path, deadline_ms, ret_answer, err);
	if (pg_unpark(pg, deadline_ms, &refused) == 0) {
		*ret_answer = TRY_ENTERED;
		return 0;
	}
	/* The server may have lost patience with a login that stood for too long. */
	if (refused.code == ERR_UNREACHABLE)
		return try_path(s, side, path, deadline_ms, ret_answer, err);
	return answer_of(&refused, ret_answer, err);
}

static void note_unproven(struct store_tried *tried, size_t path, enum side side)
{
	if (tried->unproven++ == 0)
		snprintf(tried->why, sizeof tried->why, "%s has no login that works on %s",
			try_role(path), side_name(side));
}

int pg_try_write(struct store *store, const struct store_call *call, struct store_tried *ret_tried,
	struct err *err)
{
	struct store_pg *s = store_pg(store);
	struct store_tried tried = {0};

	for (size_t path = 0; path < TRY_PATHS; path++) {
		enum try_answer answer;

		if (try_parked(s, call->src, path, call->deadline_ms, &answer, err))
			return err_wrap(err, "trying a write as %s", try_role(path));
		if (answer == TRY_ENTERED)
			return err_set(err, ERR_REFUSED,
				"%s is sealed, and %s could still log in: the fence does not hold",
				side_name(call->src), try_role(path));
		if (answer == TRY_UNUSABLE)
			note_unproven(&tried, path, call->src);
		else
			tried.refused++;
	}
	*ret_tried = tried;
	return 0;
}
