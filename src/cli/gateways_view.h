/*
 * gateways_view.h - what `airlock discover` says of the gateways in front of the stores: did they
 * tell whose sessions the servers take for theirs?
 */
#ifndef AIRLOCK_CLI_GATEWAYS_VIEW_H
#define AIRLOCK_CLI_GATEWAYS_VIEW_H

#include <jansson.h>

#include "base/buf.h"
#include "discover/writers.h"

/* [{"store", "route", "answers", "why", "clients", "forgotten"}]; why is null where it answers, the
 * numbers are where it does not.  Owned. */
json_t *gateways_json(const struct writers *w);
/* One of them. */
json_t *gateway_json(const struct writers_gateway *gateway);
/* One wrapped line each. */
void gateways_text(const struct writers *w, struct buf *out);
void gateway_text(const struct writers_gateway *gateway, struct buf *out);

#endif
