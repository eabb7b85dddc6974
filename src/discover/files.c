#include "discover/files.h"

#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/check.h"
#include "base/clock.h"
#include "discover/lead.h"

#define CERTIFICATES_MAX 64
#define SOON_DAYS 30

/* ---- certificates ---------------------------------------------------------------------------- */

static void name_of(X509 *certificate, char ret[128])
{
	if (X509_NAME_get_text_by_NID(
		    X509_get_subject_name(certificate), NID_commonName, ret, 128) < 0)
		snprintf(ret, 128, "?");
}

/* Told only when it ends within the time that a migration may take. */
static void tell_certificate(struct lead *lead, const char *path, X509 *certificate)
{
	struct finding one = lead->base;
	int64_t sync_days = lead->plan->budgets.sync_age_ms / 86400000;
	int days = 0, seconds = 0;
	char name[128], stamp[CLOCK_STAMP_BYTES];

	if (!ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) ||
		days > (sync_days > SOON_DAYS ? sync_days : SOON_DAYS))
		return;
	name_of(certificate, name);
	one.kind = FOUND_CERTIFICATE;
	one.how = HOW_CONFIGURED;
	one.next_s = 0;
	FIELD(one.place, "%s", path);
	FIELD(one.file, "%s", path);
	clock_date((int64_t)time(NULL) + days * INT64_C(86400) + seconds, stamp);
	if (days < 0 || seconds < 0)
		FIELD(one.what, "certificate of %s ended %s", name, stamp);
	else
		FIELD(one.what, "certificate of %s ends %s, in %d days", name, stamp, days);
	findings_add(lead->f, &one);
}

static void look_for_certificates(struct lead *lead, const char *path, const struct buf *text)
{
	BIO *bio;
	X509 *certificate;

	if (strstr(buf_str(text), "-----BEGIN CERTIFICATE-----") == NULL)
		return;
	bio = BIO_new_mem_buf(buf_str(text), (int)text->len);
	ENSURE(bio != NULL);
	for (int n = 0; n < CERTIFICATES_MAX; n++) {
		certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		if (certificate == NULL)
			break;
		tell_certificate(lead, path, certificate);
		X509_free(certificate);
	}
	BIO_free(bio);
}

/* ---- walking --------------------------------------------------------------------------------- */

static void look_at_file(struct lead *lead, const char *path)
{
	BUF_AUTO text = BUF_INIT;

	lead->base = (struct finding){.kind = FOUND_FILE, .how = HOW_CONFIGURED};
	if (!lead_scan_file(lead, path)) {
		lead->f->files_skipped++;
		return;
	}
	if (lead_read(path, &text, NULL))
		look_for_certificates(lead, path, &text);
}

static void look_at_entry(struct lead *lead, FTS *walk, FTSENT *entry)
{
	switch (entry->fts_info) {
	case FTS_D:
		if (entry->fts_level > 0 && strcmp(entry->fts_name, ".git") == 0)
			fts_set(walk, entry, FTS_SKIP);
		break;
	case FTS_F:
	case FTS_SL: /* to a directory: not read, and counted */
		look_at_file(lead, entry->fts_path);
		break;
	case FTS_DP:
		break;
	default:
		lead->f->files_skipped++;
		break;
	}
}

int files_look(const char *path, const struct plan *plan, struct targets *targets,
	struct findings *f, struct err *err)
{
	struct lead lead = {.plan = plan, .targets = targets, .f = f, .lifetimes = true};
	char *paths[] = {(char *)(uintptr_t)path, NULL};
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	int64_t count = 0;
	int rc = 0;

	if (walk == NULL)
		return err_set_errno(err, ERR_USAGE, "--files %s", path);
	while (rc == 0 && (entry = fts_read(walk)) != NULL && count++ < FILES_MAX) {
		if (entry->fts_level == 0 &&
			(entry->fts_info == FTS_NS || entry->fts_info == FTS_DNR)) {
			errno = entry->fts_errno;
			rc = err_set_errno(err, ERR_USAGE, "--files %s", path);
			break;
		}
		look_at_entry(&lead, walk, entry);
	}
	if (count > FILES_MAX) {
		struct finding one = {.kind = FOUND_HIDDEN, .how = HOW_UNOBSERVABLE};

		FIELD(one.place, "%s", path);
		FIELD(one.what, "more than %d files: the rest was not read", FILES_MAX);
		findings_add(f, &one);
	}
	fts_close(walk);
	return rc;
}
