#include "report/latency.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define SAMPLES_MAX (20u << 20)
#define AROUND_MS_MIN 2000
#define AROUND_WINDOWS 5

struct sample {
	int64_t at_ms;
	double ms;
	bool ok;
};

struct samples {
	struct sample *list;
	size_t count, room;
};

static void samples_fini(struct samples *s)
{
	free(s->list);
}

#define SAMPLES_AUTO __attribute__((cleanup(samples_fini))) struct samples

/* ---- the file -------------------------------------------------------------------------------- */

static bool parse(char *line, struct sample *ret)
{
	char *comma;
	double at_s = strtod(line, &comma), ms;

	if (comma == line || *comma != ',' || !isfinite(at_s) || at_s < 0 || at_s > 1e11)
		return false;
	line = comma + 1;
	ms = strtod(line, &comma);
	if (comma == line || *comma != ',' || !isfinite(ms) || ms < 0 || ms > 1e12)
		return false;
	line = comma + 1;
	line[strcspn(line, "\r\n")] = '\0';
	*ret = (struct sample){(int64_t)llround(at_s * 1000), ms, strcmp(line, "ok") == 0};
	return ret->ok || strcmp(line, "error") == 0;
}

static int add(struct samples *s, const struct sample *sample, struct err *err)
{
	if (s->count == s->room) {
		size_t room = s->room ? 2 * s->room : 4096;
		struct sample *list =
			room > SAMPLES_MAX ? NULL : reallocarray(s->list, room, sizeof *list);

		if (list == NULL)
			return err_set(
				err, ERR_USAGE, "more than %zu requests are too many", s->count);
		s->list = list;
		s->room = room;
	}
	s->list[s->count++] = *sample;
	return 0;
}

static int read_lines(FILE *file, const char *path, struct samples *s, struct err *err)
{
	char line[160];
	struct sample sample;

	if (!fgets(line, sizeof line, file) || strncmp(line, "at,ms,outcome", 13) != 0)
		return err_set(err, ERR_USAGE, "%s:1: the header must be `at,ms,outcome`", path);
	for (size_t number = 2; fgets(line, sizeof line, file); number++) {
		if (!parse(line, &sample))
			return err_set(err, ERR_USAGE,
				"%s:%zu: wanted Unix seconds, milliseconds, and ok or error", path,
				number);
		if (add(s, &sample, err))
			return -1;
	}
	return ferror(file) ? err_set_errno(err, ERR_IO, "cannot read %s", path) : 0;
}

static int read_file(const char *path, struct samples *s, struct err *err)
{
	FILE *file = fopen(path, "re");
	int rc;

	if (file == NULL)
		return err_set_errno(
			err, errno == ENOENT ? ERR_USAGE : ERR_IO, "cannot read %s", path);
	rc = read_lines(file, path, s, err);
	fclose(file);
	return rc;
}

/* ---- around a window ------------------------------------------------------------------------- */

bool attempt_window(const struct attempt *a, int64_t *ret_from_ms, int64_t *ret_to_ms)
{
	const struct attempt_move *move = NULL;
	int64_t shift_us;

	for (size_t i = 0; i < a->moves_count; i++)
		if (a->moves[i].at_us >= 0)
			move = &a->moves[i];
	if (move == NULL || !a->has_window)
		return false;
	shift_us = move->at_ms * 1000 - move->at_us;
	*ret_from_ms = (a->verbs[VERB_HOLD].began_us + shift_us) / 1000;
	*ret_to_ms = *ret_from_ms + (int64_t)ceil(a->window_ms);
	return true;
}

static int compare_ms(const void *a, const void *b)
{
	double one = *(const double *)a, two = *(const double *)b;

	return one < two ? -1 : one > two;
}

/* Sorts the values. */
static double median(double *values, size_t count)
{
	REQUIRE(count > 0);
	qsort(values, count, sizeof *values, compare_ms);
	return values[count / 2];
}

static size_t bucket_of(const struct latency_view *view, int64_t at_ms)
{
	return (size_t)((at_ms - view->from_ms) * LATENCY_BUCKETS /
			(view->to_ms - view->from_ms + 1));
}

static void count_sample(struct latency_view *view, const struct sample *s)
{
	struct latency_bucket *bucket = &view->buckets[bucket_of(view, s->at_ms)];

	bucket->count++;
	bucket->errors += !s->ok;
	if (s->ms > bucket->max_ms)
		bucket->max_ms = s->ms;
	view->count++;
	view->errors += !s->ok;
	if (s->ms > view->max_ms)
		view->max_ms = s->ms;
	if (s->at_ms >= view->window_from_ms &&
		(double)s->at_ms - s->ms <= (double)view->window_to_ms && s->ms > view->stall_ms)
		view->stall_ms = s->ms;
}

static int compare_at(const void *a, const void *b)
{
	int64_t one = ((const struct sample *)a)->at_ms, two = ((const struct sample *)b)->at_ms;

	return one < two ? -1 : one > two;
}

/* The first of the sorted samples that is not before at_ms. */
static size_t first_at(const struct samples *s, int64_t at_ms)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->list[middle].at_ms < at_ms)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Samples first .. end - 1. */
static double median_of(const struct samples *s, size_t first, size_t end, double *room)
{
	for (size_t i = first; i < end; i++)
		room[i - first] = s->list[i].ms;
	return median(room, end - first);
}

static void fill_medians(
	struct latency_view *view, const struct samples *s, size_t first, size_t end, double *room)
{
	size_t before = first_at(s, view->window_from_ms);

	view->before_ms = before > first ? median_of(s, first, before, room) : -1;
	for (size_t i = first, next; i < end; i = next) {
		size_t bucket = bucket_of(view, s->list[i].at_ms);

		next = i + 1;
		while (next < end && bucket_of(view, s->list[next].at_ms) == bucket)
			next++;
		view->buckets[bucket].median_ms = median_of(s, i, next, room);
	}
}

static void make_view(struct latency_view *view, const struct samples *s, double *room)
{
	int64_t around_ms = AROUND_WINDOWS * (view->window_to_ms - view->window_from_ms);
	size_t first, end;

	if (around_ms < AROUND_MS_MIN)
		around_ms = AROUND_MS_MIN;
	view->from_ms = view->window_from_ms - around_ms;
	view->to_ms = view->window_to_ms + around_ms;
	view->stall_ms = -1;
	first = first_at(s, view->from_ms);
	end = first_at(s, view->to_ms + 1);
	for (size_t i = first; i < end; i++)
		count_sample(view, &s->list[i]);
	fill_medians(view, s, first, end, room);
}

int latency_read(const char *path, const struct attempts *attempts, struct arena *arena,
	struct latency *ret, struct err *err)
{
	struct latency all = {.given = true};
	SAMPLES_AUTO samples = {0};
	double *room;

	if (read_file(path, &samples, err))
		return -1;
	room = calloc(samples.count + 1, sizeof *room);
	if (room == NULL)
		return err_set(err, ERR_NOMEM, "no memory for %zu requests", samples.count);
	qsort(samples.list, samples.count, sizeof *samples.list, compare_at);
	all.samples = (int64_t)samples.count;
	all.views = arena_calloc(arena, attempts->count + 1, sizeof *all.views);
	for (size_t i = 0; i < attempts->count; i++) {
		struct latency_view *view = &all.views[all.count];

		*view = (struct latency_view){.attempt = &attempts->list[i]};
		if (!attempt_window(view->attempt, &view->window_from_ms, &view->window_to_ms))
			continue;
		make_view(view, &samples, room);
		all.count += view->count > 0;
	}
	free(room);
	*ret = all;
	return 0;
}
