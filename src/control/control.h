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
 *
 * Every request is answered once, with its id, in any order.  An answer is {"id":n,"ok":true,...} or
 * {"id":n,"ok":false,"code":"...","error":"a sentence"}; a hold that was not drained carries
 * "blockers" too.  Unknown keys are ignored, so fields can be added.
 *
 * arm, hold and survey may carry the plan's policies ("carry":{"temp_tables":"wait",...}); what is
 * not named there has its default, and with a request that is refused they do not count.  A survey
 * looks at every session as arm does, changes nothing and is of no attempt.  A hold that was drained
 * names in "blockers" whom it ended by policy, "disconnected" of them; one that was not, those first.
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

enum control_side { CONTROL_OLD, CONTROL_NEW };
enum control_cmd {
	CONTROL_HELLO,
	CONTROL_ARM,
	CONTROL_HOLD,
	CONTROL_RELEASE,
	CONTROL_STATUS,
	CONTROL_SURVEY,
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
	};
};

struct control_blocker {
	int64_t pid, age_ms;
	char user[64], application[64];
	char cls[16]; /* "class" on the wire */
	char policy[12];   /* "block", ...; "" of a gateway that knows none */
	int64_t looked_ms; /* how old that is; 0 = it was looked at for this answer */
	char text[96];
};

struct control_reply {
	int64_t id;
	enum control_cmd cmd; /* what it answers; not on the wire */
	bool ok;
	char code[24], error[320]; /* when it is not */
	union {
		struct control_hello_reply {
			int64_t proto, pid;
			char store[64], route[64];
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
		} survey;
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
