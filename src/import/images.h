/* images.h - what an image is, by its name: images.def as functions. */
#ifndef AIRLOCK_IMPORT_IMAGES_H
#define AIRLOCK_IMPORT_IMAGES_H

#include "base/arena.h"
#include "import/model.h"

enum image_role {
	IMAGE_PLAIN,	 /* an application, or not known */
	IMAGE_STORE,	 /* keeps data */
	IMAGE_POOLER,	 /* stands between clients and a store */
	IMAGE_SUPPORT,	 /* identity, secrets, monitoring: moves first */
	IMAGE_TOOL,	 /* for people and backups */
	IMAGE_PROXY,	 /* stands in front of services */
	IMAGE_SCHEDULER, /* starts others on a schedule */
};

struct image {
	enum image_role role;
	const char *word; /* the engine of a store; else what it is, or NULL */
};

/* By the image's name.  {IMAGE_PLAIN, NULL} for NULL and what is not known. */
struct image image_look(const char *image, struct arena *arena);
/* Without its digest: for people. */
const char *image_shown(const char *image, struct arena *arena);
/* The engine of a workload by its image, else by the directory in which its data lies (an image
 * that was built here says nothing); NULL when it is no store.  *ret_why: what says so. */
const char *image_engine(const struct part *part, struct arena *arena, const char **ret_why);

#endif
