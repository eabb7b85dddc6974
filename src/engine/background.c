#include "engine/background.h"

#include "action/action.h"
#include "base/check.h"

static bool writes_any(const struct background *b, const struct plan_service *service)
{
	for (size_t i = 0; i < service->writes_count; i++)
		for (size_t s = 0; s < b->stores_count; s++)
			if (service->writes[i] == b->stores[s])
				return true;
	return false;
}

static bool is_to_stop(const struct background *b, const struct plan_service *service)
{
	return service->during == DURING_STOP && writes_any(b, service);
}

static struct action_call call_of(
	const struct background *b, const struct plan_service *service, enum side side)
{
	return (struct action_call){&service->stop, b->dir, side_name(side)};
}

static int stop_one(const struct background *b, const struct plan_service *service, enum side side,
	struct err *err)
{
	const struct action_call call = call_of(b, service, side);
	bool stopped = false;

	if (action_observe(&call, &stopped, err))
		return -1;
	if (stopped) {
		b->tell(b->arg, service->name,
			b->is_ours(b->arg, service->name)
				? "was left stopped by an earlier run, and is started afterwards"
				: "is stopped already, and stays so");
		return 0;
	}
	if (b->remember(b->arg, service->name, true, err))
		return -1;
	if (ENV_STEP(b->env, "service-stop", action_make(&call, true, NULL, err)))
		return -1;
	b->tell(b->arg, service->name, "is stopped");
	return 0;
}

static int start_one(const struct background *b, const struct plan_service *service, enum side side,
	struct err *err)
{
	const struct action_call call = call_of(b, service, side);

	if (ENV_STEP(b->env, "service-start", action_make(&call, false, NULL, err)))
		return -1;
	b->tell(b->arg, service->name, "runs again");
	return b->remember(b->arg, service->name, false, err);
}

int background_start(const struct background *b, enum side side, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < b->plan->services_count; i++) {
		const struct plan_service *service = &b->plan->services[i];
		struct err failed = ERR_INIT;

		if (!is_to_stop(b, service) || !b->is_ours(b->arg, service->name) ||
			start_one(b, service, side, &failed) == 0)
			continue;
		b->tell(b->arg, service->name, failed.msg);
		if (rc == 0)
			*err = failed;
		if (rc == 0)
			err_wrap(err, "starting %s again", service->name);
		rc = -1;
	}
	return rc;
}

void background_tell_unknown(const struct background *b, enum side side)
{
	for (size_t i = 0; i < b->plan->services_count; i++) {
		const struct plan_service *service = &b->plan->services[i];
		const struct action_call call = call_of(b, service, side);
		struct err failed = ERR_INIT;
		bool stopped = false;

		if (is_to_stop(b, service) && !b->is_ours(b->arg, service->name) &&
			action_observe(&call, &stopped, &failed) == 0 && stopped)
			b->tell(b->arg, service->name,
				"is stopped; the journal does not say that Airlock did it: start "
				"it "
				"yourself, if it is to run");
	}
}

int background_stop(const struct background *b, enum side side, struct err *err)
{
	for (size_t i = 0; i < b->plan->services_count; i++) {
		const struct plan_service *service = &b->plan->services[i];
		struct err again = ERR_INIT;

		if (!is_to_stop(b, service))
			continue;
		if (b->stop_asked && *b->stop_asked)
			err_set(err, ERR_REFUSED, "asked to stop before the hold");
		else if (stop_one(b, service, side, err) == 0)
			continue;
		else
			err_wrap(err, "stopping %s", service->name);
		if (background_start(b, side, &again))
			b->tell(b->arg, service->name, again.msg);
		return -1;
	}
	return 0;
}
