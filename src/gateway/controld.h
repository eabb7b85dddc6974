/*
 * controld.h - the gateway's end of the control socket (control/control.h): a Unix socket that only
 * its owner can open, some connections, lines in, lines out, on the uv loop.
 *
 * `hello`, and a line that cannot be read but has an id, are answered here; the others are handed
 * to struct controld_ops with a handle, and answered with controld_reply() at any later time, in
 * any order.  The handle stays valid when the asker hangs up meanwhile; the answer then goes
 * nowhere.
 *
 * Nothing blocks the loop: an asker that does not read its answers, sends a line that is too long
 * or more requests than CONTROLD_OPEN_MAX before the first is answered is hung up on.  A controller
 * that disappears ends nothing: a hold ends by its deadline (law 6).
 *
 * Thread: the loop's.
 */
#ifndef AIRLOCK_GATEWAY_CONTROLD_H
#define AIRLOCK_GATEWAY_CONTROLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/err.h"
#include "control/control.h"

#define CONTROLD_CONNECTIONS_MAX 16
#define CONTROLD_OPEN_MAX 8 /* unanswered requests of one connection */

struct controld;
struct controld_request; /* a request that is owed an answer */

/* Each takes the handle and must see to it that it is answered, now or later.  policies: the plan's
 * that came with the request, or NULL; they count only when the request is accepted. */
struct controld_ops {
	void (*arm)(void *ctx, struct controld_request *request, const struct control_arm *arm,
		const struct policies *policies);
	void (*hold)(void *ctx, struct controld_request *request, const struct control_hold *hold,
		const struct policies *policies);
	void (*release)(
		void *ctx, struct controld_request *request, const struct control_release *release);
	void (*status)(void *ctx, struct controld_request *request);
	void (*survey)(
		void *ctx, struct controld_request *request, const struct policies *policies);
};

/* Who its clients are: nothing of a hold.  The same of the handle. */
typedef void (*controld_accounts_cb)(
	void *ctx, struct controld_request *request, const struct control_accounts *asked);

struct controld_options {
	uv_loop_t *loop;
	const char *path; /* of the socket; an old one that nobody listens on is replaced */
	const char *plan, *store, *route; /* for hello */
	const struct controld_ops *ops;
	void *ctx;
	controld_accounts_cb accounts;
	void *accounts_ctx;
};

/* Listens.  ERR_BUSY when another gateway answers at the path, ERR_IO otherwise.  Strings are
 * copied, ops borrowed.  Returns owned: controld_close. */
int controld_open(const struct controld_options *options, struct controld **ret_controld,
	struct err *err) MUST_CHECK;
/* Hangs up, removes the socket; `closed` (may be NULL) is called once no handle is left on the
 * loop. Requests that are still owed an answer stay valid; their answers go nowhere. */
void controld_close(struct controld *controld, void (*closed)(void *ctx), void *ctx);

/* Whether who asked is still there to hear the answer. */
bool controld_listens(const struct controld_request *request);
/* Answers and ends the handle.  id and cmd are filled in here. */
void controld_reply(struct controld_request *request, struct control_reply *reply);
/* Answers no: a code of control.h's and a sentence. */
void controld_refuse(struct controld_request *request, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
