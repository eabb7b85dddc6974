/* fuzz_target.h - the entry that libFuzzer prescribes; each fuzz_*.c has one. */
#ifndef AIRLOCK_TESTS_FUZZ_TARGET_H
#define AIRLOCK_TESTS_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
