/*
 * schema_copy.h - `airlock sync --copy-schema`: the schema of old made on new by PostgreSQL's own
 * pg_dump and pg_restore, in one transaction, with Airlock's own objects left out.
 */
#ifndef AIRLOCK_CLI_SCHEMA_COPY_H
#define AIRLOCK_CLI_SCHEMA_COPY_H

#include "cli/cmd.h"
#include "store/postgres/driver.h"

/* Nothing happens when new has tables already: whether they are the same is what `sync` looks at.
 * ERR_REFUSED with the last line of the command that failed; new is then as it was. */
int schema_copy(struct cmd_ctx *ctx, struct store_pg *s, struct err *err) MUST_CHECK;

#endif
