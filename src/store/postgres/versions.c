#include "store/postgres/versions.h"

#include "base/check.h"

static const struct version_row rows[VERSION_COUNT] = {
#define VERSION(name, since, what, relied) [VERSION_##name] = {#name, since, what, relied},
#include "store/postgres/versions.def"
#undef VERSION
};

const struct version_row *version_get(enum version_feature feature)
{
	REQUIRE(feature < VERSION_COUNT);
	return &rows[feature];
}

bool version_has(int server_version, enum version_feature feature)
{
	return server_version / 10000 >= version_get(feature)->since;
}
