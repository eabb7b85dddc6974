/*
 * hazards_sql.h - the pieces that the statements of hazards.def share.
 *
 * Every statement returns three columns: (object, detail, remedy) where it looks at one side, with
 * a NULL remedy for the row's own; (object, value, parent) where it compares.  There a NULL value
 * only says that the object exists, so that a part of a table that the other side does not have at
 * all is not reported beside the table.
 *
 * @name@ is replaced by a quoted literal, see hazards.c.
 */
#ifndef AIRLOCK_STORE_POSTGRES_HAZARDS_SQL_H
#define AIRLOCK_STORE_POSTGRES_HAZARDS_SQL_H

#define NAMESPACE                                                                                  \
	"n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"                                \
	" and n.nspname <> all (@schemas@::name[])"

#define NO_EXTENSION(class, oid)                                                                   \
	"not exists (select from pg_depend d where d.classid = '" class "'::regclass"              \
									" and d.objid = " oid      \
									" and d.deptype = 'e')"

/* The application's relations; what an extension brought moves with the extension. */
#define REL                                                                                        \
	"rel as (select c.*, n.nspname, format('%I.%I', n.nspname, c.relname) as object"           \
	" from pg_class c join pg_namespace n on n.oid = c.relnamespace"                           \
	" where " NAMESPACE " and " NO_EXTENSION("pg_class", "c.oid") ")"
#define WITH_REL "with " REL " "

/* What logical replication carries: ordinary tables and leaves of partitioned ones. */
#define PUBLISHED "relkind = 'r' and relpersistence = 'p'"
#define TABLES "relkind in ('r', 'p')"
#define PARENTS " union all select object, null, null from rel where relkind in ('r', 'p')"

#define THIS_DATABASE "(select oid from pg_database where datname = current_database())"

/* Roles that this database has to do with: owners, grantees, those with settings for it, those the
 * plan names, and all their members. */
#define ROLE                                                                                       \
	"used(oid) as ("                                                                           \
	"select refobjid from pg_shdepend where refclassid = 'pg_authid'::regclass"                \
	"  and (dbid = " THIS_DATABASE " or (dbid = 0 and classid = 'pg_database'::regclass"       \
	"  and objid = " THIS_DATABASE "))"                                                        \
	" union select datdba from pg_database where datname = current_database()"                 \
	" union select setrole from pg_db_role_setting"                                            \
	"  where setdatabase = " THIS_DATABASE " and setrole <> 0"                                 \
	" union select oid from pg_roles where rolname ~ any (@app_users@::text[])"                \
	" union select m.member from pg_auth_members m join used on used.oid = m.roleid),"         \
	" role as (select r.* from pg_roles r join used using (oid)"                               \
	"  where r.rolname !~ '^pg_' and r.oid <> 10 and r.rolname <> all (@roles@::name[]))"
#define WITH_ROLE "with recursive " ROLE " "

/* Who holds what on `what`; the parent is what has to be there on the other side first. */
#define ACL_ROWS(what, parent, kind, acl, owner, from)                                             \
	"select " what " || ' to ' || coalesce(quote_ident(g.rolname), 'PUBLIC'),"                 \
	" string_agg(a.privilege_type || case when a.is_grantable then '*' else '' end, ' '"       \
	"  order by a.privilege_type), min(" parent ")"                                            \
	" from " from " cross join aclexplode(coalesce(" acl ", acldefault(" kind ", " owner ")))" \
	" a left join pg_roles g on g.oid = a.grantee"                                             \
	" where a.privilege_type not in ('CONNECT', 'MAINTAIN')"                                   \
	"  and coalesce(g.rolname, '') <> all (@roles@::name[]) group by 1"

#define CLIENTS "backend_type = 'client backend' and pid <> pg_backend_pid()"

#endif
