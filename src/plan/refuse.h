/* refuse.h - the refusals of a plan, with their place in its text. */
#ifndef AIRLOCK_PLAN_REFUSE_H
#define AIRLOCK_PLAN_REFUSE_H

#include "plan/checker.h"
#include "plan/yaml_tree.h"

/* Of a plan without errors.  Adds problems of severity PROBLEM_REFUSAL. */
void refuse_check(struct checker *ck, const struct yaml_tree *root);

#endif
