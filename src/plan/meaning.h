/*
 * meaning.h - what no single value shows: secrets anywhere, two sides that are one server, budgets,
 * tiers and routes that contradict each other, overlaps of nothing, circles.
 */
#ifndef AIRLOCK_PLAN_MEANING_H
#define AIRLOCK_PLAN_MEANING_H

#include "plan/checker.h"

/* Every value of the tree, also those that no row of the schema knows. */
void meaning_check_secrets(struct checker *ck, const struct yaml_tree *root);
/* Before the names are resolved: sizes, names that are taken, connection strings, budgets. */
void meaning_check_values(struct checker *ck, const struct yaml_tree *root);
/* After: tiers (derives those that are not given), routes, overlaps, circles. */
void meaning_check_graph(struct checker *ck, const struct yaml_tree *root);

#endif
