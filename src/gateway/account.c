#include "gateway/account.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "gateway/controld.h"
#include "gateway/session.h"

void accounts_init(struct accounts *a)
{
	a->kept = calloc(ACCOUNTS_KEPT, sizeof *a->kept);
	ENSURE(a->kept != NULL);
}

void accounts_fini(struct accounts *a)
{
	free(a->kept);
	a->kept = NULL;
}

/* ---- one session ----------------------------------------------------------------------------- */

/* By numbers: nothing is resolved. */
static void take_end(
	const struct sockaddr_storage *at, socklen_t len, struct account_end *ret)
{
	char port[8];

	*ret = (struct account_end){.port = 0};
	if (at->ss_family == AF_UNIX) {
		snprintf(ret->address, sizeof ret->address, "local");
	} else if (getnameinfo((const struct sockaddr *)at, len, ret->address, sizeof ret->address,
			   port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
		/* A server tells addresses without their interface. */
		ret->address[strcspn(ret->address, "%")] = '\0';
		ret->port = (uint16_t)strtoul(port, NULL, 10);
	}
}

void account_begin(struct session *s, int fd)
{
	struct account *a = &s->account;
	struct sockaddr_storage at = {.ss_family = AF_UNSPEC};
	socklen_t len = sizeof at;

	*a = (struct account){.number = ++s->gateway->accounts.numbered,
		.came_ms = (int64_t)uv_now(&s->gateway->loop)};
	if (getpeername(fd, (struct sockaddr *)&at, &len) == 0)
		take_end(&at, len, &a->client);
}

void account_command(struct session *s, const uint8_t *body, uint32_t len)
{
	struct account *a = &s->account;
	struct tag tag;

	if (!tag_wrote(body, len, s->track.copy_in, &tag))
		return;
	a->writes++;
	a->rows += tag.rows;
	a->wrote_ms = (int64_t)uv_now(&s->gateway->loop);
	memcpy(a->wrote, tag.verb, sizeof a->wrote);
}

/* ---- telling --------------------------------------------------------------------------------- */

static int64_t age(int64_t now_ms, int64_t then_ms)
{
	return now_ms > then_ms ? now_ms - then_ms : 0;
}

static int64_t signed_of(uint64_t count)
{
	return count < INT64_MAX ? (int64_t)count : INT64_MAX;
}

/* What the server takes for its client's address: our end of its leg. */
static void tell_server(const struct server *server, struct control_account *ret)
{
	struct sockaddr_storage at = {.ss_family = AF_UNSPEC};
	socklen_t len = sizeof at;
	struct account_end via;

	ret->side = server->side;
	if (!server_is_open(server) || server->pid == 0)
		return;
	ret->pid = server->pid;
	if (getsockname(server->leg->fd, (struct sockaddr *)&at, &len) != 0)
		return;
	take_end(&at, len, &via);
	snprintf(ret->via, sizeof ret->via, "%s", via.address);
	ret->via_port = via.port;
}

static void tell(const struct session *s, struct control_account *ret)
{
	const struct account *a = &s->account;
	const char *application = params_get(&s->told, "application_name");
	int64_t now_ms = (int64_t)uv_now(&s->gateway->loop);

	*ret = (struct control_account){.number = signed_of(a->number),
		.port = a->client.port,
		.came_ms = age(now_ms, a->came_ms),
		.asked_ms = age(now_ms, s->active_ms > a->came_ms ? s->active_ms : a->came_ms),
		.transactions = signed_of(a->transactions),
		.bytes_in = signed_of(a->bytes_in),
		.bytes_out = signed_of(a->bytes_out),
		.writes = signed_of(a->writes),
		.rows = signed_of(a->rows),
		.wrote_ms = a->writes > 0 ? age(now_ms, a->wrote_ms) : 0};
	snprintf(ret->address, sizeof ret->address, "%s", a->client.address);
	snprintf(ret->user, sizeof ret->user, "%.63s", s->login.user);
	snprintf(ret->database, sizeof ret->database, "%.63s", s->login.database);
	snprintf(ret->application, sizeof ret->application, "%.63s", application ? application : "");
	snprintf(ret->wrote, sizeof ret->wrote, "%.11s", a->wrote);
	tell_server(&s->server, ret);
}

/* Its ages are those at its end, and its end a time of the loop's clock, until they are told. */
static struct control_account *keep(struct session *s)
{
	struct accounts *all = &s->gateway->accounts;
	struct control_account *kept = &all->kept[all->ended++ % ACCOUNTS_KEPT];

	tell(s, kept);
	kept->number = signed_of(all->ended);
	kept->ended_ms = (int64_t)uv_now(&s->gateway->loop);
	return kept;
}

void account_end(struct session *s)
{
	if (session_counts(s))
		keep(s);
}

void account_second(struct session *s)
{
	struct control_account *kept = keep(s);

	kept->transactions = kept->bytes_in = kept->bytes_out = 0;
	kept->writes = kept->rows = kept->wrote_ms = 0;
	kept->wrote[0] = '\0';
	tell_server(&s->second, kept);
}

static void tell_ended(const struct control_account *kept, int64_t now_ms,
	struct control_account *ret)
{
	int64_t ago_ms = age(now_ms, kept->ended_ms);

	*ret = *kept;
	ret->came_ms += ago_ms;
	ret->asked_ms += ago_ms;
	ret->wrote_ms += ret->writes > 0 ? ago_ms : 0;
	ret->ended_ms = ago_ms;
}

/* ---- pages ----------------------------------------------------------------------------------- */

/* False when the page is full: there is more. */
static bool add(struct control_accounts_reply *page, struct control_account **ret)
{
	if (page->count == CONTROL_ACCOUNTS_MAX) {
		page->next = page->rows[page->count - 1].number;
		return false;
	}
	*ret = &page->rows[page->count++];
	return true;
}

/* The newest come first in the list. */
static void page_of_sessions(
	const struct gateway *g, int64_t before, struct control_accounts_reply *page)
{
	struct control_account *row;
	bool room = true;

	for (const struct session *s = g->first; s; s = s->next) {
		if (!session_counts(s))
			continue;
		page->sessions++;
		if ((before > 0 && signed_of(s->account.number) >= before) || !room)
			continue;
		room = add(page, &row);
		if (room)
			tell(s, row);
	}
}

static void page_of_ended(
	const struct gateway *g, int64_t before, struct control_accounts_reply *page)
{
	const struct accounts *a = &g->accounts;
	uint64_t oldest = a->ended > ACCOUNTS_KEPT ? a->ended - ACCOUNTS_KEPT : 0, at = a->ended;
	int64_t now_ms = (int64_t)uv_now(&g->loop);
	struct control_account *row;

	if (before > 0 && (uint64_t)before - 1 < at)
		at = (uint64_t)before - 1;
	for (; at > oldest && add(page, &row); at--)
		tell_ended(&a->kept[(at - 1) % ACCOUNTS_KEPT], now_ms, row);
}

void accounts_answer(
	void *gateway, struct controld_request *request, const struct control_accounts *asked)
{
	const struct gateway *g = gateway;
	struct control_reply *reply = calloc(1, sizeof *reply);

	ENSURE(reply != NULL);
	reply->ok = true;
	reply->accounts.ended = signed_of(g->accounts.ended);
	if (asked->ended)
		page_of_ended(g, asked->before, &reply->accounts);
	else
		page_of_sessions(g, asked->before, &reply->accounts);
	controld_reply(request, reply);
	free(reply);
}
