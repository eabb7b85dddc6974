#include "pgwire/userlist.h"

#include <stddef.h>
#include <string.h>

#include "pgwire/scram.h"

static char *skip_blanks(char *at)
{
	return at + strspn(at, " \t\r");
}

/* "a word", a quote in it doubled; cut out in place.  NULL when there is none. */
static char *take_word(char **at)
{
	char *from = skip_blanks(*at), *to = from, *word = from;

	if (*from++ != '"')
		return NULL;
	for (; *from && *from != '\n'; *to++ = *from++)
		if (*from == '"' && *++from != '"') {
			*to = '\0';
			*at = from;
			return word;
		}
	return NULL;
}

enum userlist_line userlist_line(char **at, const char **ret_user, const char **ret_verifier)
{
	struct scram_verifier parsed;
	bool good;

	*at = skip_blanks(*at);
	if (**at == '\n' || **at == '\0' || **at == ';' || **at == '#') {
		*at += strcspn(*at, "\n");
		return USERLIST_EMPTY;
	}
	*ret_user = take_word(at);
	*ret_verifier = *ret_user ? take_word(at) : NULL;
	if (!*ret_verifier || !**ret_user)
		return USERLIST_BROKEN;
	*at = skip_blanks(*at);
	good = (**at == '\n' || **at == '\0') && scram_verifier_parse(*ret_verifier, &parsed);
	scram_forget(&parsed, sizeof parsed);
	return good ? USERLIST_USER : USERLIST_BROKEN;
}
