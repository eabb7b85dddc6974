#include "discover/classify.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>
#include <pg_query.h>

#include "base/buf.h"
#include "base/check.h"

#define STACK_BYTES (64u << 20) /* address space; what is not used costs nothing */

/* Statements by what they do.  What is not here may write. */
static const struct {
	const char *node;
	enum sql_class cls;
	const char *verb; /* of those that write or may */
} nodes[] = {
	{"SelectStmt", SQL_READS, ""},
	{"InsertStmt", SQL_WRITES, "INSERT"},
	{"UpdateStmt", SQL_WRITES, "UPDATE"},
	{"DeleteStmt", SQL_WRITES, "DELETE"},
	{"MergeStmt", SQL_WRITES, "MERGE"},
	{"TruncateStmt", SQL_WRITES, "TRUNCATE"},
	{"CallStmt", SQL_WRITES, "CALL"},
	{"DoStmt", SQL_WRITES, "DO"},
	{"CopyStmt", SQL_READS, ""}, /* FROM is seen to by the walk */
	{"CreateTableAsStmt", SQL_READS, ""},
	{"ExplainStmt", SQL_READS, ""},
	{"PrepareStmt", SQL_READS, ""},
	{"DeclareCursorStmt", SQL_READS, ""},
	{"ExecuteStmt", SQL_MAY_WRITE, "EXECUTE"},
	{"DeallocateStmt", SQL_READS, ""},
	{"FetchStmt", SQL_READS, ""},
	{"ClosePortalStmt", SQL_READS, ""},
	{"TransactionStmt", SQL_READS, ""},
	{"VariableSetStmt", SQL_READS, ""},
	{"VariableShowStmt", SQL_READS, ""},
	{"ConstraintsSetStmt", SQL_READS, ""},
	{"DiscardStmt", SQL_READS, ""},
	{"ListenStmt", SQL_READS, ""},
	{"UnlistenStmt", SQL_READS, ""},
	{"NotifyStmt", SQL_READS, ""},
	{"LockStmt", SQL_READS, ""},
	{"CheckPointStmt", SQL_READS, ""},
	{"VacuumStmt", SQL_READS, ""},
	{"ClusterStmt", SQL_READS, ""},
	{"ReindexStmt", SQL_READS, ""},
	{"LoadStmt", SQL_READS, ""},
};

const char *sql_class_name(enum sql_class cls)
{
	static const char *const names[] = {"reads", "writes", "may write"};

	REQUIRE((size_t)cls < ARRAY_LEN(names));
	return names[cls];
}

/* Writing is more than maybe, and maybe more than reading; the first of its class stays. */
static void at_least(struct sql_verdict *v, enum sql_class cls, const char *verb)
{
	static const int rank[] = {[SQL_READS] = 0, [SQL_MAY_WRITE] = 1, [SQL_WRITES] = 2};

	if (rank[cls] <= rank[v->cls])
		return;
	v->cls = cls;
	snprintf(v->verb, sizeof v->verb, "%s", verb);
}

static void note_call(struct sql_verdict *v, const json_t *call)
{
	const json_t *names = json_object_get(call, "funcname");
	const json_t *last = json_array_get(names, json_array_size(names) - 1);
	const char *name =
		json_string_value(json_object_get(json_object_get(last, "String"), "sval"));

	if (name == NULL || v->calls_count == CLASSIFY_CALLS_MAX)
		return;
	snprintf(v->calls[v->calls_count++], CLASSIFY_NAME_BYTES, "%s", name);
}

static bool is_temporary(const json_t *into)
{
	const char *persistence =
		json_string_value(json_object_get(json_object_get(into, "rel"), "relpersistence"));

	return persistence != NULL && strcmp(persistence, "t") == 0;
}

static void judge_node(struct sql_verdict *v, const char *name, const json_t *node)
{
	if (strcmp(name, "FuncCall") == 0 || strcmp(name, "funccall") == 0)
		note_call(v, node);
	else if (strcmp(name, "CopyStmt") == 0 && json_is_true(json_object_get(node, "is_from")))
		at_least(v, SQL_WRITES, "COPY FROM");
	else if (strcmp(name, "intoClause") == 0 && !is_temporary(node))
		at_least(v, SQL_WRITES, "SELECT INTO");
	else if (strcmp(name, "into") == 0 && !is_temporary(node))
		at_least(v, SQL_WRITES, "CREATE TABLE AS");
	else if (strcmp(name, "InsertStmt") == 0)
		at_least(v, SQL_WRITES, "INSERT");
	else if (strcmp(name, "UpdateStmt") == 0)
		at_least(v, SQL_WRITES, "UPDATE");
	else if (strcmp(name, "DeleteStmt") == 0)
		at_least(v, SQL_WRITES, "DELETE");
	else if (strcmp(name, "MergeStmt") == 0)
		at_least(v, SQL_WRITES, "MERGE");
}

/* jansson reads no deeper than 2048, so this ends on the stack it has. */
static void walk(struct sql_verdict *v, json_t *node)
{
	const char *key;
	json_t *value;
	size_t i;

	json_object_foreach(node, key, value)
	{
		if (json_is_object(value))
			judge_node(v, key, value);
		walk(v, value);
	}
	json_array_foreach(node, i, value)
	{
		walk(v, value);
	}
}

static void judge_statement(struct sql_verdict *v, json_t *stmt)
{
	const char *name = json_object_iter_key(json_object_iter(stmt));
	size_t i = 0;

	if (name == NULL)
		return;
	while (i < ARRAY_LEN(nodes) && strcmp(nodes[i].node, name) != 0)
		i++;
	if (i == ARRAY_LEN(nodes))
		at_least(v, SQL_WRITES, "DDL"); /* of the schema, or of rights */
	else
		at_least(v, nodes[i].cls, nodes[i].verb);
	walk(v, stmt);
}

static bool parse(const char *text, struct sql_verdict *v)
{
	PgQueryParseResult result = pg_query_parse(text);
	json_t *tree = result.error == NULL ? json_loads(result.parse_tree, 0, NULL) : NULL;
	json_t *stmts = json_object_get(tree, "stmts"), *stmt;
	size_t i;
	bool parsed = tree != NULL;

	json_array_foreach(stmts, i, stmt)
	{
		judge_statement(v, json_object_get(stmt, "stmt"));
	}
	json_decref(tree);
	pg_query_free_parse_result(result);
	return parsed;
}

/* ---- PL/pgSQL -------------------------------------------------------------------------------- */

/* An expression is what stands behind SELECT, an assignment what stands behind its sign. */
static void parse_expression(const char *text, struct sql_verdict *v)
{
	struct sql_verdict once = {.cls = SQL_READS};
	const char *sign = strstr(text, ":=");
	BUF_AUTO select = BUF_INIT;

	if (sign == NULL && parse(text, &once)) {
		once.cls == SQL_READS ? (void)0 : at_least(v, once.cls, once.verb);
	} else {
		once = (struct sql_verdict){.cls = SQL_READS};
		buf_printf(&select, "SELECT %s", sign != NULL ? sign + 2 : text);
		if (!parse(buf_str(&select), &once))
			at_least(v, SQL_MAY_WRITE, "not understood");
		else if (once.cls != SQL_READS)
			at_least(v, once.cls, once.verb);
	}
	for (size_t i = 0; i < once.calls_count && v->calls_count < CLASSIFY_CALLS_MAX; i++)
		memcpy(v->calls[v->calls_count++], once.calls[i], CLASSIFY_NAME_BYTES);
}

static void walk_plpgsql(struct sql_verdict *v, json_t *node)
{
	const char *key;
	json_t *value;
	size_t i;

	json_object_foreach(node, key, value)
	{
		const char *query = json_string_value(json_object_get(value, "query"));

		if (strcmp(key, "PLpgSQL_stmt_dynexecute") == 0 ||
			strcmp(key, "PLpgSQL_stmt_dynfors") == 0)
			at_least(v, SQL_MAY_WRITE, "EXECUTE");
		if (strcmp(key, "PLpgSQL_expr") == 0 && query != NULL)
			parse_expression(query, v);
		walk_plpgsql(v, value);
	}
	json_array_foreach(node, i, value)
	{
		walk_plpgsql(v, value);
	}
}

static void parse_plpgsql(const char *definition, struct sql_verdict *v)
{
	PgQueryPlpgsqlParseResult result = pg_query_parse_plpgsql(definition);
	json_t *tree = result.error == NULL ? json_loads(result.plpgsql_funcs, 0, NULL) : NULL;

	if (tree == NULL)
		at_least(v, SQL_MAY_WRITE, "not understood");
	else
		walk_plpgsql(v, tree);
	json_decref(tree);
	pg_query_free_plpgsql_parse_result(result);
}

/* ---- on a stack of its own ------------------------------------------------------------------- */

struct work {
	const char *text;
	bool plpgsql;
	struct sql_verdict verdict;
};

static void *run(void *arg)
{
	struct work *work = arg;

	if (work->plpgsql)
		parse_plpgsql(work->text, &work->verdict);
	else if (!parse(work->text, &work->verdict))
		at_least(&work->verdict, SQL_MAY_WRITE, "not understood");
	return NULL;
}

static void classify(const char *text, size_t len, bool plpgsql, struct sql_verdict *ret)
{
	struct work work = {.plpgsql = plpgsql, .verdict = {.cls = SQL_READS}};
	BUF_AUTO copy = BUF_INIT;
	pthread_attr_t attr;
	pthread_t thread;
	bool started;

	if (len > CLASSIFY_BYTES_MAX || memchr(text, '\0', len) != NULL) {
		at_least(&work.verdict, SQL_MAY_WRITE, "too long to be read");
		*ret = work.verdict;
		return;
	}
	buf_add(&copy, text, len);
	work.text = buf_str(&copy);
	ENSURE(pthread_attr_init(&attr) == 0);
	ENSURE(pthread_attr_setstacksize(&attr, STACK_BYTES) == 0);
	started = pthread_create(&thread, &attr, run, &work) == 0;
	pthread_attr_destroy(&attr);
	if (started)
		ENSURE(pthread_join(thread, NULL) == 0);
	else
		at_least(&work.verdict, SQL_MAY_WRITE, "no thread to read it");
	*ret = work.verdict;
}

void classify_sql(const char *text, size_t len, struct sql_verdict *ret)
{
	classify(text, len, false, ret);
}

void classify_plpgsql(const char *definition, size_t len, struct sql_verdict *ret)
{
	classify(definition, len, true, ret);
}
