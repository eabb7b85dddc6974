/*
 * k8s_priv.h - what the importers of Kubernetes objects share.  k8s.c sorts the objects, k8s_data.c
 * keeps ConfigMaps and Secrets, k8s_pod.c reads pod templates, k8s_mount.c what is mounted into
 * them, k8s_network.c says who is reached how.
 */
#ifndef AIRLOCK_IMPORT_K8S_PRIV_H
#define AIRLOCK_IMPORT_K8S_PRIV_H

#include "import/k8s_keys.h"
#include "import/model.h"

/* A workload and the labels of its pods, by which Services find it. */
struct k8s_pod {
	struct part *part;
	const struct node *labels;
};

struct k8s {
	struct model *model;
	struct keys keys;
	const char *home;     /* the namespace of objects that name none */
	struct node *maps;    /* a map: "namespace/name" of a ConfigMap -> its data */
	struct node *secrets; /* likewise of a Secret, decoded */
	const struct node **networks;
	size_t networks_count;
	const struct node **poolers;
	size_t poolers_count;
	struct k8s_pod *pods;
	size_t pods_count;
	size_t expanded; /* bytes that $(VAR) became, in all */
};

#define K8S_EXPANDED_MAX (32u << 20)

const char *k8s_name(const struct node *object);
const char *k8s_namespace(const struct k8s *k, const struct node *object);
/* NULL when none is written. */
const char *k8s_namespace_written(const struct node *object);

/*
 * ConfigMaps and Secrets of the sources.  Of a Secret's values only connections.c takes anything:
 * hosts, ports, databases and users.
 */
void k8s_data_add(struct k8s *k, const struct node *object);
/* Its values, or NULL when it is not in the sources. */
const struct node *k8s_map(const struct k8s *k, const char *scope, const char *name);
const struct node *k8s_secret(const struct k8s *k, const char *scope, const char *name);

/* What a container mounts; `spec` and `claims` are the pod's. */
void k8s_mounts_read(struct k8s *k, struct part *part, const struct node *spec,
	const struct node *claims, const struct node *container);

/* `object`: the workload; `template`: the mapping that holds `metadata` and `spec` of its pods. */
void k8s_pod_read(
	struct k8s *k, const struct node *object, const struct node *template, const char *kind);
/* Operators' databases: k8s_stores.c.  When all objects have been read, their poolers become names
 * of them, and who is given one of their Secrets uses them. */
void k8s_store_read(struct k8s *k, const struct node *object, const char *kind);
void k8s_stores_join(struct k8s *k);
/* Services first, then what stands in front of them. */
void k8s_network_read(struct k8s *k);

#endif
