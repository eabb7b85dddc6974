/* verbs_priv.h - shared by verbs.c, verbs_forward.c and verbs_undo.c only. */
#ifndef AIRLOCK_ENGINE_VERBS_PRIV_H
#define AIRLOCK_ENGINE_VERBS_PRIV_H

#include "engine/verbs.h"

enum core_outcome verb_outcome(const struct err *err);
enum core_outcome verb_lost(struct err *err, enum side side, const struct door *door);
int verb_read(const struct verb_call *call, enum side side, struct door *ret_door,
	struct err *err) MUST_CHECK;
/* Moves a guard unless it already stands at `to`; false = it stood elsewhere than `from`. */
int verb_guard(const struct verb_call *call, enum side side, struct guard from, struct guard to,
	bool *ret_moved, struct err *err) MUST_CHECK;
int verb_move(const struct verb_call *call, enum side side, enum arbiter_move move, bool *ret_moved,
	struct reg *ret_reg, struct err *err) MUST_CHECK;
/* Only from the state that was read: whoever committed meanwhile must be asked first. */
int verb_reopen(const struct verb_call *call, enum side side, enum reg_state from, bool *ret_moved,
	struct reg *ret_reg, struct err *err) MUST_CHECK;
struct store_call verb_store_call(const struct verb_call *call);

enum core_outcome verb_do_guard(const struct verb_call *call, struct err *err);
enum core_outcome verb_do_seal(const struct verb_call *call, struct err *err);
enum core_outcome verb_do_commit(const struct verb_call *call, struct err *err);
enum core_outcome verb_do_promote(const struct verb_call *call, struct err *err);
enum core_outcome verb_do_retire(const struct verb_call *call, struct err *err);
enum core_outcome verb_do_turn(const struct verb_call *call, struct err *err);

enum core_outcome verb_do_revoke(const struct verb_call *call, struct err *err);
enum core_outcome verb_do_reopen(const struct verb_call *call, struct err *err);
enum core_outcome verb_do_relink(const struct verb_call *call, struct err *err);

#endif
