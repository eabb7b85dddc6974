/*
 * terraform.h - what `terraform show -json` prints, of a state or of a plan, into the model.
 *
 * Managed databases, what runs (ECS, Lambda, Kubernetes, Cloud Run, App Service) with the
 * environment it is told, schedules, DNS names.  The values of a state hold passwords in the clear:
 * see model.h for what is done with them.
 */
#ifndef AIRLOCK_IMPORT_TERRAFORM_H
#define AIRLOCK_IMPORT_TERRAFORM_H

#include "base/err.h"
#include "import/model.h"

/* ERR_USAGE when the text is no JSON or not of `terraform show -json`. */
int terraform_import(const char *path, const char *text, size_t len, struct model *model,
	struct err *err) MUST_CHECK;

#endif
