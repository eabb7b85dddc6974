/*
 * say.h - the gateway's log: one line on stderr for each thing that an operator wants to know.
 *
 * Never a secret, never a statement of an application.  Thread: any.
 */
#ifndef AIRLOCK_GATEWAY_SAY_H
#define AIRLOCK_GATEWAY_SAY_H

void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
