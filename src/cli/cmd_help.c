#include "cli/cmd.h"
#include "cli/help.h"
#include "plan/text.h"

int cmd_help(struct cmd_ctx *ctx, struct err *err)
{
	const char *name = ctx->opt->args[0];
	const struct absent_row *absent;
	struct text_nearest s;

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
