/*
 * sql.h - the SQL that init-roles installs, embedded from the .sql files.  Both are repeatable.
 */
#ifndef AIRLOCK_STORE_POSTGRES_SQL_H
#define AIRLOCK_STORE_POSTGRES_SQL_H

extern const char sql_control[];  /* for the control database `airlock` */
extern const char sql_gateway[];  /* for the control database, as the DBA */
extern const char sql_migrated[]; /* for the migrated database, as the DBA */

#endif
