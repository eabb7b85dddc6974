#include "import/compose_keys.h"

#include "base/check.h"

static const struct key_row rows[] = {
#define SHAPE(name) {NULL, false, COMPOSE_##name},
#define READ(name, shape) {name, true, COMPOSE_##shape},
#define PASS(name, shape) {name, false, COMPOSE_##shape},
#include "import/compose_keys.def"
#undef SHAPE
#undef READ
#undef PASS
};

const struct key_table compose_keys = {rows, ARRAY_LEN(rows), "x-"};
