/* `airlock status`: one look at the registers, the links and what they mean. */
#include "cli/status_view.h"

#define LOOK_MS 5000

int cmd_status(struct cmd_ctx *ctx, struct err *err)
{
	json_t *stores;
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
	if (ctx->out->json)
		out_json(ctx->out, status_document(stores));
	else
		json_decref(stores);
	return EXIT_DONE;
}
