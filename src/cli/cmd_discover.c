/* `airlock discover`: who uses each store, and what leads to it, against what the plan declares. */
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "cli/cmd.h"
#include "cli/discover_view.h"
#include "cli/fleet.h"
#include "cli/memory.h"
#include "discover/catalog.h"
#include "discover/files.h"
#include "discover/functions.h"
#include "discover/host.h"
#include "discover/reconcile.h"

#define WATCH_MS 5000
#define PAUSE_MS 50
#define LOOK_MS 10000

/* The side that clients write to; the other one is shut, or will be. */
static enum side open_side(struct store_pg *store)
{
	struct err not_set_up = ERR_INIT;
	struct reg reg;

	if (pg_register(store, SIDE_NEW, clock_now_ms() + LOOK_MS, &reg, &not_set_up) == 0 &&
		reg.state == REG_ACTIVE)
		return SIDE_NEW;
	return SIDE_OLD;
}

static int look_at_store(struct cmd_ctx *ctx, struct store_pg *store, size_t index,
	struct targets *targets, struct discovered *d, struct err *err)
{
	int64_t watch_ms = opt_time_ms(ctx->opt, FLAG_DISCOVER_FOR, WATCH_MS);
	enum side side = open_side(store);
	STATEMENTS_AUTO statements = {0};
	bool told;

	if (statements_begin(store, side, clock_now_ms() + LOOK_MS, &statements, err) ||
		writers_watch(store, side, watch_ms, PAUSE_MS, clock_now_ms() + watch_ms + LOOK_MS,
			&d->writers, err) ||
		statements_tell(store, side, clock_now_ms() + LOOK_MS, &statements, &d->writers,
			&d->findings, &told, err))
		return -1;
	reconcile(ctx->plan, index, side, &d->writers, told, &d->findings);
	if (functions_look(store, side, clock_now_ms() + LOOK_MS, &d->findings, err) ||
		catalog_look(store, side, targets, clock_now_ms() + LOOK_MS, &d->findings, err))
		return -1;
	return 0;
}

static int look_at_stores(struct cmd_ctx *ctx, struct fleet *fleet, struct targets *targets,
	struct discovered *d, struct err *err)
{
	for (size_t i = 0; i < ctx->plan->stores_count; i++)
		if (look_at_store(ctx, fleet->stores[i], i, targets, d, err))
			return -1;
	return 0;
}

static void look_at_host(struct cmd_ctx *ctx, struct targets *targets, struct discovered *d)
{
	struct lead lead = {.plan = ctx->plan, .targets = targets, .f = &d->findings};
	const char *root = opt_text(ctx->opt, FLAG_DISCOVER_ROOT);

	if (root == NULL)
		root = "";
	host_crontabs(&lead, root);
	host_units(&lead, root);
	host_name_caches(&lead, root);
}

static int look_at_files(
	struct cmd_ctx *ctx, struct targets *targets, struct discovered *d, struct err *err)
{
	const char *first = opt_text(ctx->opt, FLAG_DISCOVER_FILES);

	if (first == NULL)
		return ctx->opt->args_count == 0
			       ? 0
			       : err_set(err, ERR_USAGE, "a DIR is read only behind --files");
	if (files_look(first, ctx->plan, targets, &d->findings, err))
		return -1;
	for (size_t i = 0; i < ctx->opt->args_count; i++)
		if (files_look(ctx->opt->args[i], ctx->plan, targets, &d->findings, err))
			return -1;
	return 0;
}

static int look(struct cmd_ctx *ctx, struct fleet *fleet, struct discovered *d, struct err *err)
{
	struct targets *targets = targets_new(ctx->plan);
	int rc = look_at_files(ctx, targets, d, err);

	if (rc == 0)
		rc = look_at_stores(ctx, fleet, targets, d, err);
	if (rc == 0)
		look_at_host(ctx, targets, d);
	targets_free(targets);
	findings_declare(&d->findings, ctx->plan);
	return rc;
}

int cmd_discover(struct cmd_ctx *ctx, struct err *err)
{
	DISCOVERED_AUTO d = {0};
	FLEET_AUTO fleet = {0};

	if (fleet_open(ctx->plan, &fleet, err))
		return -1;
	memory_recall(ctx, &d.writers);
	memory_recall_findings(ctx, &d.findings);
	if (look(ctx, &fleet, &d, err))
		return -1;
	memory_keep(ctx, &d.writers);
	memory_keep_findings(ctx, &d.findings);
	discovered_show(ctx, &d);
	return discovered_undeclared(ctx->plan, &d) > 0 &&
			       opt_given(ctx->opt, FLAG_DISCOVER_FAIL_ON)
		       ? EXIT_REFUSED
		       : EXIT_DONE;
}
