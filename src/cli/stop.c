#include "cli/stop.h"

#include <stddef.h>

/* The things a signal handler may touch: law "no globals" ends where the kernel begins. */
static volatile sig_atomic_t asked;
static struct env *woken;

const volatile sig_atomic_t *const stop_asked = &asked;

static void on_signal(int number)
{
	(void)number;
	asked = 1;
	if (woken != NULL)
		env_wake(woken);
}

void stop_listen(struct env *env)
{
	struct sigaction action = {.sa_handler = on_signal};

	woken = env;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

void stop_ignore(void)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
}
