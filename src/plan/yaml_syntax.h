/* yaml_syntax.h - what libyaml refused, in words and with the place a person would look at. */
#ifndef AIRLOCK_PLAN_YAML_SYNTAX_H
#define AIRLOCK_PLAN_YAML_SYNTAX_H

#include <yaml.h>

#include "plan/problem.h"
#include "plan/source.h"

/* Call after yaml_parser_parse() has failed. */
void yaml_syntax_report(const yaml_parser_t *parser, const struct source *src, struct problems *ps);

#endif
