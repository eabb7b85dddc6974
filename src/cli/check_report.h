/*
 * check_report.h - a round of gates for people, for programs and for Nagios.
 */
#ifndef AIRLOCK_CLI_CHECK_REPORT_H
#define AIRLOCK_CLI_CHECK_REPORT_H

#include "cli/out.h"
#include "gate/gates.h"

/* The gates as a table, then each hazard with its remedy, then the laws, then the verdict. */
void check_text(struct out *out, const struct gates_round *round);
/* airlock.check/1; owned. */
json_t *check_json(const struct gates_round *round);
/* One gate as in that document; owned. */
json_t *check_gate_json(const struct gate_result *result);
/* One line on stdout; returns the plugin's exit code: 0 ok, 1 warning, 2 critical, 3 unknown. */
int check_nagios(struct out *out, const struct gates_round *round);

#endif
