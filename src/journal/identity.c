#include "journal/identity.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

/* Other people's text in our rows: only what a login name can hold. */
static void keep_plain(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x21 || (unsigned char)*text > 0x7e)
			*text = '?';
}

void identity_user(char *ret, size_t size)
{
	char space[1024], sudo[40];
	struct passwd entry, *found = NULL;
	const char *by = getenv("SUDO_USER");

	REQUIRE(size > 0);
	if (getpwuid_r(geteuid(), &entry, space, sizeof space, &found) == 0 && found)
		snprintf(ret, size, "%s", found->pw_name);
	else
		snprintf(ret, size, "uid:%u", (unsigned)geteuid());
	keep_plain(ret);
	if (by && by[0]) {
		size_t len = strlen(ret);

		snprintf(sudo, sizeof sudo, "%s", by);
		keep_plain(sudo);
		snprintf(ret + len, size - len, " (sudo %s)", sudo);
	}
}

void identity_host(char *ret, size_t size)
{
	REQUIRE(size > 0);
	if (gethostname(ret, size))
		snprintf(ret, size, "?");
	ret[size - 1] = '\0';
	keep_plain(ret);
}

void identity_sentence(const char *command, char *ret, size_t size)
{
	char user[64], host[65];

	identity_user(user, sizeof user);
	identity_host(host, sizeof host);
	snprintf(ret, size, "%s@%s pid %ld: %s", user, host, (long)getpid(), command);
}
