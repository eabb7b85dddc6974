/* docgen man|ids|bash|zsh: a part of the documentation on stdout, at build time. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "cli/completion.h"
#include "cli/manual.h"

static void program(struct buf *out)
{
	manual_program(AIRLOCK_VERSION, out);
}

static void ids(struct buf *out)
{
	manual_ids(AIRLOCK_VERSION, out);
}

static const struct {
	const char *name;
	void (*make)(struct buf *out);
} parts[] = {{"man", program}, {"ids", ids}, {"bash", completion_bash}, {"zsh", completion_zsh}};

int main(int argc, char **argv)
{
	BUF_AUTO out = BUF_INIT;

	for (size_t i = 0; argc == 2 && i < ARRAY_LEN(parts); i++)
		if (strcmp(argv[1], parts[i].name) == 0)
			parts[i].make(&out);
	if (out.len == 0 || fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout)) {
		fprintf(stderr, "usage: docgen man|ids|bash|zsh\n");
		return 1;
	}
	return 0;
}
