#include "env/env_real.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

#define WORKERS_MAX 64

struct queue {
	struct job *head, **tail;
};

struct env_real {
	struct env env; /* first */
	pthread_mutex_t mutex;
	pthread_cond_t work; /* the todo queue got longer, or the pool closes */
	struct queue todo, done;
	int wake_fd; /* eventfd: a job is done, or env_wake */
	bool closing;
	unsigned workers;
	pthread_t thread[WORKERS_MAX];
};

static void queue_init(struct queue *q)
{
	q->head = NULL;
	q->tail = &q->head;
}

static void queue_push(struct queue *q, struct job *job)
{
	job->next = NULL;
	*q->tail = job;
	q->tail = &job->next;
}

static struct job *queue_pop(struct queue *q)
{
	struct job *job = q->head;

	if (!job)
		return NULL;
	q->head = job->next;
	if (!q->head)
		q->tail = &q->head;
	return job;
}

static struct env_real *real(struct env *env)
{
	return (struct env_real *)env;
}

static int64_t real_now_us(struct env *env)
{
	(void)env;
	return clock_now_us();
}

static uint64_t real_random(struct env *env)
{
	uint64_t value = 0;

	(void)env;
	if (getrandom(&value, sizeof value, 0) != (ssize_t)sizeof value)
		value = (uint64_t)clock_now_us();
	return value;
}

static void real_wake(struct env *env)
{
	uint64_t one = 1;
	ssize_t n = write(real(env)->wake_fd, &one, sizeof one);

	(void)n; /* a full counter wakes as well */
}

static void real_submit(struct env *env, struct job *job)
{
	struct env_real *r = real(env);

	pthread_mutex_lock(&r->mutex);
	queue_push(&r->todo, job);
	pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->mutex);
}

static struct job *take_done(struct env_real *r)
{
	struct job *job;

	pthread_mutex_lock(&r->mutex);
	job = queue_pop(&r->done);
	pthread_mutex_unlock(&r->mutex);
	return job;
}

static struct job *real_next(struct env *env, int64_t until_us)
{
	struct env_real *r = real(env);
	struct job *job = take_done(r);
	struct pollfd fd = {.fd = r->wake_fd, .events = POLLIN};
	int64_t left_us = until_us - clock_now_us();
	struct timespec left;
	uint64_t count;

	if (job || left_us <= 0)
		return job;
	left = (struct timespec){left_us / 1000000, left_us % 1000000 * 1000};
	if (ppoll(&fd, 1, &left, NULL) > 0) {
		ssize_t n = read(r->wake_fd, &count, sizeof count);

		(void)n; /* non-blocking; only resets the counter */
	}
	return take_done(r);
}

static void real_pause(struct env *env, int64_t us)
{
	struct timespec ts = {us / 1000000, us % 1000000 * 1000};

	(void)env;
	while (nanosleep(&ts, &ts) != 0)
		;
}

#ifdef AIRLOCK_FAILPOINTS
bool env_real_has_failpoints(void)
{
	return true;
}

/* The n-th name of a list separated by commas is `name`. */
static bool is_nth(const char *list, int n, const char *name)
{
	size_t length;

	for (; n > 0 && *list; n--) {
		list += strcspn(list, ",");
		list += *list == ',';
	}
	length = strcspn(list, ",");
	return length > 0 && length == strlen(name) && strncmp(list, name, length) == 0;
}

static void real_point(struct env *env, const char *when, const char *what)
{
	const char *wanted = getenv("AIRLOCK_FAILPOINT"), *fd = getenv("AIRLOCK_FAILPOINT_FD");
	static int fired; /* how many of the list; two workers may come at once */
	char name[64];
	int n = __atomic_load_n(&fired, __ATOMIC_SEQ_CST);

	(void)env;
	snprintf(name, sizeof name, "%s:%s", when, what);
	if (!wanted || !is_nth(wanted, n, name) ||
		!__atomic_compare_exchange_n(
			&fired, &n, n + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return;
	if (fd)
		dprintf(atoi(fd), "%s\n", name);
	raise(SIGSTOP);
}
#else
bool env_real_has_failpoints(void)
{
	return false;
}

static void real_point(struct env *env, const char *when, const char *what)
{
	(void)env;
	(void)when;
	(void)what;
}
#endif

static const struct env_ops real_ops = {
	.now_us = real_now_us,
	.random = real_random,
	.submit = real_submit,
	.next = real_next,
	.wake = real_wake,
	.pause = real_pause,
	.point = real_point,
};

static void *worker(void *arg)
{
	struct env_real *r = arg;
	struct job *job;

	pthread_mutex_lock(&r->mutex);
	for (;;) {
		while (!(job = queue_pop(&r->todo)) && !r->closing)
			pthread_cond_wait(&r->work, &r->mutex);
		if (!job)
			break;
		pthread_mutex_unlock(&r->mutex);
		job->run(job);
		pthread_mutex_lock(&r->mutex);
		queue_push(&r->done, job);
		real_wake(&r->env);
	}
	pthread_mutex_unlock(&r->mutex);
	return NULL;
}

int env_real_new(unsigned workers, struct env **ret_env, struct err *err)
{
	struct env_real *r = calloc(1, sizeof *r);

	REQUIRE(workers >= 1 && workers <= WORKERS_MAX);
	if (!r)
		return err_set(err, ERR_NOMEM, "no memory for the workers");
	r->env.ops = &real_ops;
	queue_init(&r->todo);
	queue_init(&r->done);
	pthread_mutex_init(&r->mutex, NULL);
	pthread_cond_init(&r->work, NULL);
	r->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (r->wake_fd < 0) {
		err_set_errno(err, ERR_IO, "eventfd");
		free(r);
		return -1;
	}
	for (; r->workers < workers; r->workers++) {
		if (pthread_create(&r->thread[r->workers], NULL, worker, r) == 0)
			continue;
		err_set(err, ERR_NOMEM, "cannot start worker %u", r->workers);
		env_real_free(&r->env);
		return -1;
	}
	*ret_env = &r->env;
	return 0;
}

void env_real_free(struct env *env)
{
	struct env_real *r = env ? real(env) : NULL;

	if (!r)
		return;
	pthread_mutex_lock(&r->mutex);
	r->closing = true;
	pthread_cond_broadcast(&r->work);
	pthread_mutex_unlock(&r->mutex);
	for (unsigned i = 0; i < r->workers; i++)
		pthread_join(r->thread[i], NULL);
	close(r->wake_fd);
	pthread_cond_destroy(&r->work);
	pthread_mutex_destroy(&r->mutex);
	free(r);
}
