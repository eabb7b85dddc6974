#include "report/runbook.h"

#include <string.h>

#include "action/action.h"
#include "base/check.h"
#include "core/table.h"

/* At most: five before, per wave one per member, run and verify, three after. */
#define STEPS_AROUND 12
#define STEPS_PER_WAVE 3
#define STEPS_PER_SERVICE 2

struct making {
	const struct plan *plan;
	struct arena *arena;
	struct runbook book;
	size_t wave;
	size_t moved; /* the newest wave before this one that moves anything */
};

static struct runbook_step *add(
	struct making *m, const char *who, const char *what, const char *command, const char *undo)
{
	struct runbook_step *step = &m->book.steps[m->book.count++];

	*step = (struct runbook_step){
		.who = who, .what = what, .command = command, .undo = undo, .wave = m->wave};
	return step;
}

static void decide(
	struct making *m, const char *who, const char *what, const char *command, const char *undo)
{
	add(m, who, what, command, undo)->decision = true;
	m->book.decisions++;
}

static const char *command_line(struct making *m, char *const *argv)
{
	BUF_AUTO line = BUF_INIT;

	action_words(&line, argv);
	return arena_strdup(m->arena, buf_str(&line));
}

static void before(struct making *m)
{
	const char *approve = arena_printf(m->arena, "airlock approve %.12s", m->plan->hash);

	add(m, "operator", "rights, control databases and roles stand on both sides",
		"airlock init-roles",
		"the DBA drops roles and control database; nothing else is touched");
	decide(m, "operator", "every writer that is seen is known; declare or stop the others",
		"airlock discover --for 1h", "nothing to undo: it only looks");
	add(m, "operator", "new follows old, links stand in both directions", "airlock sync",
		"airlock abandon");
	decide(m, "operator", "no required gate fails; what is NOT PROVEN is acceptable",
		"airlock check", "nothing to undo: it only looks");
	add(m, "operator", "both sides hold the same data", "airlock verify",
		"nothing to undo: it only looks");
	decide(m, "approver", "exactly this plan is approved", approve,
		"change the plan: its approval is void");
}

/* The run carries out the command; where there is none, a person does what it takes. */
static void move_service(struct making *m, const struct plan_service *service)
{
	if (service->move.exec != NULL) {
		add(m, "airlock",
			arena_printf(m->arena, "the run moves %s to new: %s", service->name,
				command_line(m, service->move.exec)),
			"",
			arena_printf(m->arena, "`airlock rollback`: %s",
				command_line(m, service->move.undo)));
		return;
	}
	add(m, "operator",
		arena_printf(m->arena, "%s works on new (%s%s)", service->name,
			service->route == PLAN_NONE ? "the plan names no command for it; by hand"
						    : "route ",
			service->route == PLAN_NONE ? "" : m->plan->routes[service->route].name),
		"", "the same way back");
}

static void stop_service(struct making *m, const struct plan_service *service)
{
	const char *undo = command_line(m, service->stop.undo);

	add(m, "airlock",
		arena_printf(m->arena, "the run stops %s before the hold, and starts it after",
			service->name),
		"", arena_printf(m->arena, "by itself, also from `airlock resume`: %s", undo));
}

static const struct plan_service *service_at(const struct plan *plan, size_t node)
{
	return node < plan->stores_count ? NULL : &plan->services[node - plan->stores_count];
}

static bool writes_in(const struct plan_service *service, const struct wave *wave)
{
	for (size_t i = 0; i < service->writes_count; i++)
		for (size_t k = 0; k < wave->members_count; k++)
			if (wave->members[k] == service->writes[i])
				return true;
	return false;
}

/* Back to where the wave before left everything. */
static const char *back_command(struct making *m)
{
	return m->moved ? arena_printf(m->arena, "airlock rollback --to %zu", m->moved)
			: "airlock rollback";
}

static void move_stores(struct making *m, const struct wave *wave)
{
	BUF_AUTO names = BUF_INIT;

	for (size_t i = 0; i < m->plan->services_count; i++)
		if (m->plan->services[i].during == DURING_STOP &&
			writes_in(&m->plan->services[i], wave))
			stop_service(m, &m->plan->services[i]);
	for (size_t i = 0; i < wave->members_count; i++)
		if (wave->members[i] < m->plan->stores_count)
			buf_printf(&names, "%s%s", names.len ? ", " : "",
				m->plan->stores[wave->members[i]].name);
	decide(m, "operator",
		arena_printf(m->arena, "clients of %s are held and go on on new", buf_str(&names)),
		arena_printf(m->arena, "airlock run --wave %zu", wave->n),
		arena_printf(m->arena, "before the commit point by itself; after it `%s`",
			back_command(m)));
	decide(m, "operator", "both sides hold the same data; go on, or roll back",
		"airlock verify", "nothing to undo: it only looks");
}

/* Those that move before the stores of the wave, or after them. */
static size_t move_services(struct making *m, const struct wave *wave, bool after)
{
	size_t moved = 0;

	for (size_t i = 0; i < wave->members_count; i++) {
		const struct plan_service *service = service_at(m->plan, wave->members[i]);

		if (service == NULL || (service->tier == TIER_ENTRY) != after)
			continue;
		move_service(m, service);
		moved += service->move.exec != NULL;
	}
	return moved;
}

static void do_wave(struct making *m, const struct wave *wave)
{
	bool has_stores = wave->decider != PLAN_NONE;
	const char *command = arena_printf(m->arena, "airlock run --wave %zu", wave->n);
	size_t moved;

	m->wave = wave->n;
	moved = move_services(m, wave, false);
	if (has_stores)
		move_stores(m, wave);
	moved += move_services(m, wave, true);
	if (!has_stores && moved > 0)
		decide(m, "operator", "its services work on new, as their observations say",
			command,
			arena_printf(
				m->arena, "by itself when one fails; later `%s`", back_command(m)));
	if (has_stores || moved > 0)
		m->moved = wave->n;
}

static void after(struct making *m)
{
	m->wave = 0;
	add(m, "airlock", "the way back stays fresh while the migration stands open",
		"airlock guard", "nothing to undo: stop it");
	add(m, "operator", "what happened, for whoever asks", "airlock report -o report.html",
		"delete the file");
	decide(m, "approver", "new stays for good; from here on there is no way back",
		arena_printf(m->arena, "airlock finalize --approve %.12s", m->plan->hash),
		"NONE: the one-way door");
}

void runbook_make(const struct plan *plan, const struct sequence *sequence, struct arena *arena,
	struct runbook *ret)
{
	struct making m = {.plan = plan, .arena = arena, .book = {.plan = plan}};
	size_t room = STEPS_AROUND + STEPS_PER_WAVE * sequence->count;

	for (size_t w = 0; w < sequence->count; w++) /* a service may stop in each wave */
		room += STEPS_PER_SERVICE * plan->services_count;
	m.book.steps = arena_calloc(arena, room, sizeof *m.book.steps);
	before(&m);
	for (size_t w = 0; w < sequence->count; w++)
		do_wave(&m, &sequence->waves[w]);
	after(&m);
	ENSURE(m.book.count <= room);
	*ret = m.book;
}
