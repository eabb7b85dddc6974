#include "discover/writers.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/grow.h"

/* ---- rows ------------------------------------------------------------------------------------ */

void writers_fini(struct writers *w)
{
	free(w->rows);
	free(w->gateways);
	*w = (struct writers){0};
}

static bool is_called(const struct writer *row, const char *name)
{
	size_t len = strlen(name);

	if (strcmp(row->application, name) == 0)
		return true;
	for (const char *at = row->also; *at != '\0'; at = strchr(at, '\n') + 1)
		if (strncmp(at + 1, name, len) == 0 && at[1 + len] == '\n')
			return true;
	return false;
}

static bool same(const struct writer *row, const struct writer *wanted)
{
	return row->side == wanted->side && strcmp(row->store, wanted->store) == 0 &&
	       strcmp(row->user, wanted->user) == 0 && strcmp(row->address, wanted->address) == 0 &&
	       is_called(row, wanted->application);
}

struct writer *writers_at(struct writers *w, const char *store, enum side side, const char *user,
	const char *application, const char *address)
{
	struct writer wanted = {.side = side};

	snprintf(wanted.store, sizeof wanted.store, "%s", store);
	snprintf(wanted.user, sizeof wanted.user, "%s", user);
	snprintf(wanted.application, sizeof wanted.application, "%s", application);
	snprintf(wanted.address, sizeof wanted.address, "%s", address);
	for (size_t i = 0; i < w->count; i++)
		if (same(&w->rows[i], &wanted))
			return &w->rows[i];
	w->rows = grow(w->rows, w->count, &w->room, sizeof *w->rows);
	w->rows[w->count] = wanted;
	return &w->rows[w->count++];
}

const struct writers_gateway *writers_gateway_of(const struct writers *w, const char *store)
{
	for (size_t i = 0; i < w->gateways_count; i++)
		if (strcmp(w->gateways[i].store, store) == 0)
			return &w->gateways[i];
	return NULL;
}

struct writers_gateway *writers_gateway_at(struct writers *w, const char *store)
{
	const struct writers_gateway *found = writers_gateway_of(w, store);
	struct writers_gateway *made;

	if (found != NULL)
		return &w->gateways[found - w->gateways];
	w->gateways = realloc(w->gateways, (w->gateways_count + 1) * sizeof *w->gateways);
	ENSURE(w->gateways != NULL);
	made = &w->gateways[w->gateways_count++];
	*made = (struct writers_gateway){.silent = false};
	snprintf(made->store, sizeof made->store, "%s", store);
	return made;
}

bool writers_are_ours(const char *role)
{
	static const char *const roles[] = {"airlock", "airlock_repl", "airlock_probe",
		"airlock_probe_owner", "airlock_gateway"};

	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (strcmp(roles[i], role) == 0)
			return true;
	return false;
}

void writer_called(struct writer *writer, const char *name, bool wrote)
{
	char line[68];
	size_t len, used = strlen(writer->also);

	if (strcmp(name, writer->application) == 0) {
		writer->wrote_as_first = writer->wrote_as_first || wrote;
		return;
	}
	if (*name == '\0' || strchr(name, '\n') != NULL)
		return;
	snprintf(line, sizeof line, "%c%.63s\n", wrote ? '+' : '-', name);
	len = strlen(line);
	for (char *at = writer->also; *at != '\0'; at = strchr(at, '\n') + 1)
		if (strncmp(at + 1, line + 1, len - 1) == 0) {
			*at = wrote ? '+' : *at;
			return;
		}
	if (used + len < sizeof writer->also)
		memcpy(writer->also + used, line, len + 1);
}

/* ---- what the plan says of it ---------------------------------------------------------------- */

static bool glob(const char *pattern, const char *text)
{
	return pattern == NULL || fnmatch(pattern, text, 0) == 0;
}

/* Every name under which it wrote has to fit; of who did not write, the first. */
static bool fits_names(const char *pattern, const struct writer *writer)
{
	bool others = false;

	for (const char *at = writer->also; *at != '\0'; at = strchr(at, '\n') + 1) {
		char name[64];

		if (*at != '+')
			continue;
		others = true;
		snprintf(name, sizeof name, "%.*s", (int)strcspn(at + 1, "\n"), at + 1);
		if (!glob(pattern, name))
			return false;
	}
	return (others && !writer->wrote_as_first) || glob(pattern, writer->application);
}

/* What a rule's address is held against: the writer's, or whatever would fit or fail. */
enum by_address { ADDRESS_SEEN, ADDRESS_FITS, ADDRESS_FAILS };

static bool fits_address(const char *pattern, const struct writer *writer, enum by_address by)
{
	return pattern == NULL || by == ADDRESS_FITS ||
	       (by == ADDRESS_SEEN && glob(pattern, writer->address));
}

static bool stands_for(
	const struct plan_service *service, const struct writer *writer, enum by_address by)
{
	for (size_t i = 0; i < service->matches_count; i++) {
		const struct plan_match *m = &service->matches[i];

		if (glob(m->user, writer->user) && fits_names(m->application_name, writer) &&
			fits_address(m->address, writer, by))
			return true;
	}
	return false;
}

static bool holds_store(const size_t *stores, size_t count, size_t store)
{
	for (size_t i = 0; i < count; i++)
		if (stores[i] == store)
			return true;
	return false;
}

static const struct plan_service *service_by(const struct plan *plan, size_t store,
	const struct writer *writer, enum by_address by, bool *ret_writes)
{
	const struct plan_service *reader = NULL;

	*ret_writes = false;
	for (size_t i = 0; i < plan->services_count; i++) {
		const struct plan_service *s = &plan->services[i];

		if (!stands_for(s, writer, by))
			continue;
		if (holds_store(s->writes, s->writes_count, store)) {
			*ret_writes = true;
			return s;
		}
		if (holds_store(s->reads, s->reads_count, store))
			reader = s;
	}
	return reader;
}

const struct plan_service *writer_service(
	const struct plan *plan, size_t store, const struct writer *writer, bool *ret_writes)
{
	return service_by(plan, store, writer, writer->gateway.untold ? ADDRESS_FITS : ADDRESS_SEEN,
		ret_writes);
}

/* The first that writes stands for it, else the last that reads: where the most that can fit gives
 * the same as the least, whatever lies between does too. */
const struct plan_service *writer_service_surely(
	const struct plan *plan, size_t store, const struct writer *writer)
{
	bool writes;
	const struct plan_service *found = writer_service(plan, store, writer, &writes);

	if (writer->gateway.untold &&
		found != service_by(plan, store, writer, ADDRESS_FAILS, &writes))
		return NULL;
	return found;
}

bool writer_may_be(const struct plan_service *service, size_t store, const struct writer *writer)
{
	return (holds_store(service->writes, service->writes_count, store) ||
		       holds_store(service->reads, service->reads_count, store)) &&
	       stands_for(service, writer, writer->gateway.untold ? ADDRESS_FITS : ADDRESS_SEEN);
}

bool writer_is_undeclared(
	const struct plan *plan, size_t store, const struct writer *writer, int64_t since_s)
{
	bool writes;

	REQUIRE(store < plan->stores_count);
	if (!writer->wrote || writer->wrote_s < since_s ||
		strcmp(writer->store, plan->stores[store].name) != 0)
		return false;
	writer_service(plan, store, writer, &writes);
	return !writes;
}

bool writers_need_addresses(const struct plan *plan, size_t store)
{
	for (size_t i = 0; i < plan->services_count; i++) {
		const struct plan_service *s = &plan->services[i];

		if (!holds_store(s->writes, s->writes_count, store) &&
			!holds_store(s->reads, s->reads_count, store))
			continue;
		for (size_t m = 0; m < s->matches_count; m++)
			if (s->matches[m].address != NULL)
				return true;
	}
	return false;
}

bool writers_explain(const struct plan *plan, size_t store, enum side side, const struct writers *w)
{
	bool writes;

	for (size_t i = 0; w->counted.rows > 0 && i < w->count; i++) {
		const struct writer *row = &w->rows[i];

		/* Of who had gone before it began the gateway may still tell. */
		if (!row->here || row->last_s < w->counted.since_s || row->side != side ||
			strcmp(row->store, plan->stores[store].name) != 0)
			continue;
		writer_service(plan, store, row, &writes);
		if (row->wrote || writes)
			return true;
	}
	return w->counted.rows == 0;
}

static void describe_way(const struct writer *writer, struct buf *out)
{
	const char *route = writer->gateway.route;

	if (route[0] == '\0')
		return;
	if (writer->gateway.untold)
		buf_printf(out, ", behind gateway %s, which did not tell whose it is", route);
	else if (writer->gateway.sessions > 0)
		buf_printf(out, ", through gateway %s%s", route,
			writer->gateway.past > 0 ? " and past it" : "");
	else if (writer->gateway.past > 0)
		buf_printf(out, ", past gateway %s", route);
}

void writer_describe(const struct writer *writer, struct buf *out)
{
	buf_printf(out, "%s (%s) from %s", writer->user,
		writer->application[0] ? writer->application : "no application name",
		writer->address);
	for (const char *at = writer->also; *at != '\0'; at = strchr(at, '\n') + 1)
		buf_printf(out, "%s%.*s", at == writer->also ? ", also called " : ", ",
			(int)strcspn(at + 1, "\n"), at + 1);
	describe_way(writer, out);
	if (writer->process[0])
		buf_printf(out, ", %s", writer->process);
	else if (writer->why[0])
		buf_printf(out, ", process not known (%s)", writer->why);
	if (writer->evidence[0])
		buf_printf(out, ": %s", writer->evidence);
}

void writer_plain_name(const char *text, char ret[SERVICE_NAME_BYTES])
{
	size_t n = 0;

	for (; *text != '\0' && n < SERVICE_NAME_BYTES - 4; text++)
		ret[n++] = isalnum((unsigned char)*text) && (unsigned char)*text < 0x80
				   ? (char)tolower((unsigned char)*text)
				   : '-';
	ret[n] = '\0';
	if (n > 0 && !isalpha((unsigned char)ret[0]))
		ret[0] = '\0';
}

void writer_quote(const char *text, struct buf *out)
{
	buf_putc(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			buf_putc(out, '\\');
		if ((unsigned char)*text >= ' ')
			buf_putc(out, *text);
	}
	buf_putc(out, '"');
}

void writer_service_entry(const struct writer *writer, bool by_role,
	char ret_name[SERVICE_NAME_BYTES], struct buf *out)
{
	bool with_name = writer->application[0] != '\0' && !by_role;

	writer_plain_name(with_name ? writer->application : writer->user, ret_name);
	if (ret_name[0] == '\0')
		snprintf(ret_name, SERVICE_NAME_BYTES, "writer");
	buf_printf(out, "{writes: [%s], match: {user: ", writer->store);
	writer_quote(writer->user, out);
	if (with_name) {
		buf_puts(out, ", application_name: ");
		writer_quote(writer->application, out);
	}
	buf_puts(out, "}}");
}

void writer_plan_lines(const struct writer *writer, struct buf *out)
{
	char name[SERVICE_NAME_BYTES];
	BUF_AUTO entry = BUF_INIT;

	/* Of one that changes its name the role has to be enough. */
	writer_service_entry(writer, writer->also[0] != '\0', name, &entry);
	buf_printf(out, "services: {%s: %s}", name, buf_str(&entry));
}
