/*
 * crontab.h - tables of cron that a workload is given: what is in them runs by itself.
 */
#ifndef AIRLOCK_IMPORT_CRONTAB_H
#define AIRLOCK_IMPORT_CRONTAB_H

#include "import/model.h"

#define CRONTAB_JOBS_MAX 50 /* of one table */

/*
 * Reads part.tables.  The only job of all of them is the part's own schedule; several become parts
 * of their own, which are told what their carrier is told.  `stop`: how to keep them from running,
 * or NULL.  Variables that stand in a table become settings of the part.
 */
void crontab_read(struct model *model, struct part *part, const char *stop);

#endif
