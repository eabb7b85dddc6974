#include "route/gateway.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "control/control.h"

struct route_gateway {
	struct route route; /* first */
	const char *plan;   /* its name; borrowed, as what follows */
	const char *path;   /* of the control socket */
	struct policies policies;
	int fd; /* -1 = not connected */
	int64_t pid; /* of the gateway, as it said */
	int64_t last_id;
	char line[CONTROL_LINE_MAX]; /* what has come of answers */
	size_t len;
};

static struct route_gateway *of(struct route *route)
{
	return (struct route_gateway *)route;
}

/* ---- the socket ------------------------------------------------------------------------------ */

static void hang_up(struct route_gateway *g)
{
	if (g->fd >= 0)
		close(g->fd);
	g->fd = -1;
	g->len = 0;
}

static int broken(struct route_gateway *g, const char *what, struct err *err)
{
	int code = errno;

	hang_up(g);
	return err_set(err, ERR_UNREACHABLE,
		"the gateway of route %s does not answer at %s: %s%s%s", g->route.name, g->path,
		what, code ? ": " : "", code ? strerror(code) : "");
}

static int ring(struct route_gateway *g, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (g->fd >= 0)
		return 0;
	if (strlen(g->path) >= sizeof address.sun_path)
		return err_set(err, ERR_PLAN, "control: a socket's path has at most %zu bytes: %s",
			sizeof address.sun_path - 1, g->path);
	memcpy(address.sun_path, g->path, strlen(g->path) + 1);
	g->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (g->fd < 0 || connect(g->fd, (struct sockaddr *)&address, sizeof address) < 0)
		return broken(g, "connecting", err);
	return 0;
}

static int wait_for(struct route_gateway *g, short events, int64_t deadline_ms, struct err *err)
{
	for (;;) {
		struct pollfd fd = {.fd = g->fd, .events = events};
		int64_t left = deadline_ms - env_now_ms(g->route.env);
		int n = poll(&fd, 1, left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left);

		if (n > 0)
			return 0;
		if (n == 0 && left <= 0) {
			hang_up(g);
			return err_set(err, ERR_TIMEOUT,
				"the gateway of route %s has not answered in time", g->route.name);
		}
		if (n < 0 && errno != EINTR)
			return broken(g, "waiting", err);
	}
}

static int send_all(
	struct route_gateway *g, const struct buf *line, int64_t deadline_ms, struct err *err)
{
	size_t sent = 0;

	while (sent < line->len) {
		ssize_t n = send(g->fd, line->data + sent, line->len - sent, MSG_NOSIGNAL);

		if (n >= 0)
			sent += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			return broken(g, "sending", err);
		else if (wait_for(g, POLLOUT, deadline_ms, err))
			return -1;
	}
	return 0;
}

/* The next line, without its newline, into *ret_len of g->line. */
static int next_line(struct route_gateway *g, int64_t deadline_ms, size_t *ret_len, struct err *err)
{
	for (;;) {
		char *end = memchr(g->line, '\n', g->len);
		ssize_t n;

		if (end != NULL) {
			*ret_len = (size_t)(end - g->line);
			return 0;
		}
		errno = 0;
		if (g->len == sizeof g->line)
			return broken(g, "an answer has no end", err);
		n = recv(g->fd, g->line + g->len, sizeof g->line - g->len, 0);
		if (n > 0)
			g->len += (size_t)n;
		else if (n == 0)
			return broken(g, "it hung up", err);
		else if (errno != EAGAIN && errno != EINTR)
			return broken(g, "receiving", err);
		else if (wait_for(g, POLLIN, deadline_ms, err))
			return -1;
	}
}

static void drop_line(struct route_gateway *g, size_t len)
{
	g->len -= len + 1;
	memmove(g->line, g->line + len + 1, g->len);
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* Answers to earlier questions, given up since, are passed over. */
static int exchange(struct route_gateway *g, struct control_request *request, int64_t deadline_ms,
	struct control_reply *ret, struct err *err)
{
	BUF_AUTO line = BUF_INIT;
	int rc;

	if (ring(g, err))
		return -1;
	request->id = ++g->last_id;
	control_request_write(request, &line);
	if (send_all(g, &line, deadline_ms, err))
		return -1;
	do {
		size_t len = 0;

		if (next_line(g, deadline_ms, &len, err))
			return -1;
		rc = control_reply_read(g->line, len, request->cmd, ret, err);
		drop_line(g, len);
		if (rc) {
			hang_up(g); /* who knows what else it would say */
			err->code = ERR_UNREACHABLE;
			return err_wrap(err, "the gateway of route %s", g->route.name);
		}
	} while (ret->id != request->id);
	return 0;
}

static void name_blockers(const struct control_reply *reply, struct buf *out)
{
	for (size_t i = 0; i < reply->blockers_count && i < 5; i++) {
		const struct control_blocker *b = &reply->blockers[i];

		buf_printf(out, "%s pid %lld, %s (%s), %s for %.1f s: %.60s", i > 0 ? ";" : ":",
			(long long)b->pid, b->user, b->application, b->cls,
			(double)b->age_ms / 1000, b->text);
		if (b->policy[0])
			buf_printf(out, " (policy %s)", b->policy);
	}
	if (reply->blockers_count > 5)
		buf_printf(out, "; and %zu more", reply->blockers_count - 5);
}

static int said_no(
	const struct route_gateway *g, const struct control_reply *reply, struct err *err)
{
	static const struct {
		const char *code;
		enum err_code err;
	} codes[] = {
		{"drain", ERR_BLOCKED}, /* the next attempt may find them at a boundary */
		{"stale", ERR_LOST},
		{"shut", ERR_LOST},
		{"side", ERR_LOST},
		{"over", ERR_TIMEOUT},
		{"busy", ERR_BLOCKED},
		{"unknown", ERR_UNREACHABLE},
	};
	BUF_AUTO who = BUF_INIT;
	enum err_code code = ERR_REFUSED;

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (strcmp(codes[i].code, reply->code) == 0)
			code = codes[i].err;
	name_blockers(reply, &who);
	return err_set(
		err, code, "gateway of route %s: %s%s", g->route.name, reply->error, buf_str(&who));
}

/* An exchange whose answer is yes. */
static int ask(struct route_gateway *g, struct control_request *request, int64_t deadline_ms,
	struct control_reply *ret, struct err *err)
{
	if (exchange(g, request, deadline_ms, ret, err))
		return -1;
	return ret->ok ? 0 : said_no(g, ret, err);
}

/* ---- the contract ---------------------------------------------------------------------------- */

static enum control_side side_of(enum side side)
{
	return side == SIDE_OLD ? CONTROL_OLD : CONTROL_NEW;
}

static enum side side_from(enum control_side side)
{
	return side == CONTROL_OLD ? SIDE_OLD : SIDE_NEW;
}

/* Of another plan's gateway nothing is wanted. */
static int greet(struct route_gateway *g, int64_t deadline_ms, struct err *err)
{
	struct control_request request = {.cmd = CONTROL_HELLO};
	struct control_reply reply;

	if (ask(g, &request, deadline_ms, &reply, err))
		return -1;
	if (reply.hello.proto != CONTROL_PROTO || strcmp(reply.hello.route, g->route.name) != 0)
		return err_set(err, ERR_REFUSED,
			"at %s answers the gateway of route %s (protocol %lld), not of %s (%d)",
			g->path, reply.hello.route, (long long)reply.hello.proto, g->route.name,
			CONTROL_PROTO);
	if (reply.hello.plan[0] && strcmp(reply.hello.plan, g->plan) != 0)
		return err_set(err, ERR_REFUSED,
			"at %s answers the gateway of a route %s of plan %s, not of %s", g->path,
			g->route.name, reply.hello.plan, g->plan);
	g->pid = reply.hello.pid;
	return 0;
}

/* A transaction that is under way now will be over at the hold, or the drain says so, and for some
 * the plan wants that: what a server does not hand out will not go away by itself. */
static bool is_let_pass(const struct control_blocker *b)
{
	if (b->policy[0])
		return strcmp(b->policy, policy_name(POLICY_BLOCK)) != 0;
	return strcmp(b->cls, "transaction") == 0 || strcmp(b->cls, "unread") == 0 ||
	       strcmp(b->cls, "silent") == 0;
}

static int gateway_arm(struct route *route, const struct route_call *call, struct err *err)
{
	struct route_gateway *g = of(route);
	struct control_request request = {.cmd = CONTROL_ARM,
		.has_policies = true,
		.policies = g->policies,
		.arm = {.attempt = call->attempt,
			.src = side_of(call->src),
			.dst = side_of(side_other(call->src)),
			.share = call->share}};
	struct control_reply reply;

	if (greet(g, call->deadline_ms, err) || ask(g, &request, call->deadline_ms, &reply, err))
		return -1;
	/* Those beyond would be ended, and then Airlock itself could not log in there either. */
	if (reply.arm.sessions > call->share)
		return err_set(err, ERR_REFUSED,
			"gateway of route %s: %lld sessions are to go to %s, which has room for %lld "
			"more: raise max_connections there, or close some",
			g->route.name, (long long)reply.arm.sessions,
			side_name(side_other(call->src)), (long long)call->share);
	for (size_t i = 0; i < reply.blockers_count; i++) {
		BUF_AUTO who = BUF_INIT;

		if (is_let_pass(&reply.blockers[i]))
			continue;
		name_blockers(&reply, &who);
		return err_set(err, ERR_BLOCKED,
			"gateway of route %s: a session cannot be carried over%s", g->route.name,
			buf_str(&who));
	}
	return 0;
}

/* They are the first that it names, and stay ended when the hold is over. */
static void name_ended(struct control_reply *reply, struct route_held *ret_held)
{
	size_t named = reply->blockers_count;
	BUF_AUTO who = BUF_INIT;

	ret_held->ended = reply->hold.disconnected;
	if (ret_held->ended < (int64_t)named)
		reply->blockers_count = ret_held->ended > 0 ? (size_t)ret_held->ended : 0;
	name_blockers(reply, &who);
	snprintf(ret_held->who, sizeof ret_held->who, "%s",
		who.len > 2 ? buf_str(&who) + 2 : ""); /* without ": " */
	reply->blockers_count = named;
}

static int gateway_hold(struct route *route, const struct route_call *call,
	struct route_held *ret_held, struct err *err)
{
	struct route_gateway *g = of(route);
	struct control_request request = {.cmd = CONTROL_HOLD,
		.has_policies = true,
		.policies = g->policies,
		.hold = {.attempt = call->attempt,
			.src = side_of(call->src),
			.hold_ms = call->hold_ms,
			.drain_ms = call->drain_ms,
			.lull_ms = call->lull_ms}};
	struct control_reply reply;

	if (exchange(g, &request, call->deadline_ms, &reply, err))
		return -1;
	if (reply.ok) {
		ret_held->held = reply.hold.held;
		ret_held->drain_ms = reply.hold.drain_ms;
		ret_held->lull_ms = reply.hold.lull_ms < call->lull_ms ? reply.hold.lull_ms
								       : call->lull_ms;
	}
	name_ended(&reply, ret_held);
	return reply.ok ? 0 : said_no(g, &reply, err);
}

static int gateway_release(struct route *route, enum side side, int64_t epoch, int64_t deadline_ms,
	struct route_released *ret_released, struct err *err)
{
	struct route_gateway *g = of(route);
	struct control_request request = {
		.cmd = CONTROL_RELEASE, .release = {.side = side_of(side), .epoch = epoch}};
	struct control_reply reply;

	if (ask(g, &request, deadline_ms, &reply, err))
		return -1;
	*ret_released = (struct route_released){.released = reply.release.released,
		.failed = reply.release.failed,
		.stall_ms = reply.release.waiting_ms_max,
		.served_ms = reply.release.served_ms};
	return 0;
}

static void take_blocker(const struct control_blocker *from, struct route_blocker *to)
{
	to->pid = from->pid;
	to->age_ms = from->age_ms;
	snprintf(to->user, sizeof to->user, "%s", from->user);
	snprintf(to->application, sizeof to->application, "%s", from->application);
	if (from->address[0] != '\0')
		snprintf(to->client, sizeof to->client, strchr(from->address, ':') ? "[%s]:%u" : "%s:%u",
			from->address, (unsigned)from->port & UINT16_MAX);
	snprintf(to->kind, sizeof to->kind, "%s", from->cls);
	snprintf(to->policy, sizeof to->policy, "%s", from->policy);
	to->looked_ms = from->looked_ms;
	snprintf(to->text, sizeof to->text, "%s", from->text);
}

static void take_blockers(const struct control_reply *reply, struct route_view *ret)
{
	for (size_t i = 0; i < reply->blockers_count && i < ROUTE_BLOCKERS_MAX; i++)
		take_blocker(&reply->blockers[i], &ret->blockers[ret->blockers_count++]);
}

static int gateway_look(
	struct route *route, int64_t deadline_ms, struct route_view *ret_view, struct err *err)
{
	struct route_gateway *g = of(route);
	struct control_request request = {.cmd = CONTROL_STATUS};
	struct control_reply reply;

	if (greet(g, deadline_ms, err) || ask(g, &request, deadline_ms, &reply, err))
		return -1;
	*ret_view = (struct route_view){.sessions = reply.status.sessions,
		.held = reply.status.held,
		.oldest_ms = reply.status.oldest_ms};
	snprintf(ret_view->phase, sizeof ret_view->phase, "%s",
		control_phase_name(reply.status.phase));
	take_blockers(&reply, ret_view);
	return 0;
}

static int gateway_survey(
	struct route *route, int64_t deadline_ms, struct route_view *ret_view, struct err *err)
{
	struct route_gateway *g = of(route);
	struct control_request request = {
		.cmd = CONTROL_SURVEY, .has_policies = true, .policies = g->policies};
	struct control_reply reply;

	if (greet(g, deadline_ms, err) || ask(g, &request, deadline_ms, &reply, err))
		return -1;
	*ret_view = (struct route_view){.sessions = reply.survey.sessions,
		.looked = reply.survey.looked,
		.let_in = reply.survey.let_in};
	snprintf(ret_view->phase, sizeof ret_view->phase, "run");
	take_blockers(&reply, ret_view);
	return 0;
}

/* ---- who its clients are --------------------------------------------------------------------- */

static void take_account(const struct control_account *from, bool ended, struct route_account *to)
{
	*to = (struct route_account){.number = from->number,
		.ended = ended,
		.pid = from->pid,
		.side = side_from(from->side),
		.port = (unsigned)from->port,
		.via_port = (unsigned)from->via_port,
		.came_ms = from->came_ms,
		.asked_ms = from->asked_ms,
		.ended_ms = from->ended_ms,
		.transactions = from->transactions,
		.bytes_in = from->bytes_in,
		.bytes_out = from->bytes_out,
		.writes = from->writes,
		.rows = from->rows,
		.wrote_ms = from->wrote_ms};
	snprintf(to->address, sizeof to->address, "%s", from->address);
	snprintf(to->via, sizeof to->via, "%s", from->via);
	snprintf(to->user, sizeof to->user, "%s", from->user);
	snprintf(to->application, sizeof to->application, "%s", from->application);
	snprintf(to->wrote, sizeof to->wrote, "%s", from->wrote);
}

/* Page by page, newest first, down to number `known`, which was told before. */
static int read_pages(struct route_gateway *g, bool ended, int64_t known, int64_t deadline_ms,
	struct control_reply *reply, struct route_accounts *accounts, struct err *err)
{
	int64_t before = 0;

	do {
		struct control_request request = {.cmd = CONTROL_ACCOUNTS,
			.accounts = {.ended = ended, .before = before}};
		const struct control_accounts_reply *page = &reply->accounts;

		if (ask(g, &request, deadline_ms, reply, err))
			return -1;
		for (size_t i = 0; i < page->count; i++) {
			if (page->rows[i].number <= known)
				return 0;
			take_account(&page->rows[i], ended, route_accounts_add(accounts));
		}
		if (before > 0 && page->next >= before)
			return err_set(err, ERR_UNREACHABLE,
				"the gateway of route %s: its pages have no end", g->route.name);
		before = page->next;
	} while (before > 0);
	return 0;
}

/* What has fallen out of the gateway's memory since the last call is counted. */
static int read_ended(struct route_gateway *g, int64_t deadline_ms, struct control_reply *reply,
	struct route_accounts *accounts, struct err *err)
{
	size_t first = accounts->count;
	int64_t known = accounts->ended;

	if (read_pages(g, true, known, deadline_ms, reply, accounts, err))
		return -1;
	if (accounts->count == first)
		return 0;
	accounts->ended = accounts->rows[first].number;
	if (known > 0)
		accounts->forgotten = accounts->rows[accounts->count - 1].number - known - 1;
	return 0;
}

/* Those that are there first: who goes meanwhile is told twice, and nobody is left out. */
static int read_accounts(struct route_gateway *g, int64_t deadline_ms, struct control_reply *reply,
	struct route_accounts *accounts, struct err *err)
{
	int64_t came = accounts->came;

	if (greet(g, deadline_ms, err))
		return -1;
	if (g->pid != accounts->carrier) /* started anew, it counts anew */
		came = accounts->ended = 0;
	accounts->carrier = g->pid;
	if (read_pages(g, false, came, deadline_ms, reply, accounts, err))
		return -1;
	if (accounts->count > 0)
		came = accounts->rows[0].number;
	accounts->clients = reply->accounts.sessions;
	if (read_ended(g, deadline_ms, reply, accounts, err))
		return -1;
	accounts->came = came;
	return 0;
}

static int gateway_accounts(struct route *route, int64_t deadline_ms,
	struct route_accounts *accounts, struct err *err)
{
	struct control_reply *reply = calloc(1, sizeof *reply);
	int rc;

	ENSURE(reply != NULL);
	rc = read_accounts(of(route), deadline_ms, reply, accounts, err);
	free(reply);
	return rc;
}

static void gateway_free(struct route *route)
{
	hang_up(of(route));
	free(route);
}

static const struct route_ops gateway_ops = {
	.name = "gateway",
	.can = ROUTE_CAN_HOLD,
	.arm = gateway_arm,
	.hold = gateway_hold,
	.release = gateway_release,
	.look = gateway_look,
	.survey = gateway_survey,
	.accounts = gateway_accounts,
	.free = gateway_free,
};

static void take_policies(const struct plan_route *route, struct policies *ret)
{
	*ret = policies_default;
	for (int i = 0; i < CLASS_COUNT; i++) {
		const char *word = plan_setting_get(route->settings, route->settings_count,
			policy_class_setting((enum policy_class)i));

		if (word) /* the schema has the same words */
			ENSURE(policies_set(ret, (enum policy_class)i, word));
	}
}

int route_gateway_new(const char *plan, const struct plan_route *plan_route, struct env *env,
	struct route **ret_route, struct err *err)
{
	struct route_gateway *g = calloc(1, sizeof *g);

	REQUIRE(plan_route->kind == ROUTE_GATEWAY);
	if (!g)
		return err_set(err, ERR_NOMEM, "no memory for route %s", plan_route->name);
	g->route = (struct route){&gateway_ops, env, plan_route->name};
	g->fd = -1;
	g->plan = plan;
	g->path = plan_setting_get(plan_route->settings, plan_route->settings_count, "control");
	REQUIRE(g->path != NULL); /* the schema requires it */
	take_policies(plan_route, &g->policies);
	*ret_route = &g->route;
	return 0;
}
