#include "base/utf8.h"

#include <string.h>

#include "base/check.h"

/* From the first byte; 0 when no character starts with it. */
static size_t length_of(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >> 5 == 0x06)
		return 2;
	if (first >> 4 == 0x0e)
		return 3;
	return first >> 3 == 0x1e ? 4 : 0;
}

size_t utf8_next(const char *text, uint32_t *ret_value)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *s = (const unsigned char *)text;
	size_t len = length_of(s[0]);
	uint32_t c;

	if (len <= 1) {
		*ret_value = s[0];
		return len;
	}
	c = s[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if (s[i] >> 6 != 2) /* the final NUL stops here too */
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < smallest[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*ret_value = c;
	return len;
}

void utf8_clean(struct buf *out, const char *text)
{
	uint32_t c;

	REQUIRE(text != NULL);
	while (*text) {
		size_t len = utf8_next(text, &c);

		if (len == 0)
			buf_puts(out, "\xef\xbf\xbd");
		else
			buf_add(out, text, len);
		text += len ? len : 1;
	}
}

bool utf8_is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xe0000 && c < 0xe0080);
}
