#include "discover/dns.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define ANSWER_BYTES 65536

struct dns {
	struct __res_state state;
	unsigned char answer[ANSWER_BYTES];
};

/* ---- addresses ------------------------------------------------------------------------------- */

bool dns_has_address(const struct dns_addresses *a, const char *text)
{
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->text[i], text) == 0)
			return true;
	return false;
}

void dns_add_address(struct dns_addresses *a, const char *text)
{
	size_t i = a->count;

	if (a->count == DNS_ADDRESSES_MAX || dns_has_address(a, text))
		return;
	for (; i > 0 && strcmp(a->text[i - 1], text) > 0; i--)
		memcpy(a->text[i], a->text[i - 1], sizeof a->text[i]);
	snprintf(a->text[i], sizeof a->text[i], "%s", text);
	a->count++;
}

/* ---- who is asked ---------------------------------------------------------------------------- */

static bool read_server(const char *text, struct sockaddr_in *ret)
{
	const char *colon = strchr(text, ':');
	char host[INET_ADDRSTRLEN];
	char *end = NULL;
	long port = colon != NULL ? strtol(colon + 1, &end, 10) : NS_DEFAULTPORT;

	snprintf(host, sizeof host, "%.*s", (int)strcspn(text, ":"), text);
	*ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	return inet_pton(AF_INET, host, &ret->sin_addr) == 1 && port > 0 && port < 65536 &&
	       (colon == NULL || (end != colon + 1 && *end == '\0'));
}

int dns_open(const char *nameserver, struct dns **ret, struct err *err)
{
	struct sockaddr_in server;
	struct dns *dns;

	if (nameserver != NULL && !read_server(nameserver, &server))
		return err_set(err, ERR_USAGE,
			"--nameserver '%s': an IPv4 address is wanted, as in 192.0.2.53 or "
			"192.0.2.53:5353",
			nameserver);
	dns = calloc(1, sizeof *dns);
	ENSURE(dns != NULL);
	if (res_ninit(&dns->state)) {
		free(dns);
		return err_set(err, ERR_IO, "the resolver cannot be set up (resolv.conf)");
	}
	dns->state.retrans = DNS_ASK_S;
	dns->state.retry = 1;
	if (nameserver != NULL) {
		dns->state.nscount = 1;
		dns->state.nsaddr_list[0] = server;
	}
	*ret = dns;
	return 0;
}

void dns_close(struct dns *dns)
{
	if (dns == NULL)
		return;
	res_nclose(&dns->state);
	free(dns);
}

static void name_server(const struct dns *dns, struct dns_answer *ret)
{
	const struct sockaddr_in *first = &dns->state.nsaddr_list[0];
	char address[INET_ADDRSTRLEN] = "";

	if (dns->state.nscount == 0 || first->sin_family != AF_INET)
		snprintf(ret->server, sizeof ret->server, "the name server");
	else if (inet_ntop(AF_INET, &first->sin_addr, address, sizeof address) != NULL)
		snprintf(ret->server, sizeof ret->server,
			ntohs(first->sin_port) == NS_DEFAULTPORT ? "%s" : "%s:%u", address,
			(unsigned)ntohs(first->sin_port));
}

/* ---- what is answered ------------------------------------------------------------------------ */

static bool take_record(const ns_rr *record, struct dns_answer *ret)
{
	int type = ns_rr_type(*record), family = type == ns_t_a ? AF_INET : AF_INET6;
	char text[INET6_ADDRSTRLEN];

	if (type == ns_t_cname)
		return true;
	if ((type != ns_t_a && type != ns_t_aaaa) ||
		ns_rr_rdlen(*record) != (type == ns_t_a ? NS_INADDRSZ : NS_IN6ADDRSZ) ||
		inet_ntop(family, ns_rr_rdata(*record), text, sizeof text) == NULL)
		return false;
	dns_add_address(&ret->addresses, text);
	return true;
}

static void take_answer(const unsigned char *answer, int len, struct dns_answer *ret)
{
	ns_msg message;

	if (ns_initparse(answer, len, &message))
		return;
	for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
		ns_rr record;

		if (ns_parserr(&message, ns_s_an, i, &record) || !take_record(&record, ret))
			continue;
		if (ret->ttl_s < 0 || (int64_t)ns_rr_ttl(record) < ret->ttl_s)
			ret->ttl_s = (int64_t)ns_rr_ttl(record);
	}
	ret->authoritative = ns_msg_getflag(message, ns_f_aa) != 0;
}

void dns_ask(struct dns *dns, const char *name, struct dns_answer *ret)
{
	static const int types[] = {ns_t_a, ns_t_aaaa};
	bool answered = false;

	*ret = (struct dns_answer){.ttl_s = -1};
	name_server(dns, ret);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		int len = res_nsearch(
			&dns->state, name, ns_c_in, types[i], dns->answer, sizeof dns->answer);

		if (len > 0)
			take_answer(dns->answer, len < ANSWER_BYTES ? len : ANSWER_BYTES, ret);
		answered |= len > 0 || dns->state.res_h_errno == HOST_NOT_FOUND ||
			    dns->state.res_h_errno == NO_DATA;
		if (!answered)
			break; /* a second question would only cost another second */
	}
	ret->state = ret->addresses.count > 0 ? DNS_FOUND
		     : answered		      ? DNS_NO_SUCH_NAME
					      : DNS_NO_ANSWER;
}
