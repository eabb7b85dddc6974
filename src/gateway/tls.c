#include "gateway/tls.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/check.h"

static int refused(struct err *err, const char *what, const char *name)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return err_set(err, ERR_PLAN, "TLS: %s %s: %s", what, name, reason ? reason : "unusable");
}

static SSL_CTX *context_new(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (!ctx)
		return NULL;
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					 SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	return ctx;
}

int tls_server_new(const char *cert, const char *key, SSL_CTX **ret, struct err *err)
{
	SSL_CTX *ctx = context_new(TLS_server_method());

	if (!ctx)
		return refused(err, "making", "a context");
	if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1) {
		SSL_CTX_free(ctx);
		return refused(err, "certificate", cert);
	}
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
		SSL_CTX_check_private_key(ctx) != 1) {
		SSL_CTX_free(ctx);
		return refused(err, "key", key);
	}
	*ret = ctx;
	return 0;
}

int tls_client_new(const char *roots, SSL_CTX **ret, struct err *err)
{
	SSL_CTX *ctx = context_new(TLS_client_method());
	int ok = 1;

	if (!ctx)
		return refused(err, "making", "a context");
	if (roots) {
		ok = strcmp(roots, "system") == 0 ? SSL_CTX_set_default_verify_paths(ctx)
						  : SSL_CTX_load_verify_file(ctx, roots);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	}
	if (ok != 1) {
		SSL_CTX_free(ctx);
		return refused(err, "root certificates", roots);
	}
	*ret = ctx;
	return 0;
}

void tls_binding(SSL *ssl, bool own, struct scram_binding *ret)
{
	X509 *cert = own ? SSL_get_certificate(ssl) : SSL_get0_peer_certificate(ssl);
	unsigned char hash[EVP_MAX_MD_SIZE];
	const EVP_MD *md;
	unsigned len = 0;
	int digest = NID_undef;

	*ret = (struct scram_binding){0};
	if (!cert || !OBJ_find_sigid_algs(X509_get_signature_nid(cert), &digest, NULL))
		return;
	/* RFC 5929: weak hashes are replaced; a signature without a hash of its own has no binding.
	 */
	if (digest == NID_md5 || digest == NID_sha1)
		digest = NID_sha256;
	md = EVP_get_digestbynid(digest);
	if (!md || X509_digest(cert, md, hash, &len) != 1 || len > sizeof ret->hash)
		return;
	memcpy(ret->hash, hash, len);
	ret->len = len;
}
