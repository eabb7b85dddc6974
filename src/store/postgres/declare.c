#include "base/check.h"
#include "store/postgres/driver.h"
#include "store/postgres/early.h"

int pg_open_alone(struct store_pg *s, enum side side, int64_t deadline_ms, struct err *err)
{
	char a[INT_TEXT_BYTES];
	PG_ROWS_AUTO rows = PG_ROWS_INIT;
	struct door door;
	struct pg *pg;

	if (arbiter_read(&s->store, side, deadline_ms, &door, err))
		return -1;
	if (door.reg.state == REG_ABSENT)
		return err_set(err, ERR_REFUSED, "%s has no register", side_name(side));
	if (door.reg.state == REG_ACTIVE)
		return 0;

	const char *params[] = {s->plan->name, s->plan_store->name, side_name(side),
		int_text(a, door.reg.attempt), s->who};

	if (pg_control(s, side, deadline_ms, &pg, err) ||
		pg_exec(pg, deadline_ms, "SELECT airlock.open_alone($1, $2, $3, $4, $5)", 5, params,
			&rows, err))
		return -1;
	if (!pg_bool(&rows, 0, 0))
		return err_set(err, ERR_LOST, "the register of %s moved meanwhile: look again",
			side_name(side));
	if (pg_data_exec(s, side, deadline_ms,
		    "UPDATE airlock.guard SET frozen = false WHERE plan = $1 AND store = $2", 0,
		    NULL, NULL, err))
		return -1;
	return side == SIDE_NEW ? early_give_back(s, deadline_ms, err) : 0;
}
