/*
 * tls.h - the two contexts of TLS, and what channel binding is made of.
 *
 * Secrets are files named by the plan or found where libpq looks; nothing is read from elsewhere.
 */
#ifndef AIRLOCK_GATEWAY_TLS_H
#define AIRLOCK_GATEWAY_TLS_H

#include <openssl/ssl.h>

#include "base/err.h"
#include "pgwire/scram.h"

/* Both files are PEM; the certificate's may hold a chain.  Returns owned: SSL_CTX_free. */
int tls_server_new(const char *cert, const char *key, SSL_CTX **ret, struct err *err) MUST_CHECK;
/* roots: a PEM file, "system", or NULL = the peer's certificate is not verified. */
int tls_client_new(const char *roots, SSL_CTX **ret, struct err *err) MUST_CHECK;
/* tls-server-end-point (RFC 5929) of the end that is the server; none when it cannot be told. */
void tls_binding(SSL *ssl, bool own, struct scram_binding *ret);

#endif
