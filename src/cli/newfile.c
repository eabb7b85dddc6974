#include "cli/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int newfile_write(const char *path, const char *text, struct err *err)
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
	bad = fputs(text, file) == EOF;
	if (fclose(file) || bad) {
		err_set_errno(err, ERR_IO, "cannot write %s", path);
		unlink(path);
		return -1;
	}
	return 0;
}

void newfile_say(struct cmd_ctx *ctx, const char *path)
{
	if (!strcmp(path, CMD_PLAN_DEFAULT))
		out_note(ctx->out, "%s is written: edit it, then `airlock plan`", path);
	else
		out_note(ctx->out, "%s is written: edit it, then `airlock -f %s plan`", path, path);
}
