/*
 * schedule.h - what runs by itself: schedules in the labels of ofelia, deck-chores and
 * swarm-cronjob, in environment variables, in command lines, and their translation to the five
 * cron fields that a plan has.
 */
#ifndef AIRLOCK_IMPORT_SCHEDULE_H
#define AIRLOCK_IMPORT_SCHEDULE_H

#include "import/model.h"

/*
 * Five fields for what `raw` says: "@daily", "@every 10m", fields with seconds before or a year
 * behind, names of days and months, '?', a zone before it, "cron(...)" and "rate(...)" of AWS.
 * NULL when five fields cannot say it.
 */
const char *schedule_as_cron(const char *raw, struct arena *arena);

struct schedule_labels {
	struct model *model;
	struct part *part;
	const struct node *labels, *deploy_labels; /* maps, or NULL */
	const char *stop; /* how to stop what carries the labels, or NULL (part.stop) */
};

/* Each job in the labels becomes a part of its own, which is told what its carrier is told. */
void schedule_from_labels(const struct schedule_labels *labels);
/* Likewise each job in the settings of a scheduler ([job-exec "nightly"] of ofelia); all parts are
 * there already. */
void schedule_from_settings(struct model *model, struct part *scheduler);
/* Sets the part's own schedule from its environment and command, unless it has one.  "" when it
 * runs by itself and nobody here knows when. */
void schedule_from_part(struct model *model, struct part *part);

#endif
