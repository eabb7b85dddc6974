/*
 * certificate.h - certificates that lie in files or are named by a configuration, held against the
 * window and the time that a migration may take.  Of a file that holds a key as well only the
 * certificates are read.
 */
#ifndef AIRLOCK_DISCOVER_CERTIFICATE_H
#define AIRLOCK_DISCOVER_CERTIFICATE_H

#include "discover/lead.h"

/* A text with certificates in PEM: the one that ends first, if it ends within the window, 30 days
 * or budgets.sync_age. */
void certificate_tell(struct lead *lead, const char *path, const struct buf *text);

/*
 * The files that a configuration names as certificates (libpq's sslcert, the server's
 * ssl_cert_file, PgBouncer's server_tls_cert_file, HAProxy's crt, tls.cert of a gateway, and those
 * of the authorities): each is opened, and told whenever it ends.  One that cannot be read is told
 * as not observable.  Relative ones lie beside the configuration.
 */
void certificate_named(struct lead *lead, const char *file, const char *text);

#endif
