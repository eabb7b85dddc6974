/*
 * setting.h - one line of a configuration as key and value, in whatever format: "KEY=value",
 * "export KEY='value'", "key: value", "'KEY': 'value',", "'key' => env('X', 'value'),".
 */
#ifndef AIRLOCK_DISCOVER_SETTING_H
#define AIRLOCK_DISCOVER_SETTING_H

#include <stdbool.h>
#include <stddef.h>

struct setting {
	const char *key, *value; /* borrowed from the line */
	size_t key_len, value_len;
	size_t indent;
	const char *end; /* where the value ends: the line may go on */
};

/* Of a value that is looked up, what it is when there is nothing: "${DB_HOST:-pg}" is pg. */
bool setting_read(const char *line, size_t len, struct setting *ret);

#endif
