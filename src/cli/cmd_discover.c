/* `airlock discover`: who uses each store, and what leads to it, against what the plan declares. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "cli/cmd.h"
#include "cli/discover_merge.h"
#include "cli/fleet.h"
#include "cli/memory.h"
#include "cli/newfile.h"
#include "cli/stop.h"
#include "discover/catalog.h"
#include "discover/certificate.h"
#include "discover/files.h"
#include "discover/functions.h"
#include "discover/host.h"
#include "discover/hostnames.h"
#include "discover/reconcile.h"

#define WATCH_MS 5000
#define PAUSE_MS 50
#define LOOK_MS 10000
#define AGAIN_MS 60000 /* --watch: catalogs, this host and files once a minute */

/* A round of --watch is short: only between two of them a signal is heeded. */
static int64_t watch_time_ms(const struct cmd_ctx *ctx)
{
	int64_t ms = opt_time_ms(ctx->opt, FLAG_DISCOVER_FOR, WATCH_MS);

	return opt_given(ctx->opt, FLAG_DISCOVER_WATCH) && ms > WATCH_MS ? WATCH_MS : ms;
}

/* `targets` NULL: only the sessions. */
static int look_at_store(struct cmd_ctx *ctx, struct fleet *fleet, size_t index,
	struct targets *targets, struct discovered *d, struct err *err)
{
	struct store_pg *store = fleet->stores[index];
	int64_t watch_ms = watch_time_ms(ctx);
	enum side side = fleet_open_side(store, LOOK_MS);
	STATEMENTS_AUTO statements = {0};
	bool told;

	if (statements_begin(store, side, clock_now_ms() + LOOK_MS, &statements, err) ||
		writers_watch(store, fleet->routes[index], side, watch_ms, PAUSE_MS,
			clock_now_ms() + watch_ms + LOOK_MS, &d->writers, err) ||
		statements_tell(store, side, clock_now_ms() + LOOK_MS, &statements, &d->writers,
			&d->findings, &told, err))
		return -1;
	reconcile(ctx->plan, index, side, &d->writers, told, &d->findings);
	if (targets == NULL)
		return 0;
	functions_look(store, side, clock_now_ms() + LOOK_MS, &d->findings);
	return catalog_look(store, side, targets, clock_now_ms() + LOOK_MS, &d->findings, err);
}

static int look_at_stores(struct cmd_ctx *ctx, struct fleet *fleet, struct targets *targets,
	struct discovered *d, struct err *err)
{
	for (size_t i = 0; i < ctx->plan->stores_count; i++)
		if (look_at_store(ctx, fleet, i, targets, d, err))
			return -1;
	return 0;
}

static const char *root_of(const struct cmd_ctx *ctx)
{
	const char *root = opt_text(ctx->opt, FLAG_DISCOVER_ROOT);

	return root != NULL ? root : "";
}

static int look_at_host(
	struct cmd_ctx *ctx, struct targets *targets, struct discovered *d, struct err *err)
{
	const char *root = root_of(ctx);
	struct lead lead = {.plan = ctx->plan, .targets = targets, .f = &d->findings, .root = root};

	if (*root != '\0' && access(root, X_OK))
		return err_set_errno(err, ERR_USAGE, "--root %s", root);
	host_crontabs(&lead, root);
	host_units(&lead, root);
	return 0;
}

/* Certificates of the plan's own strings, and the names of everything that was found. */
static void look_at_names(
	struct cmd_ctx *ctx, struct targets *targets, struct dns *dns, struct discovered *d)
{
	struct lead lead = {.plan = ctx->plan, .targets = targets, .f = &d->findings};
	BUF_AUTO text = BUF_INIT;

	if (lead_read(ctx->plan_path, &text, NULL))
		certificate_named(&lead, ctx->plan_path, buf_str(&text));
	hostnames_look(&lead, root_of(ctx), dns, opt_given(ctx->opt, FLAG_DISCOVER_NAMESERVER));
}

static int set_window(struct cmd_ctx *ctx, struct discovered *d, struct err *err)
{
	const char *text = opt_text(ctx->opt, FLAG_DISCOVER_WINDOW);
	int64_t now_s = (int64_t)time(NULL);

	return text == NULL ? 0 : window_read(text, now_s, &d->findings.window, err);
}

static int look_at_files(
	struct cmd_ctx *ctx, struct targets *targets, struct discovered *d, struct err *err)
{
	const char *first = opt_text(ctx->opt, FLAG_DISCOVER_FILES);

	if (first == NULL)
		return ctx->opt->args_count == 0
			       ? 0
			       : err_set(err, ERR_USAGE, "a DIR is read only behind --files");
	if (files_look(first, ctx->plan, targets, &d->findings, err))
		return -1;
	for (size_t i = 0; i < ctx->opt->args_count; i++)
		if (files_look(ctx->opt->args[i], ctx->plan, targets, &d->findings, err))
			return -1;
	return 0;
}

static int look_around(struct cmd_ctx *ctx, struct fleet *fleet, struct dns *dns,
	struct discovered *d, struct err *err)
{
	bool chosen = opt_given(ctx->opt, FLAG_DISCOVER_NAMESERVER);
	struct targets *targets = targets_new(ctx->plan, chosen ? dns : NULL);
	int rc = 0;

	if (look_at_files(ctx, targets, d, err) || look_at_host(ctx, targets, d, err) ||
		look_at_stores(ctx, fleet, targets, d, err))
		rc = -1;
	else
		look_at_names(ctx, targets, dns, d);
	targets_free(targets);
	return rc;
}

/* `all`: everything but the sessions too, which --watch asks again only now and then. */
static int look(
	struct cmd_ctx *ctx, struct fleet *fleet, bool all, struct discovered *d, struct err *err)
{
	struct dns *dns;
	int rc;

	if (!d->findings.window.given)
		d->findings.window = window_from_now((int64_t)time(NULL));
	if (dns_open(opt_text(ctx->opt, FLAG_DISCOVER_NAMESERVER), &dns, err))
		return -1;
	rc = all ? look_around(ctx, fleet, dns, d, err) : look_at_stores(ctx, fleet, NULL, d, err);
	dns_close(dns);
	findings_declare(&d->findings, ctx->plan);
	if (rc == 0) {
		memory_keep(ctx, &d->writers);
		memory_keep_findings(ctx, &d->findings);
	}
	return rc;
}

/* ---- --watch --------------------------------------------------------------------------------- */

/* What was new is not new again; who is still here will be seen again. */
static void begin_round(struct discovered *d)
{
	for (size_t i = 0; i < d->writers.count; i++)
		d->writers.rows[i].here = d->writers.rows[i].fresh = false;
	for (size_t i = 0; i < d->findings.count; i++)
		d->findings.rows[i].fresh = false;
}

/* Goes on until a signal; a round that fails is said and tried again. */
static void watch_on(struct cmd_ctx *ctx, struct fleet *fleet, struct discovered *d)
{
	int64_t all_at_ms = clock_now_ms() + AGAIN_MS;

	while (!*stop_asked && !ferror(ctx->out->data)) {
		bool all = clock_now_ms() >= all_at_ms;
		struct err err = ERR_INIT;

		begin_round(d);
		if (all)
			all_at_ms = clock_now_ms() + AGAIN_MS;
		if (look(ctx, fleet, all, d, &err)) {
			out_warn(ctx->out, "%s", err.msg);
			env_next(fleet->env, env_now_us(fleet->env) + INT64_C(5000000));
			continue;
		}
		discovered_show_new(ctx, d);
		fflush(ctx->out->data);
	}
}

/* ---- --merge --------------------------------------------------------------------------------- */

static int merge(struct cmd_ctx *ctx, const struct discovered *d, struct err *err)
{
	const char *path = opt_text(ctx->opt, FLAG_DISCOVER_OUTPUT);
	BUF_AUTO patch = BUF_INIT;

	if (discover_merge(ctx, d, &patch, err))
		return -1;
	if (patch.len == 0) {
		out_note(ctx->out, "nothing undeclared was found: the plan needs no patch");
		return 0;
	}
	if (path == NULL) {
		out_text(ctx->out, &patch);
		return 0;
	}
	if (newfile_write(path, buf_str(&patch), err))
		return -1;
	out_note(
		ctx->out, "%s is written: read it, then `patch %s %s`", path, ctx->plan_path, path);
	return 0;
}

static int say(struct cmd_ctx *ctx, struct fleet *fleet, struct discovered *d, struct err *err)
{
	if (opt_given(ctx->opt, FLAG_DISCOVER_MERGE))
		return merge(ctx, d, err);
	if (opt_given(ctx->opt, FLAG_DISCOVER_OUTPUT))
		return err_set(err, ERR_USAGE, "-o says where the patch of --merge goes");
	discovered_show(ctx, d);
	if (opt_given(ctx->opt, FLAG_DISCOVER_WATCH))
		watch_on(ctx, fleet, d);
	return 0;
}

int cmd_discover(struct cmd_ctx *ctx, struct err *err)
{
	DISCOVERED_AUTO d = {0};
	FLEET_AUTO fleet = {0};
	int rc;

	if (set_window(ctx, &d, err) || fleet_open(ctx->plan, &fleet, err))
		return -1;
	memory_recall(ctx, &d.writers);
	memory_recall_findings(ctx, &d.findings);
	if (opt_given(ctx->opt, FLAG_DISCOVER_WATCH))
		stop_listen(fleet.env);
	rc = look(ctx, &fleet, true, &d, err);
	if (rc == 0)
		rc = say(ctx, &fleet, &d, err);
	if (opt_given(ctx->opt, FLAG_DISCOVER_WATCH))
		stop_ignore();
	if (rc)
		return -1;
	return discovered_undeclared(ctx->plan, &d) > 0 &&
			       opt_given(ctx->opt, FLAG_DISCOVER_FAIL_ON)
		       ? EXIT_REFUSED
		       : EXIT_DONE;
}
