#include "gateway/park.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "gateway/hold.h"

#define RENEW_MS 25000 /* within half of authentication_timeout, which is 60 s by default */
#define GIVE_UP_MS                                                                                 \
	180000	      /* a hold follows an arm within seconds, or somebody has changed his mind */
#define COMING_MAX 16 /* on their way at a time, so that live clients keep the processors */
#define LOOK_EVERY_MS 1000u /* at ages */

struct park {
	struct gateway *gateway;
	bool on;
	enum control_side side;
	int64_t share, begun_ms;
	int64_t count;	/* parked, and on their way there */
	int64_t coming; /* of those, on their way */
	uv_timer_t timer;
};

struct park *park_new(struct gateway *gateway)
{
	struct park *p = calloc(1, sizeof *p);

	ENSURE(p != NULL);
	p->gateway = gateway;
	ENSURE(uv_timer_init(&gateway->loop, &p->timer) == 0);
	p->timer.data = p;
	return p;
}

void park_stop(struct park *p)
{
	park_end(p);
	uv_close((uv_handle_t *)&p->timer, NULL);
}

void park_free(struct park *p)
{
	free(p);
}

bool park_is_busy(const struct park *p)
{
	return p->coming > 0;
}

int64_t park_count(const struct park *p)
{
	return p->count;
}

int64_t park_there(const struct park *p)
{
	return p->count - p->coming;
}

static bool is_coming(const struct session *s)
{
	return server_is_open(&s->parked) && !s->parked_there;
}

/* Counts the session's out, before it is closed or taken. */
static void count_out(struct session *s)
{
	struct park *p = s->gateway->park;

	INVARIANT(p->count > 0);
	p->count--;
	p->coming -= is_coming(s);
	INVARIANT(p->coming >= 0);
}

void park_leave(struct session *s)
{
	if (!server_is_open(&s->parked))
		return;
	count_out(s);
	server_close(&s->parked);
}

static void fill(struct park *p);

static void on_parked(struct server *server)
{
	struct session *s = server->owner;
	struct park *p = s->gateway->park;

	p->coming -= !s->parked_there;
	INVARIANT(p->coming >= 0);
	s->parked_there = server->phase == SERVER_PARKED;
	/* Refused: the flip will say why, if it stays so.  Or let in without a proof (trust, peer, a
	 * certificate), which leaves nothing to wait with: the flip logs in anew. */
	if (!s->parked_there) {
		p->count--;
		server_close(server);
	}
	fill(p);
	hold_news(s->gateway->hold, s);
}

static void park_one(struct park *p, struct session *s)
{
	struct server_login login = session_login(s);
	struct err err = ERR_INIT;

	s->parked.changed = on_parked;
	s->parked.owner = s;
	s->parked.park = true;
	s->parked_there = false;
	s->parked_ms = clock_now_ms();
	if (server_open(&s->parked, s->gateway, p->side, &login, &err))
		return;
	p->count++;
	p->coming++;
}

static bool wants_one(const struct park *p, const struct session *s)
{
	return session_counts(s) && !server_is_open(&s->parked) && s->parked_ms < p->begun_ms &&
	       !(server_is_open(&s->server) && s->server.side == p->side);
}

static bool has_room(const struct park *p)
{
	return p->on && p->count < p->share && p->coming < COMING_MAX;
}

/* Those first that are at work: they will be waited for. */
static void fill(struct park *p)
{
	for (int idle = 0; idle < 2; idle++)
		for (struct session *s = p->gateway->first; s && has_room(p); s = s->next)
			if (s->dirty == !idle && wants_one(p, s))
				park_one(p, s);
}

/* Old ones are made anew before the server ends them. */
static void renew(struct park *p)
{
	int64_t now_ms = clock_now_ms();

	for (struct session *s = p->gateway->first; s; s = s->next) {
		if (!server_is_open(&s->parked) || now_ms - s->parked_ms < RENEW_MS)
			continue;
		park_leave(s);
		park_one(p, s);
	}
}

static void on_time(uv_timer_t *timer)
{
	struct park *p = timer->data;

	if (!hold_stops(p->gateway->hold) && clock_now_ms() - p->begun_ms > GIVE_UP_MS)
		park_end(p);
	else
		renew(p);
}

void park_begin(struct park *p, enum control_side side, int64_t share)
{
	park_end(p);
	if (share <= 0)
		return;
	p->on = true;
	p->side = side;
	p->share = share;
	p->begun_ms = clock_now_ms();
	for (struct session *s = p->gateway->first; s; s = s->next)
		s->parked_ms = 0;
	uv_timer_start(&p->timer, on_time, LOOK_EVERY_MS, LOOK_EVERY_MS);
	fill(p);
}

void park_end(struct park *p)
{
	p->on = false;
	uv_timer_stop(&p->timer);
	for (struct session *s = p->gateway->first; s; s = s->next)
		park_leave(s);
	ENSURE(p->count == 0 && p->coming == 0);
}

void park_join(struct park *p, struct session *s)
{
	if (p->on && p->count < p->share && wants_one(p, s))
		park_one(p, s);
}

bool park_take(struct session *s, enum control_side side)
{
	struct server *from = &s->parked;
	void (*changed)(struct server *) = s->server.changed;

	if (!server_is_open(from) || from->side != side)
		return false;
	REQUIRE(!server_is_open(&s->server));
	count_out(s);
	s->server = *from;
	s->server.changed = changed;
	s->server.park = false;
	s->server.leg->owner = &s->server;
	from->leg = NULL;
	scram_forget(&from->scram, sizeof from->scram);
	if (s->server.phase == SERVER_PARKED)
		server_go_on(&s->server);
	return true;
}
