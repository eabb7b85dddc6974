/*
 * airlock-gateway - the data plane: carries the clients of one store to the side whose door is
 * open, holds them while it moves, and takes their sessions over.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/check.h"
#include "gateway/controld.h"
#include "gateway/hold.h"
#include "gateway/listener.h"
#include "gateway/options.h"
#include "gateway/park.h"
#include "gateway/renew.h"
#include "gateway/say.h"
#include "gateway/side.h"
#include "gateway/tryout.h"
#include "plan/plan.h"

#define ANSWER_MS 3000 /* of a register: more than one lost packet takes, less than a drain */

struct program {
	struct gateway gateway;
	struct listener listener;
	struct controld *controld;
	uv_signal_t term, interrupt;
	const struct plan *plan;
	const struct plan_route *route;
	const struct plan_store *store;
};

static const char *setting(const struct program *p, const char *key)
{
	return plan_setting_get(p->route->settings, p->route->settings_count, key);
}

/* ---- the plan -------------------------------------------------------------------------------- */

static int load(const char *path, struct plan **ret, struct err *err)
{
	ARENA_AUTO arena = ARENA_INIT;
	BUF_AUTO text = BUF_INIT;
	struct problems problems;
	int rc;

	problems_init(&problems, &arena);
	rc = plan_load(path, ret, &problems, err);
	if (problems.errors > 0) {
		problems_print(&problems, false, &text);
		fputs(buf_str(&text), stderr);
	}
	return rc;
}

static int find_route(struct program *p, const char *name, struct err *err)
{
	for (size_t i = 0; i < p->plan->routes_count; i++)
		if (strcmp(p->plan->routes[i].name, name) == 0)
			p->route = &p->plan->routes[i];
	if (!p->route)
		return err_set(err, ERR_USAGE, "the plan has no route %s", name);
	if (p->route->kind != ROUTE_GATEWAY)
		return err_set(err, ERR_USAGE, "route %s is not of kind gateway", name);
	for (size_t i = 0; i < p->plan->stores_count; i++)
		if (&p->plan->routes[p->plan->stores[i].route] == p->route)
			p->store = &p->plan->stores[i];
	if (!p->store)
		return err_set(err, ERR_USAGE, "no store of the plan is reached by route %s", name);
	return 0;
}

/* A plan that says `verifiers: file` names it. */
static int make_verifiers(struct program *p, struct err *err)
{
	const char *file = setting(p, "auth.file");

	return file ? verifiers_open(file, &p->gateway.verifiers, err) : 0;
}

/* ---- making ---------------------------------------------------------------------------------- */

static int make_slabs(struct gateway *g, struct err *err)
{
	/* A session has up to five legs; one that was closed goes back a turn later. */
	size_t legs = 6 * (size_t)GATEWAY_SESSIONS_MAX;

	g->slab = calloc(GATEWAY_SESSIONS_MAX, sizeof *g->slab);
	if (!g->slab)
		return err_set(err, ERR_NOMEM, "no memory for sessions");
	/* Each leg can hold a buffer for what comes and one for what goes. */
	return pool_init(&g->pool, 2 * legs, err) ||
			       legs_init(&g->legs, &g->loop, &g->pool, legs, err)
		       ? -1
		       : 0;
}

static void make_doors(struct program *p)
{
	struct doors_options options = {.loop = &p->gateway.loop,
		.plan = p->plan->name,
		.store = p->store->name,
		.conninfo = {[CONTROL_OLD] = p->store->old, [CONTROL_NEW] = p->store->new},
		.register_user = setting(p, "register_user"),
		.answer_ms = ANSWER_MS};

	p->gateway.doors = doors_new(&options);
}

static int make_controld(struct program *p, struct err *err)
{
	struct controld_options options = {.loop = &p->gateway.loop,
		.path = setting(p, "control"),
		.plan = p->plan->name,
		.store = p->store->name,
		.route = p->route->name,
		.ops = hold_ops(),
		.ctx = p->gateway.hold,
		.accounts = accounts_answer,
		.accounts_ctx = &p->gateway};

	return controld_open(&options, &p->controld, err);
}

static int make_tls(struct program *p, struct err *err)
{
	const char *cert = setting(p, "tls.cert"), *key = setting(p, "tls.key");

	return cert ? tls_server_new(cert, key, &p->gateway.tls, err) : 0;
}

static void take_policies(struct program *p)
{
	p->gateway.policies = policies_default;
	for (int i = 0; i < CLASS_COUNT; i++) {
		const char *word = setting(p, policy_class_setting((enum policy_class)i));

		if (word) /* the schema has the same words */
			ENSURE(policies_set(&p->gateway.policies, (enum policy_class)i, word));
	}
}

static int make(struct program *p, struct err *err)
{
	struct gateway *g = &p->gateway;

	gateway_random(g->secret, sizeof g->secret);
	g->patience_ms = p->plan->budgets.hold_ms;
	take_policies(p);
	accounts_init(&g->accounts);
	if (make_slabs(g, err) || side_init(&g->side[CONTROL_OLD], p->store->old, err) ||
		side_init(&g->side[CONTROL_NEW], p->store->new, err) || make_tls(p, err) ||
		make_verifiers(p, err))
		return -1;
	make_doors(p);
	g->hold = hold_new(g);
	g->park = park_new(g);
	g->renewals = renew_new(g);
	g->tryouts = tryout_new(g);
	return make_controld(p, err) || listener_open(&p->listener, g, setting(p, "listen"), err)
		       ? -1
		       : 0;
}

static void unmake(struct program *p)
{
	struct gateway *g = &p->gateway;

	SSL_CTX_free(g->tls);
	side_fini(&g->side[CONTROL_OLD]);
	side_fini(&g->side[CONTROL_NEW]);
	setting_names_fini(&g->names);
	verifiers_close(g->verifiers);
	park_free(g->park);
	renew_free(g->renewals);
	tryout_free(g->tryouts);
	hold_free(g->hold);
	legs_fini(&g->legs);
	pool_fini(&g->pool);
	accounts_fini(&g->accounts);
	free(g->slab);
}

/* ---- running --------------------------------------------------------------------------------- */

static void stop(struct program *p)
{
	struct gateway *g = &p->gateway;

	if (g->stopping)
		return;
	g->stopping = true;
	listener_close(&p->listener);
	while (g->first)
		session_close(g->first);
	if (g->park)
		park_stop(g->park);
	if (g->renewals)
		renew_stop(g->renewals);
	if (g->tryouts)
		tryout_end(g->tryouts);
	if (g->hold)
		hold_stop(g->hold);
	if (p->controld)
		controld_close(p->controld, NULL, NULL);
	if (g->doors)
		doors_close(g->doors, NULL, NULL);
	uv_close((uv_handle_t *)&p->term, NULL);
	uv_close((uv_handle_t *)&p->interrupt, NULL);
}

static void on_signal(uv_signal_t *handle, int number)
{
	say("ending: %s", strsignal(number));
	stop(handle->data);
}

static void watch_signals(struct program *p)
{
	signal(SIGPIPE, SIG_IGN);
	p->term.data = p->interrupt.data = p;
	ENSURE(uv_signal_init(&p->gateway.loop, &p->term) == 0);
	ENSURE(uv_signal_init(&p->gateway.loop, &p->interrupt) == 0);
	ENSURE(uv_signal_start(&p->term, on_signal, SIGTERM) == 0);
	ENSURE(uv_signal_start(&p->interrupt, on_signal, SIGINT) == 0);
}

/* As many files as the system lets us have; and no core file, in which keys would stand. */
static void set_limits(void)
{
	struct rlimit files, core = {0, 0};

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	setrlimit(RLIMIT_CORE, &core);
}

static int run(struct program *p, struct err *err)
{
	int rc;

	set_limits();
	ENSURE(uv_loop_init(&p->gateway.loop) == 0);
	watch_signals(p);
	rc = make(p, err);
	if (rc == 0)
		say("route %s of plan %s: listening on %s", p->route->name, p->plan->name,
			setting(p, "listen"));
	else
		stop(p);
	uv_run(&p->gateway.loop, UV_RUN_DEFAULT);
	ENSURE(uv_loop_close(&p->gateway.loop) == 0);
	unmake(p);
	return rc;
}

static int serve(const struct gateway_options *o, struct err *err)
{
	static struct program p; /* large, and its slabs are referred to until the last turn */
	PLAN_AUTO plan = NULL;

	if (load(o->plan, &plan, err))
		return -1;
	p = (struct program){.plan = plan};
	if (find_route(&p, o->route, err))
		return -1;
	return run(&p, err);
}

int main(int argc, char **argv)
{
	struct gateway_options o;
	struct err err = ERR_INIT;

	if (gateway_options_parse(argc, argv, &o, &err)) {
		fprintf(stderr, "airlock-gateway: %s\n%s", err.msg, gateway_options_help());
		return err_exit_code(err.code);
	}
	if (o.help || o.version) {
		fputs(o.help ? gateway_options_help() : "airlock-gateway " AIRLOCK_VERSION "\n",
			stdout);
		return 0;
	}
	if (serve(&o, &err)) {
		say("%s", err.msg);
		return err_exit_code(err.code);
	}
	return 0;
}
