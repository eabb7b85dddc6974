#include "gateway/pool.h"

#include <string.h>
#include <sys/mman.h>

#include "base/check.h"

int pool_init(struct pool *p, size_t cap, struct err *err)
{
	void *memory = mmap(NULL, cap * POOL_BUFFER_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	REQUIRE(cap > 0);
	if (memory == MAP_FAILED)
		return err_set_errno(err, ERR_NOMEM, "reserving %zu buffers", cap);
	*p = (struct pool){.memory = memory, .cap = cap};
	return 0;
}

void pool_fini(struct pool *p)
{
	if (p->memory)
		munmap(p->memory, p->cap * POOL_BUFFER_BYTES);
	*p = (struct pool){0};
}

uint8_t *pool_take(struct pool *p)
{
	uint8_t *buffer = p->given;

	if (buffer) {
		memcpy(&p->given, buffer, sizeof p->given);
		return buffer;
	}
	REQUIRE(p->fresh < p->cap);
	return p->memory + p->fresh++ * POOL_BUFFER_BYTES;
}

void pool_give(struct pool *p, uint8_t *buffer)
{
	REQUIRE(buffer >= p->memory && buffer < p->memory + p->cap * POOL_BUFFER_BYTES);
	REQUIRE((size_t)(buffer - p->memory) % POOL_BUFFER_BYTES == 0);
	memcpy(buffer, &p->given, sizeof p->given);
	p->given = buffer;
}
