/* testing.h - what every cmocka test includes, in the order cmocka wants. */
#ifndef AIRLOCK_TESTS_TESTING_H
#define AIRLOCK_TESTS_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
