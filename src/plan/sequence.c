#include "plan/sequence.h"
void sequence_make(const struct plan *plan, struct arena *arena, struct sequence *ret_sequence)
{
	(void)plan;
	(void)arena;
	*ret_sequence = (struct sequence){0};
}
