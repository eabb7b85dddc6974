#include "base/check.h"
#include "cli/cmd.h"
#include "cli/help.h"
#include "env/env_real.h"
#include "plan/text.h"

/* For the kill matrix: nothing when this build honours none. */
static int list_failpoints(struct cmd_ctx *ctx)
{
	const char *const *const tables[] = {env_points, env_setup_points};

	if (!env_real_has_failpoints())
		return EXIT_DONE;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		for (const char *const *point = tables[i]; *point; point++)
			out_data(ctx->out, "%s\n", *point);
	return EXIT_DONE;
}

int cmd_help(struct cmd_ctx *ctx, struct err *err)
{
	const char *name = ctx->opt->args[0];
	const struct absent_row *absent;
	struct text_nearest s;

	if (opt_given(ctx->opt, FLAG_HELP_FAILPOINTS))
		return list_failpoints(ctx);
	if (!name || command_find(name)) {
		help_print(ctx->out, name ? command_find(name) : NULL);
		return EXIT_DONE;
	}
	absent = absent_find(name);
	if (absent)
		return err_set(err, ERR_USAGE, "'%s' is not available in this version; %s", name,
			absent->instead);
	s = TEXT_NEAREST(name);
	for (int i = 0; i < COMMAND_COUNT; i++)
		text_nearest_try(&s, command_get((enum command_id)i)->name);
	if (s.best)
		return err_set(err, ERR_USAGE, "no such command '%.60s' (did you mean '%s'?)", name,
			s.best);
	return err_set(err, ERR_USAGE, "no such command '%.60s': `airlock help` lists them", name);
}
