#include "cli/cmd.h"
#include "cli/newfile.h"

static const char skeleton[] =
#include "cli/skeleton.def"
	;

int cmd_init(struct cmd_ctx *ctx, struct err *err)
{
	const char *path = opt_text(ctx->opt, FLAG_INIT_OUTPUT);

	if (!path) {
		out_data(ctx->out, "%s", skeleton);
		return EXIT_DONE;
	}
	if (newfile_write(path, skeleton, err))
		return -1;
	newfile_say(ctx, path);
	return EXIT_DONE;
}
