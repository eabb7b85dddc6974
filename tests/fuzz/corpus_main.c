/*
 * corpus_main.c DIR... - runs a fuzz target over the files of directories, without libFuzzer: each
 * whole, cut off at many places, and with bytes changed.  Always the same inputs in the same order.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/prng.h"

#include "fuzz_target.h"

#define CUT_STEP 13
#define CHANGES_PER_FILE 60

static size_t inputs;

/* In a block of exactly this size, so that reading past the end is seen by AddressSanitizer. */
static void feed(const char *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	ENSURE(copy != NULL);
	if (len)
		memcpy(copy, bytes, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	inputs++;
}

static void feed_changed(const struct buf *text, struct prng *prng)
{
	static const char bytes[] = "{}[]:,-#&*!|>'\"%@`~<? \n\t\r\0\x7f\xff\xc3\xe2";
	BUF_AUTO copy = BUF_INIT;

	for (int i = 0; text->len && i < CHANGES_PER_FILE; i++) {
		size_t count = 1 + (size_t)prng_below(prng, 3);

		buf_clear(&copy);
		buf_add(&copy, text->data, text->len);
		while (count-- > 0)
			copy.data[prng_below(prng, copy.len)] =
				bytes[prng_below(prng, sizeof bytes - 1)];
		feed(copy.data, copy.len);
	}
}

static void feed_file(const char *path, struct prng *prng)
{
	FILE *file = fopen(path, "rb");
	BUF_AUTO text = BUF_INIT;
	char block[4096];
	size_t got;

	ENSURE(file != NULL);
	while ((got = fread(block, 1, sizeof block, file)) > 0)
		buf_add(&text, block, got);
	fclose(file);
	feed(buf_str(&text), text.len);
	for (size_t cut = 0; cut < text.len && cut < 4000; cut += CUT_STEP)
		feed(text.data, cut);
	if (text.len < 4000)
		feed_changed(&text, prng);
}

static int is_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	struct prng prng = {1};

	for (int i = 1; i < argc; i++) {
		struct dirent **entries;
		int count = scandir(argv[i], &entries, is_file, alphasort);

		ENSURE(count > 0);
		for (int e = 0; e < count; e++) {
			BUF_AUTO path = BUF_INIT;

			buf_printf(&path, "%s/%s", argv[i], entries[e]->d_name);
			feed_file(buf_str(&path), &prng);
			free(entries[e]);
		}
		free(entries);
	}
	ENSURE(inputs > 0);
	printf("%zu inputs\n", inputs);
	return 0;
}
