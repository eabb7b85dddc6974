#include "discover/stale.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "discover/process.h"

#define ESTABLISHED 1 /* TCP_ESTABLISHED of netinet/tcp.h, as /proc/net/tcp writes it */

struct row {
	char local[DNS_ADDRESS_BYTES], remote[DNS_ADDRESS_BYTES];
	unsigned local_port, remote_port;
};

struct hunt {
	struct findings *f;
	const struct finding *name;
	unsigned port;
	struct dns_addresses former;
	int64_t until_s[DNS_ADDRESSES_MAX]; /* when it was last seen to lead there; 0 = the plan
					       says so */
};

/* ---- /proc/net/tcp --------------------------------------------------------------------------- */

/* Words of 32 bits as the machine has them in memory; an IPv4 address in IPv6 becomes IPv4. */
static bool read_address(const char *hex, char ret[DNS_ADDRESS_BYTES])
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	size_t words = strlen(hex) / 8;
	uint32_t word[4];
	unsigned char bytes[16];

	if (words != 1 && words != 4)
		return false;
	for (size_t i = 0; i < words; i++) {
		char part[9];

		memcpy(part, hex + 8 * i, 8);
		part[8] = '\0';
		word[i] = (uint32_t)strtoul(part, NULL, 16);
	}
	memcpy(bytes, word, words * 4);
	if (words == 1 || memcmp(bytes, mapped, sizeof mapped) == 0)
		return inet_ntop(AF_INET, words == 1 ? bytes : bytes + 12, ret,
			       DNS_ADDRESS_BYTES) != NULL;
	return inet_ntop(AF_INET6, bytes, ret, DNS_ADDRESS_BYTES) != NULL;
}

static bool read_row(const char *line, struct row *ret)
{
	char local[40], remote[40];
	unsigned state;

	return sscanf(line, " %*d: %39[0-9A-Fa-f]:%x %39[0-9A-Fa-f]:%x %x", local, &ret->local_port,
		       remote, &ret->remote_port, &state) == 5 &&
	       state == ESTABLISHED && read_address(local, ret->local) &&
	       read_address(remote, ret->remote);
}

/* ---- those that keep one --------------------------------------------------------------------- */

static void tell(const struct hunt *hunt, const struct row *row, int64_t until_s)
{
	struct finding one = {.kind = FOUND_STALE, .how = HOW_SEEN, .side = hunt->name->side};
	char stamp[CLOCK_STAMP_BYTES];
	struct process process;

	FIELD(one.store, "%s", hunt->name->store);
	FIELD(one.name, "%s", hunt->name->name);
	if (process_of_peer(row->local, row->local_port, &process))
		FIELD(one.process, "%s", process.text);
	FIELD(one.place, "%s to %s port %u",
		one.process[0] ? one.process : "a process that may not be looked at", row->remote,
		row->remote_port);
	if (until_s > 0)
		FIELD(one.what,
			"keeps a connection to an address that %s had until %s at least, and has "
			"no more",
			hunt->name->name, clock_date(until_s, stamp));
	else
		FIELD(one.what,
			"keeps a connection to an address that the plan gives %s, to which it does "
			"not lead now",
			hunt->name->name);
	findings_add(hunt->f, &one);
}

static void look_into(const struct hunt *hunt, const char *table)
{
	FILE *file = fopen(table, "re");
	char line[512];
	struct row row;

	if (file == NULL)
		return;
	while (fgets(line, sizeof line, file) != NULL) {
		if (!read_row(line, &row) || (hunt->port != 0 && row.remote_port != hunt->port))
			continue;
		for (size_t i = 0; i < hunt->former.count; i++)
			if (strcmp(hunt->former.text[i], row.remote) == 0)
				tell(hunt, &row, hunt->until_s[i]);
	}
	fclose(file);
}

/* ---- which addresses ------------------------------------------------------------------------- */

static void add_former(
	struct hunt *hunt, const char *address, const struct dns_addresses *now, int64_t until_s)
{
	struct dns_addresses *a = &hunt->former;

	if (dns_has_address(now, address) || dns_has_address(a, address) ||
		a->count == DNS_ADDRESSES_MAX)
		return;
	FIELD(a->text[a->count], "%s", address);
	hunt->until_s[a->count++] = until_s;
}

static void add_remembered(struct hunt *hunt, const struct dns_addresses *now)
{
	for (size_t i = 0; i < hunt->f->count; i++) {
		const struct finding *row = &hunt->f->rows[i];
		char text[sizeof row->target], *save = NULL;

		if (row->here || row->kind != FOUND_NAME || row->side != hunt->name->side ||
			strcmp(row->store, hunt->name->store) != 0 ||
			strcmp(row->place, hunt->name->place) != 0)
			continue;
		FIELD(text, "%s", row->target);
		for (char *address = strtok_r(text, ", ", &save); address != NULL;
			address = strtok_r(NULL, ", ", &save))
			add_former(hunt, address, now, row->last_s);
	}
}

void stale_look(struct findings *f, const struct finding *name, unsigned port,
	const struct dns_addresses *now, const struct dns_addresses *also)
{
	struct hunt hunt = {.f = f, .name = name, .port = port};

	add_remembered(&hunt, now);
	for (size_t i = 0; i < also->count; i++)
		add_former(&hunt, also->text[i], now, 0);
	if (hunt.former.count == 0)
		return;
	look_into(&hunt, "/proc/net/tcp");
	look_into(&hunt, "/proc/net/tcp6");
}
