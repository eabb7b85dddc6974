#include "gateway/options.h"

#include <getopt.h>
#include <stddef.h>

static const struct option longs[] = {
	{"plan", required_argument, NULL, 'f'},
	{"route", required_argument, NULL, 'r'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

const char *gateway_options_help(void)
{
	return "usage: airlock-gateway --plan FILE --route NAME\n"
	       "\n"
	       "Carries the clients of the store that the plan reaches by this route, to the side\n"
	       "whose door is open.  `airlock run` tells it over the route's control socket.\n"
	       "\n"
	       "  -f, --plan FILE   the plan that airlock uses, too\n"
	       "  -r, --route NAME  a route of it, of kind gateway\n"
	       "  -h, --help        this text\n"
	       "      --version     the version\n"
	       "\n"
	       "Ends at SIGTERM or SIGINT.  Exit codes: 0 ended as asked, 1 internal error,\n"
	       "2 usage or plan error, 6 a side cannot be resolved, 9 another gateway listens.\n";
}

static int take(int c, char **argv, struct gateway_options *o, struct err *err)
{
	const char **slot = c == 'f' ? &o->plan : c == 'r' ? &o->route : NULL;

	if (c == 'h')
		o->help = true;
	else if (c == 'V')
		o->version = true;
	else if (c == ':')
		return err_set(err, ERR_USAGE, "%s needs a value after it", argv[optind - 1]);
	else if (!slot)
		return err_set(err, ERR_USAGE, "%s: no such flag", argv[optind - 1]);
	else if (*slot)
		return err_set(err, ERR_USAGE, "--%s was given twice", c == 'f' ? "plan" : "route");
	else
		*slot = optarg;
	return 0;
}

int gateway_options_parse(int argc, char **argv, struct gateway_options *ret, struct err *err)
{
	struct gateway_options o = {0};
	int c;

	optind = 0; /* glibc: begin anew */
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":f:r:h", longs, NULL)) != -1)
		if (take(c, argv, &o, err))
			return -1;
	if (optind < argc)
		return err_set(err, ERR_USAGE, "%s: no argument is expected", argv[optind]);
	if (!o.help && !o.version && (!o.plan || !o.route))
		return err_set(err, ERR_USAGE, "--%s is missing", o.plan ? "route" : "plan");
	*ret = o;
	return 0;
}
