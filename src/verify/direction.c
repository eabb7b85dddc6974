#include "verify/direction.h"

#include "base/clock.h"

#define LOOK_MS 20000
#define PAUSE_US 20000

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* An attempt moves sequences only after it has sealed, and that stays in the register when it is
 * undone. */
static struct direction direction_of(const struct reg reg[SIDE_COUNT], enum side src)
{
	enum side shut = side_other(src);
	int64_t crossed = larger(reg[SIDE_OLD].promoted, reg[SIDE_NEW].promoted);

	return (struct direction){.src = src,
		.epoch = reg[src].epoch,
		.shut_was_open = shut == SIDE_OLD || reg[shut].promoted > 0,
		.undone = reg[src].attempt > crossed};
}

/* A connection that broke since it was last used is opened again. */
static int read_register(struct store_pg *store, enum side side, struct reg *ret, struct err *err)
{
	struct err first = ERR_INIT;

	if (pg_register(store, side, clock_now_ms() + LOOK_MS, ret, &first) == 0)
		return 0;
	if (first.code != ERR_UNREACHABLE ||
		pg_register(store, side, clock_now_ms() + LOOK_MS, ret, &first)) {
		*err = first;
		return -1;
	}
	return 0;
}

/* Is no side open, *ret_open is false and *ret tells nothing. */
static int look(struct store_pg *store, struct direction *ret, bool *ret_open, struct err *err)
{
	struct reg reg[SIDE_COUNT];

	*ret_open = false;
	if (read_register(store, SIDE_OLD, &reg[SIDE_OLD], err) ||
		read_register(store, SIDE_NEW, &reg[SIDE_NEW], err))
		return -1;
	if (reg[SIDE_OLD].state == REG_ABSENT)
		return err_set(err, ERR_REFUSED, "there is no link yet: `airlock sync`");
	for (int side = 0; side < SIDE_COUNT && !*ret_open; side++)
		if (reg[side].state == REG_ACTIVE) {
			*ret = direction_of(reg, (enum side)side);
			*ret_open = true;
		}
	return 0;
}

int direction_read(struct store_pg *store, int64_t wait_ms, const volatile sig_atomic_t *stop,
	struct direction *ret, struct err *err)
{
	int64_t until_ms = clock_now_ms() + wait_ms;
	bool open;

	for (;;) {
		if (look(store, ret, &open, err))
			return -1;
		if (open)
			return 0;
		if (clock_now_ms() >= until_ms || (stop && *stop))
			return err_set(err, ERR_UNKNOWN,
				"no side is open: a cutover is under way, or was; `airlock "
				"resume`, then again");
		env_pause(store->store.env, PAUSE_US);
	}
}
