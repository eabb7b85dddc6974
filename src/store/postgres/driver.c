#include "store/postgres/driver.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/check.h"
#include "store/postgres/visit.h"

const char *int_text(char buf[INT_TEXT_BYTES], int64_t value)
{
	snprintf(buf, INT_TEXT_BYTES, "%" PRId64, value);
	return buf;
}

const char *lsn_text(char buf[INT_TEXT_BYTES], uint64_t position)
{
	snprintf(buf, INT_TEXT_BYTES, "%" PRIX32 "/%" PRIX32, (uint32_t)(position >> 32),
		(uint32_t)position);
	return buf;
}

/* Registers must be durable when a move returns, whatever the database's own settings say, and no
 * lock may be waited for longer than a few tries take. */
static const char session_sql[] = "SET synchronous_commit = on; SET lock_timeout = '2s'";

static int connect_to(struct store_pg *s, enum side side, const char *dbname, int64_t deadline_ms,
	struct pg **slot, struct err *err)
{
	struct pg_target target = {.conninfo = s->side[side].conninfo, .dbname = dbname};
	struct pg *pg;

	if (*slot && !pg_is_broken(*slot))
		return 0;
	pg_close(*slot);
	*slot = NULL;
	if (pg_open(&pg, &target, deadline_ms, err))
		return err_wrap(err, "%s (%s)", side_name(side), s->store.name);
	if (pg_exec(pg, deadline_ms, session_sql, 0, NULL, NULL, err)) {
		pg_close(pg);
		return -1;
	}
	*slot = pg;
	return 0;
}

int pg_control(struct store_pg *s, enum side side, int64_t deadline_ms, struct pg **ret_pg,
	struct err *err)
{
	if (connect_to(s, side, CONTROL_DATABASE, deadline_ms, &s->side[side].control, err))
		return -1;
	*ret_pg = s->side[side].control;
	return 0;
}

int pg_data(struct store_pg *s, enum side side, int64_t deadline_ms, struct pg **ret_pg,
	struct err *err)
{
	if (!s->side[side].data || pg_is_broken(s->side[side].data))
		s->side[side].prepared = false;
	if (connect_to(s, side, NULL, deadline_ms, &s->side[side].data, err))
		return -1;
	*ret_pg = s->side[side].data;
	return 0;
}

int pg_beside(struct store_pg *s, enum side side, int64_t deadline_ms, struct pg **ret_pg,
	struct err *err)
{
	if (connect_to(s, side, NULL, deadline_ms, &s->side[side].beside, err))
		return -1;
	*ret_pg = s->side[side].beside;
	return 0;
}

/* With the key of what a plan calls a store in front. */
static int exec_keyed(struct store_pg *s, enum side side, struct pg *pg, int64_t deadline_ms,
	const char *sql, size_t nparams, const char *const *params, struct pg_rows *ret_rows,
	struct err *err)
{
	const char *all[8] = {s->plan->name, s->plan_store->name};

	REQUIRE(nparams <= ARRAY_LEN(all) - 2);
	for (size_t i = 0; i < nparams; i++)
		all[2 + i] = params[i];
	if (pg_exec_kept(pg, deadline_ms, sql, nparams + 2, all, ret_rows, err) == 0)
		return 0;
	if (strcmp(err->sqlstate, "AL001") == 0)
		err->code = ERR_LOST; /* the guard stands elsewhere */
	return err_wrap(err, "%s", side_name(side));
}

int pg_data_exec(struct store_pg *s, enum side side, int64_t deadline_ms, const char *sql,
	size_t nparams, const char *const *params, struct pg_rows *ret_rows, struct err *err)
{
	struct pg *pg;

	if (pg_data(s, side, deadline_ms, &pg, err))
		return -1;
	return exec_keyed(s, side, pg, deadline_ms, sql, nparams, params, ret_rows, err);
}

int pg_beside_exec(struct store_pg *s, enum side side, int64_t deadline_ms, const char *sql,
	size_t nparams, const char *const *params, struct pg_rows *ret_rows, struct err *err)
{
	struct pg *pg;

	if (pg_beside(s, side, deadline_ms, &pg, err))
		return -1;
	return exec_keyed(s, side, pg, deadline_ms, sql, nparams, params, ret_rows, err);
}

static void pg_free(struct store *store)
{
	struct store_pg *s = store_pg(store);

	pg_try_disarm(s);
	for (int side = 0; side < SIDE_COUNT; side++) {
		pg_close(s->side[side].control);
		pg_close(s->side[side].data);
		pg_close(s->side[side].beside);
		free(s->side[side].dbname);
	}
	free(s->sequence_sql);
	free(s->sequence_values);
	free(s);
}

static const struct store_ops pg_store_ops = {
	.name = "postgresql",
	.check = pg_check,
	.arm = pg_arm,
	.spare = pg_spare,
	.end_sessions = pg_end_sessions,
	.marker = pg_marker,
	.reached = pg_reached,
	.cut = pg_cut,
	.try_write = pg_try_write,
	.sequences = pg_sequences,
	.turn = pg_turn,
	.relink = pg_relink,
	.link_seen = pg_link_seen,
	.tend = pg_tend,
	.finalize = pg_finalize,
	.free = pg_free,
};

/* Names are cluster-wide, so they carry a digest of (plan, store): several plans may share a
 * cluster. */
static void make_names(struct store_pg *s)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	char text[512], hex[9];

	snprintf(text, sizeof text, "%s\n%s", s->plan->name, s->plan_store->name);
	ENSURE(EVP_Digest(text, strlen(text), digest, &len, EVP_sha256(), NULL) == 1);
	snprintf(hex, sizeof hex, "%02x%02x%02x%02x", digest[0], digest[1], digest[2], digest[3]);
	snprintf(s->link[SIDE_OLD], LINK_NAME_BYTES, "airlock_f_%s", hex);
	snprintf(s->link[SIDE_NEW], LINK_NAME_BYTES, "airlock_r_%s", hex);
	for (int side = 0; side < SIDE_COUNT; side++)
		snprintf(s->audit[side], LINK_NAME_BYTES, "airlock_audit_%s", hex);
}

static void make_who(struct store_pg *s)
{
	char host[64] = "?";
	const char *user = getenv("SUDO_USER");

	if (!user)
		user = getenv("USER");
	gethostname(host, sizeof host - 1);
	snprintf(s->who, sizeof s->who, "%.20s@%.40s pid %ld", user ? user : "?", host,
		(long)getpid());
}

static int find_dbname(struct side_pg *side, struct err *err)
{
	char *msg = NULL;
	bool other_user = false;
	PQconninfoOption *options = PQconninfoParse(side->conninfo, &msg);

	if (!options) {
		err_set(err, ERR_PLAN, "bad conninfo: %s", msg ? msg : "out of memory");
		PQfreemem(msg);
		return -1;
	}
	for (PQconninfoOption *o = options; o->keyword; o++) {
		if (strcmp(o->keyword, "dbname") == 0 && o->val)
			side->dbname = strdup(o->val);
		/* The fence, the freeze and the definer functions know the role by its name. */
		if (strcmp(o->keyword, "user") == 0 && o->val && strcmp(o->val, CONTROL_ROLE) != 0)
			other_user = true;
	}
	PQconninfoFree(options);
	if (other_user)
		return err_set(err, ERR_PLAN,
			"a conninfo whose user is not " CONTROL_ROLE
			", the role that init-roles creates");
	return side->dbname ? 0 : err_set(err, ERR_PLAN, "a conninfo without dbname");
}

int store_pg_new(const struct plan *plan, size_t store_index, struct env *env,
	struct store_pg **ret_store, struct err *err)
{
	const struct plan_store *ps = &plan->stores[store_index];
	struct store_pg *s = calloc(1, sizeof *s);

	if (!s)
		return err_set(err, ERR_NOMEM, "no memory for store %s", ps->name);
	s->store = (struct store){&pg_store_ops, &pg_arbiter_ops, env, ps->name};
	s->plan = plan;
	s->plan_store = ps;
	s->side[SIDE_OLD].conninfo = ps->old;
	s->side[SIDE_NEW].conninfo = ps->new;
	make_names(s);
	make_who(s);
	if (find_dbname(&s->side[SIDE_OLD], err) || find_dbname(&s->side[SIDE_NEW], err)) {
		pg_free(&s->store);
		return err_wrap(err, "store %s", ps->name);
	}
	*ret_store = s;
	return 0;
}
