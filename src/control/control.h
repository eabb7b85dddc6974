/*
 * control.h - what a controller and a gateway say to each other: one JSON object per line, each way,
 * over a Unix stream socket that only its owner can open.  Pure: text to struct and back.
 *
 *   {"id":1,"cmd":"hello"}
 *   {"id":2,"cmd":"arm","attempt":7,"src":"old","dst":"new","share":40}
 *   {"id":3,"cmd":"hold","attempt":7,"src":"old","hold_ms":5000,"drain_ms":1000,"lull_ms":200}
 *   {"id":4,"cmd":"release","side":"new","epoch":12}
 *   {"id":5,"cmd":"status"}
 *   {"id":6,"cmd":"survey"}
 *   {"id":7,"cmd":"accounts","ended":false,"before":0}
 *
 * Every request is answered once, with its id, in any order.  An answer is {"id":n,"ok":true,...} or
 * {"id":n,"ok":false,"code":"...","error":"a sentence"}; a hold that was not drained carries
 * "blockers" too.  Unknown keys are ignored, so fields can be added.
 *
 * arm, hold and survey may carry the plan's policies ("carry":{"temp_tables":"wait",...}); what is
 * not named there has its default, and with a request that is refused they do not count.  A survey
 * looks at every session as arm does, changes nothing and is of no attempt.  A hold that was drained
 * names in "blockers" whom it ended by policy, "disconnected" of them; one that was not, those first.
 *
 * accounts says who the gateway's clients are, and what it has seen of each: a page of those that
 * are there, or ("ended") of the last that went, newest first.  "next" is the "before" of the next
 * page, 0 when there is none.  It changes nothing and may be asked at any time.
 */
#ifndef AIRLOCK_CONTROL_CONTROL_H
#define AIRLOCK_CONTROL_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "control/policy.h"

#define CONTROL_LINE_MAX 65536u /* the newline included */
#define CONTROL_PROTO 1
#define CONTROL_BLOCKERS_MAX 64 /* in one answer; what is more is only counted */
#define CONTROL_ACCOUNTS_MAX 48 /* on one page: as many as fit a line, whatever their names are */

enum control_side { CONTROL_OLD, CONTROL_NEW };
enum control_cmd {
	CONTROL_HELLO,
	CONTROL_ARM,
	CONTROL_HOLD,
	CONTROL_RELEASE,
	CONTROL_STATUS,
	CONTROL_SURVEY,
	CONTROL_ACCOUNTS,
	CONTROL_CMD_COUNT
};
enum control_phase { CONTROL_RUN, CONTROL_DRAINING, CONTROL_HELD, CONTROL_FLIPPING, CONTROL_SHUT };

struct control_request {
	int64_t id; /* the asker's, >= 0 */
	enum control_cmd cmd;
	bool has_policies; /* of arm, hold and survey */
	struct policies policies;
	union {
		struct control_arm {
			int64_t attempt;
			enum control_side src, dst;
			int64_t share; /* logins that may be parked on dst; 0 = none */
		} arm;
		struct control_hold {
			int64_t attempt;
			enum control_side src;
			int64_t hold_ms, drain_ms;
			int64_t lull_ms; /* how long a good moment to begin may be waited for */
		} hold;
		struct control_release {
			enum control_side side;
			int64_t epoch; /* at least */
		} release;
		struct control_accounts {
			bool ended;
			int64_t before; /* only accounts of a smaller number; 0 = from the newest on */
		} accounts;
	};
};

struct control_blocker {
	int64_t pid, age_ms;
	char user[64], application[64];
	char address[64]; /* the client's; "" of a gateway that does not tell it */
	int64_t port;
	char cls[16]; /* "class" on the wire */
	char policy[12];   /* "block", ...; "" of a gateway that knows none */
	int64_t looked_ms; /* how old that is; 0 = it was looked at for this answer */
	char text[96];
};

/* One client's session, as the gateway has seen it.  Times are ages; counts begin with the session
 * and are of the client's own doing, over all servers that it had. */
struct control_account {
	int64_t number; /* a later one has come, or ended, later */
	int64_t pid;	/* of its server's process: of the newest; 0 = it has none now */
	enum control_side side; /* of its newest server; meaningless before the first */
	char address[64];	/* the client's */
	char via[64];		/* what its newest server takes for its client's; "" before the first */
	int64_t port, via_port;
	char user[64], database[64], application[64];
	int64_t came_ms, asked_ms, ended_ms; /* ended_ms: 0 of those that are there */
	int64_t transactions; /* times that the server said to be done, no transaction being open */
	int64_t bytes_in, bytes_out; /* from the client, and to it, since its login */
	/* What its servers said to have written, by their command tags (pgwire/tag.h): at least. */
	int64_t writes, rows; /* commands, and their rows */
	int64_t wrote_ms;     /* the newest of them; meaningless when there is none */
	char wrote[12];	      /* "INSERT", ... */
};

struct control_reply {
	int64_t id;
	enum control_cmd cmd; /* what it answers; not on the wire */
	bool ok;
	char code[24], error[320]; /* when it is not */
	union {
		struct control_hello_reply {
			int64_t proto, pid;
			char plan[64], store[64], route[64]; /* plan: "" of an earlier version */
		} hello;
		struct control_arm_reply {
			int64_t sessions, parked;
		} arm;
		struct control_hold_reply {
			int64_t held, drain_ms, disconnected;
			int64_t lull_ms; /* waited for before anybody was stopped */
		} hold;
		struct control_release_reply {
			int64_t released, failed, waiting_ms_max;
			int64_t served_ms; /* from the last one's going on to this answer */
		} release;
		struct control_status_reply {
			enum control_phase phase;
			enum control_side side; /* meaningless in CONTROL_SHUT */
			int64_t held, oldest_ms, sessions, epoch;
		} status;
		struct control_survey_reply {
			int64_t sessions, looked; /* looked: whose state is known as it is now */
			int64_t let_in; /* their roles whose login the other side was seen to take */
		} survey;
		struct control_accounts_reply {
			int64_t sessions; /* that are there */
			int64_t ended;	  /* ever; the newest of them has this number */
			int64_t next;
			struct control_account rows[CONTROL_ACCOUNTS_MAX];
			size_t count;
		} accounts;
	};
	/* Of arm, status, survey and hold. */
	struct control_blocker blockers[CONTROL_BLOCKERS_MAX];
	size_t blockers_count;
};

const char *control_side_name(enum control_side side);
const char *control_cmd_name(enum control_cmd cmd);
const char *control_phase_name(enum control_phase phase);

/* Append one line, its newline included. */
void control_request_write(const struct control_request *request, struct buf *out);
void control_reply_write(const struct control_reply *reply, struct buf *out);

/* `line` without its newline.  *ret_id is set as soon as the id is known (else -1), so that even a
 * request that cannot be read can be answered. */
int control_request_read(const char *line, size_t len, struct control_request *ret,
	int64_t *ret_id, struct err *err) MUST_CHECK;
/* cmd: what the request with this id was. */
int control_reply_read(const char *line, size_t len, enum control_cmd cmd,
	struct control_reply *ret, struct err *err) MUST_CHECK;

#endif
