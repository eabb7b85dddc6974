#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "picture/picture.h"

#define COLUMNS 80
#define HEAD 18	      /* "  12 replayable   " */
#define NAMES_LINES 4 /* of one wave; the list below the picture has all */
#define PAIR 40	      /* "web -> orders" */
#define BARS_MAX (COLUMNS - PAIR - 4)
#define PAIRS_MAX 30

/* Stores in round brackets, services in square ones.  What is too long for the line is cut, for the
 * waves name it again.  Returns its columns. */
static size_t put_name(const struct sequence *q, size_t node, char *ret, size_t size)
{
	bool store = node < q->plan->stores_count;
	const char *name = plan_node_name(q->plan, node);
	size_t most = COLUMNS - HEAD - 3, len = strlen(name);

	snprintf(ret, size, "%c%.*s%s%c", store ? '(' : '[', (int)(len > most ? most - 1 : len),
		name, len > most ? "…" : "", store ? ')' : ']');
	return 2 + (len > most ? most : len);
}

static void put_wave(const struct sequence *q, const struct wave *wave, struct buf *out)
{
	size_t at = HEAD, lines = 1, i;

	buf_printf(out, "  %4zu %-11s", wave->n, plan_tier_name(wave->tier));
	for (i = 0; i < wave->members_count; i++) {
		char name[80];
		size_t len = put_name(q, wave->members[i], name, sizeof name);

		if (at + 1 + len > COLUMNS && at > HEAD) {
			if (lines++ == NAMES_LINES)
				break;
			buf_printf(out, "\n%*s", HEAD, "");
			at = HEAD;
		}
		buf_printf(out, " %s", name);
		at += 1 + len;
	}
	if (i < wave->members_count)
		buf_printf(out, "\n%*s and %zu more", HEAD, "", wave->members_count - i);
	buf_putc(out, '\n');
}

/* The column of a wave, when there are more waves than columns several share one. */
static size_t column(const struct sequence *q, size_t wave, size_t columns)
{
	return q->count <= columns ? wave - 1 : (wave - 1) * columns / q->count;
}

static void put_bar(
	const struct sequence *q, const struct crossing *c, size_t columns, struct buf *out)
{
	size_t begin = column(q, c->begin, columns), end = column(q, c->end, columns);
	char mark = crossing_is_accident(c) ? '!' : '=';

	for (size_t i = 0; i < columns; i++)
		buf_putc(out, i >= begin && i < end ? mark : i == begin ? mark : '.');
}

static void put_pair(
	const struct sequence *q, const struct crossing *c, size_t columns, struct buf *out)
{
	const char *from = plan_node_name(q->plan, c->from), *to = plan_node_name(q->plan, c->to);
	int len = (int)(strlen(from) + strlen(to)) + 4;

	if (len < PAIR)
		buf_printf(out, "  %s -> %s%*s", from, to, PAIR - len, "");
	else
		buf_printf(out, "  %s%s-> %s\n  %*s", from, len + 2 > COLUMNS ? "\n     " : " ", to,
			PAIR, "");
	put_bar(q, c, columns, out);
	buf_putc(out, '\n');
}

static void put_scale(const struct sequence *q, size_t columns, struct buf *out)
{
	buf_printf(out, "  %-*s", PAIR, "crosses from the end of wave to the end");
	for (size_t i = 0; i < columns; i++) {
		size_t wave = q->count <= columns ? i + 1 : i * q->count / columns + 1;

		buf_putc(out, (char)('0' + wave % 10));
	}
	buf_putc(out, '\n');
}

/* Those that nobody declared first: they are the ones to look at. */
static void put_crossings(const struct sequence *q, const struct crossings *crossings,
	size_t columns, struct buf *out)
{
	size_t told = 0;

	for (int accident = 1; accident >= 0; accident--)
		for (size_t i = 0; i < crossings->count && told < PAIRS_MAX; i++) {
			const struct crossing *c = &crossings->list[i];

			if (crossing_is_accident(c) != accident)
				continue;
			put_pair(q, c, columns, out);
			told++;
		}
	if (crossings->count > told)
		buf_printf(out, "  and %zu more, in the lists of the waves\n",
			crossings->count - told);
	buf_printf(out, "  %s%s%s\n", crossings->accidents < crossings->count ? "= declared" : "",
		crossings->accidents && crossings->accidents < crossings->count ? ", " : "",
		crossings->accidents ? "! NOT DECLARED" : "");
}

void picture_text(const struct sequence *q, const struct crossings *crossings, struct buf *out)
{
	size_t columns = q->count < BARS_MAX ? q->count : BARS_MAX;

	REQUIRE(crossings != NULL);
	for (size_t w = 0; w < q->count; w++)
		put_wave(q, &q->waves[w], out);
	if (!crossings->count)
		return;
	put_scale(q, columns, out);
	put_crossings(q, crossings, columns, out);
}
