/*
 * verifiers.c - the file by which a gateway lets clients in holds what both servers hold.  A client's
 * proof is good for a server with the very same verifier and for no other: with a stale one in the
 * file it is refused by the side that is open, with one that only the other side has not, at the flip.
 *
 * The servers are asked for sha256 sums alone, by a definer function of the DBA's: no verifier is
 * sent anywhere, or shown.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "gate/gates.h"
#include "pgwire/scram.h"
#include "pgwire/userlist.h"

#define VALID_S 600
#define FILE_MAX (8u << 20) /* as the gateway's */
#define SHOWN_MAX 5u

static bool required(const struct plan *plan)
{
	(void)plan;
	return false; /* where nobody may read pg_authid it cannot be proven */
}

enum held { HELD, HELD_OTHERWISE, HELD_NOT };

struct look {
	struct gate_world *world;
	struct gate_answer *ret;
	const char *path;
	size_t users, wrong, unknown;
	bool blind[SIDE_COUNT]; /* this server does not answer such questions */
};

static const char *file_of(const struct gate_world *world)
{
	const struct plan_route *route = &world->plan->routes[world->plan_store->route];

	return plan_setting_get(route->settings, route->settings_count, "auth.file");
}

/* ---- the file -------------------------------------------------------------------------------- */

/* NULL, and why in *ret_why.  Owned; to be forgotten before it is freed. */
static char *read_all(const char *path, size_t *ret_len, const char **ret_why)
{
	FILE *file = fopen(path, "r");
	char *text;

	*ret_why = "it cannot be read by who runs this (the gateway's user can)";
	if (!file)
		return NULL;
	text = malloc(FILE_MAX + 1);
	ENSURE(text != NULL);
	*ret_len = fread(text, 1, FILE_MAX, file);
	text[*ret_len] = '\0';
	if (ferror(file) || !feof(file) || memchr(text, '\0', *ret_len)) {
		scram_forget(text, *ret_len);
		free(text);
		text = NULL;
		*ret_why = "it is no text, or too long";
	}
	fclose(file);
	return text;
}

static void digest_of(const char *text, char ret[65])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	ENSURE(EVP_Digest(text, strlen(text), sum, &len, EVP_sha256(), NULL) == 1 && len == 32);
	for (unsigned i = 0; i < len; i++)
		snprintf(ret + (size_t)2 * i, 3, "%02x", sum[i]);
}

/* ---- the servers ----------------------------------------------------------------------------- */

static int ask(struct look *l, enum side side, const char *user, const char *digest,
	enum held *ret_held, struct err *err)
{
	const char *params[] = {user, digest};
	int64_t deadline_ms = l->world->deadline_ms;
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct pg *pg;

	if (pg_control(l->world->store, side, deadline_ms, &pg, err) ||
		pg_exec_kept(pg, deadline_ms, "SELECT airlock_dba.holds($1::text, $2::text)", 2,
			params, &rows, err))
		return -1;
	*ret_held = pg_is_null(&rows, 0, 0) ? HELD_NOT
		    : pg_bool(&rows, 0, 0)  ? HELD
					    : HELD_OTHERWISE;
	return 0;
}

/* The function is not there, or may not be used, or may not read pg_authid. */
static bool is_about_rights(const struct err *err)
{
	return err->code == ERR_RIGHTS || strcmp(err->sqlstate, "42883") == 0 ||
	       strcmp(err->sqlstate, "3F000") == 0;
}

static int look_at_side(struct look *l, enum side side, const char *user, const char *digest,
	enum held *ret_held, struct err *err)
{
	*ret_held = HELD;
	if (l->blind[side] || ask(l, side, user, digest, ret_held, err) == 0)
		return 0;
	if (!is_about_rights(err))
		return -1;
	l->blind[side] = true;
	gate_answer_lower(l->ret, GATE_NOT_PROVEN);
	gate_answer_say(l->ret, "what %s holds is NOT PROVEN: %.150s", side_name(side), err->msg);
	gate_answer_advise(l->ret,
		"airlock init-roles --print: the DBA runs it again on %s. Where nobody may read "
		"pg_authid: airlock waive verifiers.",
		side_name(side));
	*err = ERR_INIT;
	return 0;
}

static void wrong(struct look *l, const char *user, const char *what, const char *where)
{
	gate_answer_lower(l->ret, GATE_FAIL);
	if (l->wrong++ < SHOWN_MAX)
		gate_answer_say(l->ret, "%.63s: %s %s", user, what, where);
}

static int look_at_user(struct look *l, const char *user, const char *verifier, struct err *err)
{
	enum held held[SIDE_COUNT];
	char digest[65];
	bool both = true;

	digest_of(verifier, digest);
	l->users++;
	for (enum side side = SIDE_OLD; side < SIDE_COUNT; side++) {
		if (look_at_side(l, side, user, digest, &held[side], err))
			return -1;
		both = both && held[side] == HELD_NOT;
	}
	if (both) { /* it lets nobody in */
		l->unknown++;
		return 0;
	}
	for (enum side side = SIDE_OLD; side < SIDE_COUNT; side++) {
		if (held[side] == HELD_OTHERWISE)
			wrong(l, user, "not the verifier of", side_name(side));
		else if (held[side] == HELD_NOT)
			wrong(l, user, "can not log in by SCRAM on", side_name(side));
	}
	return 0;
}

/* ---- the verdict ----------------------------------------------------------------------------- */

static int look_at_all(struct look *l, char *text, struct err *err)
{
	const char *user, *verifier;
	char *at = text;

	for (size_t line = 1;; line++, at++) {
		switch (userlist_line(&at, &user, &verifier)) {
		case USERLIST_USER:
			if (look_at_user(l, user, verifier, err))
				return -1;
			break;
		case USERLIST_BROKEN:
			gate_answer_lower(l->ret, GATE_FAIL);
			gate_answer_say(l->ret, "%.100s:%zu is no user and verifier", l->path, line);
			return 0;
		case USERLIST_EMPTY:
			break;
		}
		/* What a word ended with was cut away with it, never a newline. */
		if (*at == '\0')
			return 0;
	}
}

static void sum_up(struct look *l)
{
	if (l->wrong > SHOWN_MAX)
		gate_answer_say(l->ret, "and %zu more", l->wrong - SHOWN_MAX);
	if (l->wrong > 0)
		gate_answer_advise(l->ret,
			"Write %.100s again from pg_authid of the side that is open; on the other "
			"one: ALTER ROLE ... PASSWORD 'SCRAM-SHA-256$...' with that same text.",
			l->path);
	gate_answer_say(l->ret, "%zu user(s) in %.100s compared", l->users, l->path);
	if (l->unknown > 0)
		gate_answer_say(l->ret, "%zu of them are nobody on either side", l->unknown);
}

static int assess(struct gate_world *world, struct gate_answer *ret, struct err *err)
{
	struct look l = {.world = world, .ret = ret, .path = file_of(world)};
	const char *why;
	size_t len;
	char *text;
	int rc;

	gate_answer_init(ret, VALID_S);
	if (!l.path) {
		gate_answer_say(ret, route_can_hold(world->route)
					     ? "clients are checked by the verifiers of the servers "
					       "(H-VERIFIER compares them)"
					     : "no gateway: clients log in at the servers");
		return 0;
	}
	text = read_all(l.path, &len, &why);
	if (!text) {
		gate_answer_lower(ret, GATE_NOT_PROVEN);
		gate_answer_say(ret, "%.100s: %s", l.path, why);
		gate_answer_advise(ret, "Run `airlock check` as the user of the gateway.");
		return 0;
	}
	rc = look_at_all(&l, text, err);
	scram_forget(text, len);
	free(text);
	if (rc == 0)
		sum_up(&l);
	return rc;
}

const struct gate gate_verifiers = {
	.id = "verifiers",
	.what = "the file by which a gateway lets clients in holds what both servers hold",
	.waivable = true,
	.required = required,
	.assess = assess,
};
