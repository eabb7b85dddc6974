/*
 * finding.h - a dependency on a store that is no session: what it is, where it stands, how sure
 * that is, and what the plan says of it.
 *
 * No field ever holds a secret: connection strings come through dsn_show().  Fields may hold
 * characters that act on a terminal; who prints them makes them safe.
 */
#ifndef AIRLOCK_DISCOVER_FINDING_H
#define AIRLOCK_DISCOVER_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "discover/process.h"
#include "discover/window.h"
#include "plan/plan.h"
#include "port/store.h"

enum finding_kind {
#define FOUND(ID, id, counts, title, explanation) FOUND_##ID,
#include "discover/kinds.def"
#undef FOUND
	FOUND_KINDS
};

/* How sure, surest first. */
enum finding_how {
	HOW_SEEN,	 /* doing it */
	HOW_CONFIGURED,	 /* set up to do it */
	HOW_MENTIONED,	 /* written down for people */
	HOW_UNOBSERVABLE /* could not be looked at */
};

struct finding {
	enum finding_kind kind;
	enum finding_how how;
	char store[64]; /* "" = of no one store */
	enum side side; /* to which it leads, or at which it was found */
	/* Kind, store, side, place and target are its identity. */
	char place[256];  /* "slot shop_cdc", "/etc/cron.d/billing:3" */
	char target[256]; /* where it leads, as dsn_show says it; "" */
	char what[320];	  /* one sentence */
	char process[PROCESS_BYTES];
	char process_why[PROCESS_WHY_BYTES]; /* of somebody who is there: why that is "" */
	char file[256]; /* "" = none */
	int line;
	char owner[64]; /* of the file */
	/* By these a service of the plan is recognised; "" = not known. */
	char user[64], application[64], address[64];
	char name[64];	   /* of the job, the slot, the unit */
	char schedule[64]; /* a cron expression */
	int64_t next_s;	   /* its next run, wall clock; 0 = not known */
	struct runs runs;  /* of a job: what it does in the window */
	int64_t ends_s;	   /* of a certificate: its notAfter; 0 = none */
	int64_t first_s, last_s;
	bool here;	      /* found now, not only remembered */
	bool fresh;	      /* found now and never before */
	char declared_as[64]; /* a service or route of the plan; "" = nothing */
};

struct findings {
	struct finding *rows; /* owned */
	size_t count, room;
	/* What was looked at and what that took. */
	int64_t queries, query_us;
	int64_t files, files_skipped, jobs;
	int64_t names, names_us; /* host names that were asked for */
	struct window window;
	int64_t sessions_new, sessions_unseen, rows_written; /* while the sessions were watched */
};

#define FINDINGS_AUTO __attribute__((cleanup(findings_fini))) struct findings
void findings_fini(struct findings *f);

/*
 * Adds what was found now, or brings an earlier one up to date; the times are set here.  Borrowed
 * until the next call.
 */
struct finding *findings_add(struct findings *f, const struct finding *found);

/* Sets declared_as of every row. */
void findings_declare(struct findings *f, const struct plan *plan);
/* Leads to a store of the plan, found now, and nothing of the plan stands for it. */
bool finding_is_undeclared(const struct finding *f);

const char *finding_id(enum finding_kind kind); /* "pg-cron" */
const char *finding_title(enum finding_kind kind);
const char *finding_explain(enum finding_kind kind);
const char *finding_how_name(enum finding_how how); /* "seen", "configured", "mentioned", ... */

/* What would declare it, as writer_service_entry says it; false when nothing would, or need. */
struct buf;
bool finding_service_entry(const struct finding *f, char ret_name[64], struct buf *out);
/* What the entry of a job leaves to a human; "" = nothing. */
void finding_open_question(const struct finding *f, struct buf *out);

/* snprintf into a field; what is too long is cut. */
void field_print(char *field, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
#define FIELD(field, ...) field_print(field, sizeof(field), __VA_ARGS__)

#endif
