/*
 * model.h - what was found in the sources, before it is a plan: workloads ("parts"), what each is
 * told about others, how each is reached and started.
 *
 * compose.c, k8s.c and terraform.c fill it; derive.c makes stores, services and edges of it;
 * write.c writes those as a plan.  All strings are in the model's arena, or const.
 *
 * Secrets: `env` holds the values that a workload is given, passwords too.  Nothing but
 * connections.c looks at a value, and takes only hosts, ports, names of databases and users from
 * it.
 */
#ifndef AIRLOCK_IMPORT_MODEL_H
#define AIRLOCK_IMPORT_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "import/notes.h"

/* More than a plan may hold (PLAN_MEMBERS_MAX): what lies beyond is told and left out. */
#define MODEL_PARTS_MAX 2000
#define MODEL_FACTS_MAX 200000
#define FACTS_MAX 2000 /* of one list */

enum part_kind {
	PART_WORKLOAD, /* runs an image */
	PART_STORE,    /* a managed database: it has an engine and an address, and runs elsewhere */
};

struct fact {
	const char *name;
	const char *value; /* NULL = not known here (a Secret, the environment of a shell) */
	bool blank;	   /* `value` lacks a variable that had no value */
	const char *file;  /* of a setting: those of one file belong together; else NULL */
	struct place at;
	struct fact *next;
};

/* Facts in the order in which they were added. */
struct facts {
	struct fact *first, **last;
	size_t count;
	struct node *index; /* a map: a name -> ref is the first fact of that name */
};

struct part {
	enum part_kind kind;
	const char *name;  /* as in the source */
	const char *scope; /* Kubernetes namespace, Terraform module; "" where there is none */
	const char *what;  /* "service", "Deployment", "aws_db_instance" */
	struct place at;
	const char *image;   /* NULL = built here, or none */
	const char *build;   /* where it is built, or NULL */
	const char *command; /* entrypoint and arguments in one line, or "" */
	struct facts env;
	struct facts settings;	   /* of configuration files that it is given: settings.h */
	struct facts tables;	   /* crontabs it is given; name: the file, value: the text */
	struct facts needs;	   /* name: a part's; value: why ("depends_on") */
	const struct part *inside; /* a job: whose container runs it; or NULL */
	struct facts hosts;	   /* names: under which others reach it */
	struct facts
		entries; /* name: "port 443", "Ingress shop.example.com": reached from outside */
	struct facts volumes;		     /* name: what is mounted; value: where */
	struct facts secrets;		     /* names */
	const char *schedule, *schedule_how; /* raw text and where it was found; or NULL */
	struct place schedule_at;
	const char
		*stop; /* `exec: ..., observe: ..., undo: ...` of the schedule as YAML, or NULL */
	bool starts_jobs;	/* what it starts by the clock are parts of their own */
	bool replica;		/* a read-only copy of another store */
	struct facts databases; /* names: of a server, where it is said */
	/* PART_STORE */
	const char *engine, *host, *database; /* or NULL */
	unsigned port;			      /* 0 = not known */
	size_t number;			      /* in model.parts */
};

/* A name and an address that leads somewhere: for a route of kind dns. */
struct record {
	const char *name, *type, *value;
	struct place at;
	struct record *next;
};

struct model {
	struct arena *arena;
	struct notes *notes;
	const char *name; /* of the whole, or NULL */
	struct part **parts;
	size_t parts_count, parts_cap;
	size_t facts_count, settings_bytes;
	struct record *records, **records_last;
	struct facts aliases;  /* name: "scope/host"; value: the name that it stands for outside */
	struct facts left_out; /* names: services of profiles that nobody asked for */
	bool compose;	       /* there are names that only a compose network knows */
	bool kubernetes;
};

void model_init(struct model *model, struct arena *arena, struct notes *notes);
/* NULL when there are too many (noted once). */
struct part *model_part(struct model *model, const char *name, const char *what, struct place at);
/* Adds a fact; past the limits it is left out and noted, NULL.  Strings are borrowed. */
struct fact *facts_add(struct model *model, struct facts *facts, const char *name,
	const char *value, struct place at);
/* The same, in place of an earlier one of this name. */
void facts_set(struct model *model, struct facts *facts, const char *name, const char *value,
	bool blank, struct place at);
const struct fact *facts_get(const struct facts *facts, const char *name);
/* The value when it is known and whole, else NULL. */
const char *facts_text(const struct facts *facts, const char *name);
void model_record(struct model *model, const char *name, const char *type, const char *value,
	struct place at);

#endif
