/* compose_keys.h - the table of compose_keys.def; the shapes are its headings, as COMPOSE_SERVICE.
 */
#ifndef AIRLOCK_IMPORT_COMPOSE_KEYS_H
#define AIRLOCK_IMPORT_COMPOSE_KEYS_H

#include "import/keys.h"

enum compose_shape {
	COMPOSE_FREE = KEYS_FREE,
#define SHAPE(name) COMPOSE_##name,
#define READ(name, shape)
#define PASS(name, shape)
#include "import/compose_keys.def"
#undef SHAPE
#undef READ
#undef PASS
};

extern const struct key_table compose_keys;

#endif
