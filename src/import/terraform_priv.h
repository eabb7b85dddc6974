/*
 * terraform_priv.h - what the importers of Terraform's resources share: terraform.c finds them and
 * reads servers and names, terraform_run.c reads what runs, terraform_refs.c who refers to whom.
 */
#ifndef AIRLOCK_IMPORT_TERRAFORM_PRIV_H
#define AIRLOCK_IMPORT_TERRAFORM_PRIV_H

#include "import/model.h"

struct resource {
	const char *address, *type, *name, *module;
	const struct node *values;
	struct place at;
	bool read;		     /* somebody knew it */
	const struct node *depends;  /* addresses, or NULL */
	struct part *part;	     /* what it became, or NULL */
	const struct resource *same; /* another server of this address with another key */
	struct resource *task;	     /* of a service: what it runs, or NULL */
};

struct terraform {
	struct model *model;
	struct resource *resources;
	size_t count, cap;
	struct node *data; /* a map: "type/name" of what holds variables -> ref is its resource */
	const struct node *configuration; /* of a plan; NULL in a state */
};

/* A text under keys joined by '.'; lists lead on by their first element.  NULL when absent; a
 * number or a truth value is its text. */
const char *terraform_text(const struct node *values, const char *keys);
const struct node *terraform_node(const struct node *values, const char *keys);
/* JSON text as a tree whose nodes all stand at `at`; NULL when it is none. */
struct node *terraform_json(struct arena *arena, const char *text, size_t len, struct place at);

void terraform_run_read(struct terraform *tf);
/* Who refers to a server whose address is not known yet, by the configuration or by what the state
 * says of dependencies: terraform_refs.c. */
void terraform_refs_read(struct terraform *tf);

#endif
