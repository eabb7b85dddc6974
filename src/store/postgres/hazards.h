/*
 * hazards.h - what would make a migration of this database fail or lie, found beforehand.
 *
 * One hazard is one row of hazards.def: what it is, where it is looked for, the SQL that finds it
 * on each server version, what to do.  `airlock check`, `airlock explain`, docs/hazards.md and the
 * tests are made from the row; nothing about a hazard stands anywhere else.
 *
 * A look that the rights given do not allow, or that fails, is a finding of its own: NOT PROVEN
 * (law 13).  Nothing is changed on either server, except that no statement here is free of charge:
 * catalogue reads only, no table is scanned.
 */
#ifndef AIRLOCK_STORE_POSTGRES_HAZARDS_H
#define AIRLOCK_STORE_POSTGRES_HAZARDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "core/door.h"

struct pg;

enum hazard_id {
#define HAZARD(id, name, severity, where, when, rights, blind, shows, title, why, remedy)          \
	HAZARD_##id,
#include "store/postgres/hazards.def"
	HAZARD_COUNT
};

/* WATCH: cannot be prevented with any rights and is always so; told, never counted. */
enum hazard_severity { HAZARD_WATCH, HAZARD_WARN, HAZARD_REFUSE };

enum hazard_where {
	HAZARD_SRC,	       /* the side that is left */
	HAZARD_DST,	       /* the other one */
	HAZARD_BOTH,	       /* each for itself */
	HAZARD_COMPARE,	       /* objects that are not the same on both */
	HAZARD_COMPARE_SRC,    /* the same, but what only dst has is no finding */
	HAZARD_COMPARE_COMMON, /* the same, only of objects that both have */
	HAZARD_SAME	       /* objects that are the same on both */
};

enum hazard_when { HAZARD_ALWAYS, HAZARD_BEFORE_SYNC, HAZARD_AFTER_SYNC };

enum hazard_rights { HAZARD_ANY, HAZARD_MONITOR, HAZARD_SUPERUSER };

struct hazard {
	enum hazard_id id;
	const char *name; /* "H-TWO-PHASE": stable */
	enum hazard_severity severity;
	enum hazard_where where;
	enum hazard_when when;
	enum hazard_rights rights; /* what the look takes; with less it is NOT PROVEN */
	bool blind_refuses;	   /* NOT PROVEN counts as found; otherwise it is only told */
	bool secret;		   /* what was compared is a digest or a secret: never shown */
	const char *title;	   /* half a sentence */
	const char *why;	   /* what goes wrong */
	const char *remedy;	   /* %s = the object */
};

/* Borrowed, const; NULL when there is no such hazard. */
const struct hazard *hazard_get(enum hazard_id id);
const struct hazard *hazard_explain(const char *name);
const char *hazard_severity_name(enum hazard_severity severity); /* "refuse" */
/* The SQL of a hazard on a server version, with its @parameters@ still in it; NULL when the hazard
 * does not exist there. */
const char *hazard_sql(enum hazard_id id, int server_version);
/* The row's remedy for reading, with OBJECT where the object will stand. */
void hazard_remedy_text(const struct hazard *hazard, struct buf *out);
/* The text of docs/hazards.md. */
void hazards_markdown(struct buf *out);

/* Lists end with NULL; everything is borrowed. */
struct hazards_scope {
	enum side src;		    /* the side that is left: SIDE_NEW before a rollback */
	bool synced;		    /* the links exist */
	bool carried;		    /* a gateway carries sessions over: they do not reconnect */
	bool temp_withheld;	    /* new's saved admission has PUBLIC's TEMPORARY */
	bool data_present;	    /* rows on dst are meant to be there */
	const char *const *roles;   /* Airlock's own */
	const char *repl_role;	    /* the one that the links log in as */
	const char *const *schemas; /* Airlock's own */
	const char *const
		*app_users; /* shell globs: how the plan recognises sessions of services */
	const char *conninfo[SIDE_COUNT]; /* for remedies to copy; without passwords */
	int64_t xact_age_ms_max;
	int64_t sequence_margin;
	int64_t clock_skew_ms_max;
	int64_t deadline_ms;
};

/* Everything that a plan does not say, as this program does it. */
struct hazards_scope hazards_scope_default(void);

struct hazard_found {
	const struct hazard *hazard;
	bool proven;	    /* false: NOT PROVEN, `detail` says why */
	bool sided;	    /* false: a difference between both */
	enum side side;	    /* where */
	const char *object; /* "public.orders"; "" when NOT PROVEN */
	const char *detail; /* one line */
	const char *remedy; /* with the object in it */
};

/* Rows in the order of hazards.def; all text is in the arena. */
struct hazard_report {
	struct arena arena;
	struct hazard_found *rows;
	size_t count, cap;
};

#define HAZARD_REPORT_INIT ((struct hazard_report){0})
#define HAZARD_REPORT_AUTO __attribute__((cleanup(hazard_report_fini))) struct hazard_report

/*
 * Both connections are to the migrated databases.  Fails only when a server cannot be asked
 * (ERR_UNREACHABLE, ERR_TIMEOUT); `ret` then holds what was found so far.
 */
int hazards_find(struct pg *old, struct pg *new, const struct hazards_scope *scope,
	struct hazard_report *ret, struct err *err) MUST_CHECK;
/* One hazard alone, appended to `ret`. */
int hazards_find_one(enum hazard_id id, struct pg *old, struct pg *new,
	const struct hazards_scope *scope, struct hazard_report *ret, struct err *err) MUST_CHECK;
void hazard_report_fini(struct hazard_report *report);

/* Does this finding stand in the way of a move? */
bool hazard_refuses(const struct hazard_found *found);

/*
 * How far new's clock is ahead of old's, by the shortest of a few round trips; *ret_error_ms is
 * half of that trip: the true skew is within it.
 */
int hazards_clock_skew(struct pg *old, struct pg *new, int64_t deadline_ms, double *ret_skew_ms,
	double *ret_error_ms, struct err *err) MUST_CHECK;

#endif
