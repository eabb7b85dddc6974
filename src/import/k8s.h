/*
 * k8s.h - Kubernetes manifests (also what `helm template` and `kubectl get -o yaml` print) into the
 * model.
 */
#ifndef AIRLOCK_IMPORT_K8S_H
#define AIRLOCK_IMPORT_K8S_H

#include "import/model.h"

/* `documents`: a list of all documents of all files. */
void k8s_import(const struct node *documents, struct model *model);
/* Does the document look like an object of Kubernetes? */
bool k8s_is_object(const struct node *document);

#endif
