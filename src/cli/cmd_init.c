#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"

static const char skeleton[] =
#include "cli/skeleton.def"
	;

static int write_file(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	bool bad;

	if (fd < 0 && errno == EEXIST)
		return err_set(err, ERR_REFUSED,
			"%s exists already and is not overwritten: name another file with -o",
			path);
	if (!file)
		return err_set_errno(err, ERR_IO, "cannot write %s", path);
	bad = fputs(skeleton, file) == EOF;
	if (fclose(file) || bad)
		return err_set_errno(err, ERR_IO, "cannot write %s", path);
	return 0;
}

int cmd_init(struct cmd_ctx *ctx, struct err *err)
{
	const char *path = opt_text(ctx->opt, FLAG_INIT_OUTPUT);

	if (!path) {
		out_data(ctx->out, "%s", skeleton);
		return EXIT_DONE;
	}
	if (write_file(path, err))
		return -1;
	if (!strcmp(path, CMD_PLAN_DEFAULT))
		out_note(ctx->out, "%s is written: edit it, then `airlock plan`", path);
	else
		out_note(ctx->out, "%s is written: edit it, then `airlock -f %s plan`", path, path);
	return EXIT_DONE;
}
