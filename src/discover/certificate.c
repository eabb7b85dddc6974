#include "discover/certificate.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/check.h"
#include "base/clock.h"

#define CERTIFICATES_MAX 512 /* a system's bundle of authorities has about 140 */
#define NAMED_MAX 16	     /* of one text */
#define SOON_S (30 * INT64_C(86400))

/* ---- what stands in one ---------------------------------------------------------------------- */

struct first_end {
	char name[128];
	int64_t ends_s;
	int count; /* certificates in the text */
};

static bool ends_at(const X509 *certificate, int64_t *ret_s)
{
	struct tm tm;

	if (!ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm))
		return false;
	*ret_s = (int64_t)timegm(&tm);
	return true;
}

static void take(X509 *certificate, struct first_end *ret)
{
	int64_t ends_s;

	if (!ends_at(certificate, &ends_s) || (ret->count++ > 0 && ends_s >= ret->ends_s))
		return;
	ret->ends_s = ends_s;
	if (X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, ret->name,
		    sizeof ret->name) < 0)
		snprintf(ret->name, sizeof ret->name, "?");
}

/* False when there is none in the text. */
static bool first_end(const struct buf *text, struct first_end *ret)
{
	BIO *bio;

	*ret = (struct first_end){.count = 0};
	if (strstr(buf_str(text), "-----BEGIN ") == NULL)
		return false;
	bio = BIO_new_mem_buf(buf_str(text), (int)text->len);
	ENSURE(bio != NULL);
	for (int n = 0; n < CERTIFICATES_MAX; n++) {
		X509 *certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);

		if (certificate == NULL)
			break;
		take(certificate, ret);
		X509_free(certificate);
	}
	BIO_free(bio);
	return ret->count > 0;
}

static void describe(const struct window *w, const struct first_end *end, struct finding *one)
{
	int64_t days = (end->ends_s - (int64_t)time(NULL)) / 86400;
	char stamp[CLOCK_STAMP_BYTES];
	BUF_AUTO of = BUF_INIT;

	if (end->count > 1)
		buf_printf(&of, ", the first of %d in it to end", end->count);
	clock_date(end->ends_s, stamp);
	one->ends_s = end->ends_s;
	if (end->ends_s < (int64_t)time(NULL))
		FIELD(one->what, "certificate of %s ended %s%s", end->name, stamp, buf_str(&of));
	else
		FIELD(one->what, "certificate of %s ends %s, in %" PRId64 " days%s, %s", end->name,
			stamp, days, buf_str(&of),
			end->ends_s < w->from_s ? "before the window"
			: end->ends_s < w->to_s ? "IN THE WINDOW"
						: "after the window");
}

void certificate_tell(struct lead *lead, const char *path, const struct buf *text)
{
	int64_t sync_s = lead->plan->budgets.sync_age_ms / 1000, now_s = (int64_t)time(NULL);
	struct finding one = lead->base;
	struct first_end end;

	if (!first_end(text, &end) ||
		(end.ends_s >= lead->f->window.to_s &&
			end.ends_s > now_s + (sync_s > SOON_S ? sync_s : SOON_S)))
		return;
	one.kind = FOUND_CERTIFICATE;
	one.how = HOW_CONFIGURED;
	one.next_s = 0;
	FIELD(one.place, "%s", path);
	FIELD(one.file, "%s", path);
	describe(&lead->f->window, &end, &one);
	findings_add(lead->f, &one);
}

/* ---- where one is named ---------------------------------------------------------------------- */

/* Words behind which a file with certificates is named, and never a key. */
static const char *const words[] = {"sslcert", "sslrootcert", "ssl_cert_file", "ssl_ca_file",
	"server_tls_cert_file", "server_tls_ca_file", "client_tls_cert_file", "client_tls_ca_file",
	"ssl_certificate", "ssl_client_certificate", "ssl_trusted_certificate", "ca-file", "crt",
	"PGSSLCERT", "PGSSLROOTCERT", "SSL_CERT_FILE", "ssl-cert", "ssl-ca", "ssl_ca", "ssl_cert",
	"cert", "tls-cert-file", "tls-ca-cert-file", "cacertfile", "certfile", "cert_file",
	"ca_file"};

static bool is_word_char(unsigned char c)
{
	return isalnum(c) || c == '_' || c == '-';
}

/* Behind the word: blanks, quotes and one sign; HAProxy and nginx write nothing but a blank. */
static const char *skip_sign(const char *at)
{
	const char *begun = at;

	at += strspn(at, " \t\"'");
	if (*at == '=' || *at == ':')
		at++;
	else if (at == begun)
		return NULL;
	return at + strspn(at, " \t\"'");
}

static int hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* A path as it stands in settings and URLs; "" when there is none. */
static void read_path(const char *at, struct buf *out)
{
	size_t len = strcspn(at, " \t\r\n\"'&;,)}]|<>");

	for (size_t i = 0; i < len; i++)
		if (at[i] == '%' && i + 2 < len && isxdigit((unsigned char)at[i + 1]) &&
			isxdigit((unsigned char)at[i + 2])) {
			buf_putc(out, (char)(hex(at[i + 1]) * 16 + hex(at[i + 2])));
			i += 2;
		} else {
			buf_putc(out, at[i]);
		}
}

/* Only what has a slash or ends like a certificate: "cert: true" names no file. */
static bool is_file_name(const char *path)
{
	static const char *const ends[] = {".pem", ".crt", ".cer", ".cert"};
	const char *dot = strrchr(path, '.');

	if (strpbrk(path, "${}*?") != NULL || strstr(path, "://") != NULL || strlen(path) > 200)
		return false;
	if (*path == '/' || strncmp(path, "./", 2) == 0 || strncmp(path, "../", 3) == 0)
		return true;
	for (size_t i = 0; dot != NULL && i < ARRAY_LEN(ends); i++)
		if (strcasecmp(dot, ends[i]) == 0)
			return true;
	return false;
}

/* As this process opens it. */
static void locate(const struct lead *lead, const char *file, const char *path, struct buf *out)
{
	const char *slash = strrchr(file, '/');

	if (*path == '/')
		buf_printf(out, "%s%s", lead->root != NULL ? lead->root : "", path);
	else
		buf_printf(out, "%.*s%s", slash != NULL ? (int)(slash + 1 - file) : 0, file, path);
}

static void open_named(
	struct lead *lead, const char *file, int line, const char *word, const char *path)
{
	struct finding one = {.kind = FOUND_CERTIFICATE, .how = HOW_CONFIGURED, .line = line};
	struct first_end end;
	BUF_AUTO where = BUF_INIT;
	BUF_AUTO text = BUF_INIT;

	locate(lead, file, path, &where);
	FIELD(one.place, "%s:%d", file, line);
	FIELD(one.file, "%s", file);
	FIELD(one.target, "%s", buf_str(&where));
	FIELD(one.name, "%s", word);
	if (!lead_read(buf_str(&where), &text, one.owner)) {
		one.how = HOW_UNOBSERVABLE;
		FIELD(one.what, "%s names a certificate that is not there or may not be read here",
			word);
	} else if (!first_end(&text, &end)) {
		return; /* a key, or nothing of the kind */
	} else {
		describe(&lead->f->window, &end, &one);
	}
	findings_add(lead->f, &one);
}

static bool is_comment(const char *line)
{
	line += strspn(line, " \t");
	return *line == '#' || *line == ';' || strncmp(line, "//", 2) == 0;
}

/* The file that one word names in a line, if it does. */
static bool named_by(const char *line, const char *word, struct buf *ret_path)
{
	size_t len = strlen(word);

	for (const char *at = line; (at = strstr(at, word)) != NULL; at += len) {
		const char *value;

		if ((at > line && is_word_char((unsigned char)at[-1])) ||
			is_word_char((unsigned char)at[len]))
			continue;
		value = skip_sign(at + len);
		if (value == NULL)
			continue;
		buf_clear(ret_path);
		read_path(value, ret_path);
		if (is_file_name(buf_str(ret_path)))
			return true;
	}
	return false;
}

/* Most lines do not, and are not searched for every word. */
static bool may_name(const char *line, size_t len)
{
	static const char *const parts[] = {"cert", "CERT", "crt", "_ca", "-ca", "ca-", "ca_"};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (memmem(line, len, parts[i], strlen(parts[i])) != NULL)
			return true;
	return false;
}

void certificate_named(struct lead *lead, const char *file, const char *text)
{
	int line = 0, told = 0;
	size_t len;

	for (const char *at = text; *at != '\0' && told < NAMED_MAX;
		at += len + (at[len] != '\0')) {
		BUF_AUTO one = BUF_INIT;

		len = strcspn(at, "\n");
		line++;
		if (len > 4096 || !may_name(at, len))
			continue;
		buf_add(&one, at, len);
		for (size_t i = 0; i < ARRAY_LEN(words) && !is_comment(buf_str(&one)); i++) {
			BUF_AUTO path = BUF_INIT;

			if (!named_by(buf_str(&one), words[i], &path))
				continue;
			open_named(lead, file, line, words[i], buf_str(&path));
			told++;
		}
	}
}
