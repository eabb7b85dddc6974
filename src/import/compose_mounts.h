/*
 * compose_mounts.h - what a service of compose is given from outside of its image: volumes, those
 * of other services, configs, secrets; and what the files among them say (mounted.h).
 */
#ifndef AIRLOCK_IMPORT_COMPOSE_MOUNTS_H
#define AIRLOCK_IMPORT_COMPOSE_MOUNTS_H

#include "import/mounted.h"

struct compose_mounts {
	const struct node *top;	     /* what stands beside `services` */
	const struct node *services; /* all, as merged */
	struct mounted files;
};

/* Fills volumes, secrets, settings and tables of the part; its environment is read already. */
void compose_mounts_read(struct compose_mounts *m, struct part *part, const struct node *service);

#endif
