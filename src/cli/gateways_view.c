#include "cli/gateways_view.h"

#include <inttypes.h>

#include "cli/out.h"
#include "cli/wrap.h"

#define INDENT 11

static json_t *count_json(const struct writers_gateway *g, int64_t count)
{
	return g->silent ? json_null() : json_integer(count);
}

json_t *gateway_json(const struct writers_gateway *g)
{
	return json_pack("{s:s, s:s, s:b, s:o, s:o, s:o}", "store", g->store, "route", g->route,
		"answers", !g->silent, "why", g->silent ? out_json_string(g->why) : json_null(),
		"clients", count_json(g, g->clients), "forgotten", count_json(g, g->forgotten));
}

json_t *gateways_json(const struct writers *w)
{
	json_t *all = json_array();

	for (size_t i = 0; i < w->gateways_count; i++)
		json_array_append_new(all, gateway_json(&w->gateways[i]));
	return all;
}

static void sentence(const struct writers_gateway *g, struct buf *out)
{
	if (g->silent) {
		buf_printf(out,
			"%s: who comes through gateway %s cannot be told apart, and is shown with "
			"its address: %s",
			g->store, g->route, g->why);
		return;
	}
	buf_printf(out, "%s: %s told of its %" PRId64 " clients", g->store, g->route, g->clients);
	if (g->forgotten > 0)
		buf_printf(out, "; %" PRId64 " more came and went, and it tells of those no more",
			g->forgotten);
}

void gateway_text(const struct writers_gateway *g, struct buf *out)
{
	BUF_AUTO text = BUF_INIT;

	sentence(g, &text);
	buf_printf(out, "%-10s ", g->silent ? "NOT SEEN" : "gateway");
	wrap_text(out, buf_str(&text), INDENT, INDENT);
}

void gateways_text(const struct writers *w, struct buf *out)
{
	for (size_t i = 0; i < w->gateways_count; i++)
		gateway_text(&w->gateways[i], out);
}
