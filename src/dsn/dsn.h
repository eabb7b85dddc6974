/*
 * dsn.h - connection strings as people write them into files, scripts and functions: read, found in
 * a text, and shown without their secrets.
 *
 * Forms: URLs of every spelling ("postgres://", "postgresql+psycopg2://", "redis://", "amqp://"),
 * libpq's key=value (PostgreSQL manual 34.1.1), JDBC and R2DBC, ADO.NET and ODBC
 * ("Host=...;Database=..."), PHP's PDO ("pgsql:host=...;dbname=..."), Go's
 * "user@tcp(host:3306)/db", and command lines of the servers' own tools ("psql -h old -d shop").
 *
 * A reader of files, not a checker: what libpq would refuse is read as far as it says something.
 * No secret is ever copied: of userinfo only the user, of other keys only that there is a secret.
 * Where it cannot be said where a password ends, nothing is told but the engine; but "u:a@b" cut
 * off from "u:a@b@host" reads like a host: whoever cuts a text drops what touches the cut.  Pure;
 * any bytes may come in.
 */
#ifndef AIRLOCK_DSN_DSN_H
#define AIRLOCK_DSN_DSN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define DSN_HOSTS_MAX 8
#define DSN_NAME_BYTES 128

enum dsn_engine { DSN_POSTGRESQL, DSN_MARIADB, DSN_REDIS, DSN_RABBITMQ };
enum dsn_form { DSN_URL, DSN_CONNINFO, DSN_JDBC, DSN_ADO, DSN_PDO, DSN_COMMAND };

struct dsn_host {
	char name[DSN_NAME_BYTES]; /* name, address without brackets, or directory of a socket */
	unsigned port;		   /* 0 = not said */
};

struct dsn {
	enum dsn_engine engine;
	bool engine_guessed; /* the text fits several; this is the likeliest */
	enum dsn_form form;
	struct dsn_host hosts[DSN_HOSTS_MAX];
	size_t hosts_count; /* 0 = not said: the environment, a service file or a local socket */
	/* "" = not said.  Percent-decoded.  `database` is the number of Redis, RabbitMQ's vhost. */
	char database[DSN_NAME_BYTES], user[DSN_NAME_BYTES], service[DSN_NAME_BYTES];
	bool has_secret;   /* a password stands in the text */
	size_t start, len; /* where it stands in the text, in bytes */
};

/* The first connection string that begins at or after byte `from`; false when there is none. */
bool dsn_next(const char *text, size_t len, size_t from, struct dsn *ret);
/* The whole text is one, blanks and quotes around it aside. */
bool dsn_read(const char *text, struct dsn *ret);

/* Appends one form for all: "postgresql://user@host:5432/database", what is not said left out. */
void dsn_show(const struct dsn *dsn, struct buf *out);
/* Appends the text with every connection string in it replaced by what dsn_show says. */
void dsn_redact(const char *text, size_t len, struct buf *out);

const char *dsn_engine_name(enum dsn_engine engine); /* as the plan writes it: "postgresql" */
const char *dsn_form_name(enum dsn_form form);	     /* "URL", "conninfo", "JDBC", ... */
unsigned dsn_default_port(enum dsn_engine engine);

/* What a key of a configuration says of a connection. */
enum dsn_role {
	DSN_ROLE_NONE,
	DSN_ROLE_HOST,
	DSN_ROLE_PORT,
	DSN_ROLE_DATABASE,
	DSN_ROLE_USER,
	DSN_ROLE_SECRET,
	DSN_ROLE_SERVICE,
	DSN_ROLE_ENGINE, /* a driver or adapter: its value names the engine */
	DSN_ROLE_TEXT	 /* a whole connection string: *_URL, *_DSN, *_URI */
};

/*
 * "SHOP_DB_HOST" is a HOST, and its first 8 bytes (*ret_prefix) are what keys of the same
 * connection begin with; so for PGHOST, DB_DATABASE, spring.datasource.username, POSTGRES_DB,
 * 'HOST' of Django, "host:" of YAML, Server of odbc.ini.  `key` need not end in NUL.
 */
enum dsn_role dsn_role_of(const char *key, size_t len, size_t *ret_prefix);
/* The engine that a word names ("postgresql", "django.db.backends.postgresql", "pdo_pgsql"). */
bool dsn_engine_of(const char *word, size_t len, enum dsn_engine *ret_engine);
/* Sets one part as its key says; a value that is no name (too long, control characters) is left
 * out. HOST may be a list "a,b:5433". */
void dsn_set(struct dsn *dsn, enum dsn_role role, const char *value, size_t len);
/* What `dsn` does not say is as in `from`: PGHOST and its relatives for a command without -h. */
void dsn_default(struct dsn *dsn, const struct dsn *from);

#endif
