/*
 * k8s_keys.h - which keys of Kubernetes objects are known: the table of k8s_keys.def.
 *
 * Objects of Kubernetes' own kinds that are read are looked at wholly.  Of other kinds (operators',
 * Rollout, Knative) only the containers of their pod template are: the rest has its own rules.
 */
#ifndef AIRLOCK_IMPORT_K8S_KEYS_H
#define AIRLOCK_IMPORT_K8S_KEYS_H

#include "import/keys.h"

extern const struct key_table k8s_keys;

/* `object` has apiVersion and kind; `name` is what it is called in notes. */
void k8s_keys_check(struct keys *keys, const struct node *object, const char *name);

#endif
