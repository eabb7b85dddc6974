/* `airlock status`: one look at the registers, the links, the services that move, and what it
 * means. */
#include "cli/service_view.h"
#include "cli/status_view.h"

#define LOOK_MS 5000

/* After the stores: their commands may take a while, and nobody waits for those with a store. */
static json_t *services(struct cmd_ctx *ctx)
{
	size_t count;
	struct service_view *views = service_views_make(ctx, &count);

	service_views_look(ctx, LOOK_MS, views, count);
	if (!ctx->out->json)
		service_views_text(ctx->out, views, count);
	return service_views_json(views, count);
}

int cmd_status(struct cmd_ctx *ctx, struct err *err)
{
	json_t *stores, *moving, *document;
	FLEET_AUTO fleet = {0};

	if (fleet_open(ctx->plan, &fleet, err))
		return -1;
	stores = json_array();
	if (!ctx->out->json)
		status_head(ctx->out);
	for (size_t i = 0; i < ctx->plan->stores_count; i++) {
		struct status_view view;

		status_look(&fleet, i, LOOK_MS, &view);
		status_cost(ctx, &view);
		if (ctx->out->json)
			json_array_append_new(stores, status_json(&view));
		else
			status_text(ctx->out, &view);
	}
	moving = services(ctx);
	document = status_document(stores, moving);
	if (ctx->out->json)
		out_json(ctx->out, document);
	else
		json_decref(document);
	return EXIT_DONE;
}
