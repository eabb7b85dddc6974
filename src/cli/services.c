#include "cli/services.h"

#include <libgen.h>
#include <string.h>

#include "base/check.h"
#include "cli/stop.h"
#include "engine/background.h"

#define FACT "service"

static int remember(void *arg, const char *service, bool stopped, struct err *err)
{
	struct cmd_ctx *ctx = arg;
	BUF_AUTO text = BUF_INIT;
	struct journal_entry entry = {.kind = FACT,
		.key = service,
		.detail = stopped ? "{\"stopped\":true}" : "{\"stopped\":false}"};

	if (!ctx->journal)
		return stopped ? err_set(err, ERR_REFUSED,
					 "without a journal nobody would know that it has to be "
					 "started again")
			       : 0;
	buf_printf(&text, "%s %s", service, stopped ? "is about to be stopped" : "runs again");
	entry.text = buf_str(&text);
	return journal_put(ctx->journal, &entry, err);
}

static bool is_ours(void *arg, const char *service)
{
	struct cmd_ctx *ctx = arg;
	struct journal_fact fact;
	struct err err = ERR_INIT;
	bool found = false, ours;
	json_t *detail;

	if (!ctx->journal || journal_get(ctx->journal, FACT, service, &found, &fact, &err) ||
		!found)
		return false;
	detail = json_loads(fact.detail, 0, NULL);
	ours = json_is_true(json_object_get(detail, "stopped"));
	json_decref(detail);
	journal_fact_fini(&fact);
	return ours;
}

static void tell(void *arg, const char *service, const char *what)
{
	struct cmd_ctx *ctx = arg;
	BUF_AUTO safe = BUF_INIT;

	out_safe(&safe, what);
	out_note(ctx->out, "  service %s: %s", service, buf_str(&safe));
}

static struct background background_of(struct cmd_ctx *ctx, const struct mover_result *result)
{
	return (struct background){
		.plan = ctx->plan,
		.dir = dirname(arena_strdup(&ctx->arena, ctx->plan_path)),
		.env = result->fleet->env,
		.stores = result->stores,
		.stores_count = result->stores_count,
		.stop_asked = stop_asked,
		.arg = ctx,
		.remember = remember,
		.is_ours = is_ours,
		.tell = tell,
	};
}

int services_before(
	struct cmd_ctx *ctx, struct mover_result *result, const struct mover_order *order)
{
	struct background b = background_of(ctx, result);

	if (order->mode != CORE_RUN)
		return 0;
	return background_stop(&b, side_other(order->goal), &result->services);
}

void services_after(
	struct cmd_ctx *ctx, struct mover_result *result, const struct mover_order *order)
{
	struct background b = background_of(ctx, result);
	enum side side;
	struct err err = ERR_INIT;

	if (order->mode == CORE_FINALIZE || !mover_open_side(result, &side))
		return;
	if (background_start(&b, side, &err))
		result->services = err;
	if (order->mode == CORE_RESUME)
		background_tell_unknown(&b, side);
}
