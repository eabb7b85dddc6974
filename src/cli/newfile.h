/* newfile.h - a file that was not there before: `init` and `import` overwrite nothing. */
#ifndef AIRLOCK_CLI_NEWFILE_H
#define AIRLOCK_CLI_NEWFILE_H

#include "cli/cmd.h"

/* ERR_REFUSED when the file is there already; ERR_IO leaves nothing behind. */
int newfile_write(const char *path, const char *text, struct err *err) MUST_CHECK;
/* Says on stderr that the plan is written and what comes next. */
void newfile_say(struct cmd_ctx *ctx, const char *path);

#endif
