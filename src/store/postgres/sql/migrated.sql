-- migrated.sql - what Airlock keeps inside the migrated database of one side.
--
-- Run by the DBA (a superuser).  Repeatable.  Schema airlock belongs to the role airlock: guard,
-- marker, and the guarded effects.  Schema airlock_dba belongs to the DBA: the few things that only
-- a superuser may do, limited to Airlock's own two links.
--
-- A guarded effect is one function call = one transaction: lock the guard row at exactly
-- (attempt, phase), effect, commit.  So a controller that sleeps holds no lock, and one that wakes
-- late is refused with SQLSTATE AL001.

CREATE SCHEMA IF NOT EXISTS airlock;
CREATE SCHEMA IF NOT EXISTS airlock_dba;

CREATE TABLE IF NOT EXISTS airlock.guard (
	plan text NOT NULL,
	store text NOT NULL,
	attempt bigint NOT NULL DEFAULT 0,
	phase text NOT NULL DEFAULT 'idle' CHECK (phase IN
		('idle', 'held', 'commit', 'promote', 'revoke', 'aborted', 'turn', 'turned')),
	frozen boolean NOT NULL DEFAULT false,  -- DDL is refused
	shut_lsn pg_lsn,                        -- when this door was last proven shut
	barrier timestamptz,                    -- rewritten to make everything before it durable
	moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (plan, store)
);

-- What came later: the log of the audit slot was given up up to here, unaudited, since shut_lsn.
ALTER TABLE airlock.guard ADD COLUMN IF NOT EXISTS audit_gap pg_lsn;

-- What came later: functions whose EXECUTE was taken from PUBLIC for the early readers.
ALTER TABLE airlock.guard ADD COLUMN IF NOT EXISTS withheld text[] NOT NULL DEFAULT '{}';

-- Published on both sides; everything else of Airlock's is not.
CREATE TABLE IF NOT EXISTS airlock.marker (
	attempt bigint NOT NULL,
	side text NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (attempt, side)
);

CREATE OR REPLACE FUNCTION airlock.guard_move(p text, s text, fa bigint, fp text, ta bigint,
	tp text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
BEGIN
	UPDATE airlock.guard SET attempt = ta, phase = tp, moved_at = clock_timestamp()
	WHERE plan = p AND store = s AND attempt = fa AND phase = fp;
	RETURN FOUND;
END $$;

CREATE OR REPLACE FUNCTION airlock.guard_at(p text, s text, a bigint, ph text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
DECLARE
	g record;
BEGIN
	PERFORM FROM airlock.guard
	WHERE plan = p AND store = s AND attempt = a AND phase = ph FOR UPDATE;
	IF NOT FOUND THEN
		SELECT attempt, phase INTO g FROM airlock.guard WHERE plan = p AND store = s;
		RAISE EXCEPTION USING ERRCODE = 'AL001', MESSAGE =
			format('the guard stands at (%s, %s), not at (%s, %s)',
				g.attempt, g.phase, a, ph);
	END IF;
END $$;

-- The marker follows every commit that the proof let through; the shut position is read in the
-- same transaction, for the audit of stray writes.
CREATE OR REPLACE FUNCTION airlock.mark(p text, s text, a bigint, sd text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
BEGIN
	PERFORM airlock.guard_at(p, s, a, 'held');
	INSERT INTO airlock.marker (attempt, side) VALUES (a, sd) ON CONFLICT DO NOTHING;
	UPDATE airlock.guard SET shut_lsn = pg_current_wal_insert_lsn(), audit_gap = NULL
	WHERE plan = p AND store = s;
END $$;

-- Visible is not durable: apply commits asynchronously.  One synchronous commit of ours flushes
-- everything before it.
CREATE OR REPLACE FUNCTION airlock.barrier(p text, s text, a bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
BEGIN
	PERFORM airlock.guard_at(p, s, a, 'held');
	UPDATE airlock.guard SET barrier = clock_timestamp() WHERE plan = p AND store = s;
END $$;

CREATE OR REPLACE FUNCTION airlock.cut(p text, s text, a bigint, link text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
BEGIN
	PERFORM airlock.guard_at(p, s, a, 'held');
	PERFORM airlock_dba.link_set(link, false);
END $$;

-- ENABLE has two forms that share no code.  This one: an abort's cut link, never with an advance.
CREATE OR REPLACE FUNCTION airlock.relink(p text, s text, ga bigint, link text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
BEGIN
	PERFORM airlock.guard_at(p, s, ga, 'aborted');
	PERFORM airlock_dba.link_set(link, true);
END $$;

-- And this one: the way back, with the advance, exactly once per attempt.
CREATE OR REPLACE FUNCTION airlock.turn(p text, s text, a bigint, link text, wayback pg_lsn)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
DECLARE
	origin text;
BEGIN
	PERFORM FROM airlock.guard WHERE plan = p AND store = s AND attempt = a
		AND phase = 'turned' FOR UPDATE;
	IF FOUND THEN
		RETURN false;
	END IF;
	PERFORM airlock.guard_at(p, s, a, 'turn');
	SELECT 'pg_' || sub.oid INTO STRICT origin FROM pg_subscription sub
	JOIN pg_database d ON d.oid = sub.subdbid
	WHERE sub.subname = link AND d.datname = current_database();
	PERFORM pg_replication_origin_advance(origin, wayback);
	PERFORM airlock_dba.link_set(link, true);
	UPDATE airlock.guard SET phase = 'turned', moved_at = clock_timestamp()
	WHERE plan = p AND store = s;
	RETURN true;
END $$;

-- Moves sequences to or past the given values, never back; the margin follows the increment's
-- sign and is clamped.  A sequence that was never called stays fresh.
CREATE OR REPLACE FUNCTION airlock.setvals(p text, s text, a bigint, vals jsonb, margin bigint)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
DECLARE
	r record;
	q record;
	own_value bigint;
	own_called boolean;
	target numeric;
	moved bigint := 0;
BEGIN
	PERFORM airlock.guard_at(p, s, a, 'held');
	FOR r IN SELECT * FROM jsonb_to_recordset(vals) AS x(n text, v bigint, c boolean)
	LOOP
		SELECT seqrelid::regclass AS seq, seqincrement AS inc, seqmin AS lo, seqmax AS hi
		INTO STRICT q FROM pg_sequence WHERE seqrelid = r.n::regclass;
		EXECUTE format('SELECT last_value, is_called FROM %s', q.seq)
			INTO own_value, own_called;
		CONTINUE WHEN NOT r.c;
		target := r.v::numeric + q.inc::numeric * margin;
		IF q.inc > 0 THEN
			target := greatest(least(target, q.hi), r.v);
			CONTINUE WHEN own_called AND own_value >= target;
		ELSE
			target := least(greatest(target, q.lo), r.v);
			CONTINUE WHEN own_called AND own_value <= target;
		END IF;
		PERFORM setval(q.seq, target::bigint, true);
		moved := moved + 1;
	END LOOP;
	RETURN moved;
END $$;

-- One visit of an idle slot of a shut side: target taken under the guard's lock, at exactly the
-- pair that was read before the register.
CREATE OR REPLACE FUNCTION airlock.visit(p text, s text, ga bigint, gp text, slot name)
RETURNS pg_lsn
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
BEGIN
	IF gp NOT IN ('idle', 'aborted', 'turned') THEN
		RAISE EXCEPTION USING ERRCODE = 'AL001',
			MESSAGE = format('no slot is advanced while the guard is %s', gp);
	END IF;
	PERFORM airlock.guard_at(p, s, ga, gp);
	PERFORM pg_replication_slot_advance(slot, pg_current_wal_lsn());
	RETURN (SELECT restart_lsn FROM pg_replication_slots WHERE slot_name = slot);
END $$;

-- Local changes since the door was last proven shut, Airlock's own schemas apart, up to a position
-- (NULL: all).  Reads without consuming; what replication brought is not local.
CREATE OR REPLACE FUNCTION airlock.strays(p text, s text, slot name, upto pg_lsn)
RETURNS TABLE (what text, verb text, lsn pg_lsn)
LANGUAGE sql VOLATILE SET search_path = pg_catalog AS $$
	SELECT x.m[1], x.m[2], x.lsn
	FROM (SELECT c.lsn, regexp_match(c.data, '^table (.*?): (INSERT|UPDATE|DELETE|TRUNCATE):') AS m
	      FROM pg_logical_slot_peek_changes(slot, upto, NULL, 'only-local', '1',
		'skip-empty-xacts', '1', 'include-xids', '0') c) x
	WHERE x.m IS NOT NULL AND x.m[1] !~ '^airlock(_dba)?\.'
	AND x.lsn > coalesce((SELECT g.shut_lsn FROM airlock.guard g
		WHERE g.plan = p AND g.store = s), '0/0')
$$;

-- One visit of an audit slot, to `upto` at most, because the guard is locked meanwhile.  The open
-- side's is only brought forward.  The shut side's moves over what was peeked and found clean; what
-- is not clean stays, and is counted, unless `give_up`: then it moves on and the gap is remembered,
-- so that the alarm is dropped and not the disk.
CREATE OR REPLACE FUNCTION airlock.audit_visit(p text, s text, ga bigint, gp text, slot name,
	shut boolean, upto pg_lsn, give_up boolean) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
DECLARE
	target pg_lsn;
	changes bigint := 0;
BEGIN
	IF gp NOT IN ('idle', 'aborted', CASE WHEN shut THEN 'turned' ELSE 'promote' END) THEN
		RAISE EXCEPTION USING ERRCODE = 'AL001',
			MESSAGE = format('no slot is advanced while the guard is %s', gp);
	END IF;
	PERFORM airlock.guard_at(p, s, ga, gp);
	target := least(upto, pg_current_wal_lsn());
	IF shut THEN
		SELECT count(*) INTO changes FROM airlock.strays(p, s, slot, target);
	END IF;
	IF changes > 0 AND NOT give_up THEN
		RETURN changes;
	END IF;
	IF changes > 0 THEN
		UPDATE airlock.guard SET audit_gap = target WHERE plan = p AND store = s;
	END IF;
	PERFORM pg_replication_slot_advance(slot, target);
	RETURN changes;
END $$;

-- Every function of PostgreSQL's own that changes a large object and that PUBLIC may call.
CREATE OR REPLACE FUNCTION airlock_dba.large_object_writers() RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS
$$ SELECT ARRAY['lo_creat(integer)', 'lo_create(oid)', 'lo_from_bytea(oid,bytea)',
	'lo_put(oid,bigint,bytea)', 'lo_truncate(integer,integer)',
	'lo_truncate64(integer,bigint)', 'lo_unlink(oid)', 'lowrite(integer,bytea)'] $$;

-- What would let an early reader write in this database, each with the statement that takes it
-- away; no row is the proof that it can not.  By the catalogs alone: its own rights, those of PUBLIC
-- and those of every role that it is a member of, whether inherited or for SET ROLE.  Whatever is
-- not known to be harmless counts.  `early` leaves out what admission takes from PUBLIC by itself.
CREATE OR REPLACE FUNCTION airlock.early_rights(reader name, early boolean)
RETURNS TABLE (what text, fix text)
LANGUAGE sql VOLATILE SET search_path = pg_catalog AS $$
	WITH self AS (SELECT * FROM pg_roles WHERE rolname = reader),
	-- via: of which role it has to be no member any more, not to be this one.
	member AS (
		SELECT m.*, (SELECT quote_ident(d.rolname) FROM pg_auth_members a
		             JOIN pg_roles d ON d.oid = a.roleid
		             WHERE a.member = self.oid AND m.oid <> self.oid
		               AND pg_has_role(d.oid, m.oid, 'MEMBER') ORDER BY 1 LIMIT 1) AS via
		FROM pg_roles m, self WHERE pg_has_role(self.oid, m.oid, 'MEMBER')),
	grantee AS (SELECT oid, quote_ident(rolname) AS who, via FROM member
	            UNION ALL SELECT 0, 'PUBLIC', NULL),
	db AS (SELECT * FROM pg_database WHERE datname = current_database())
	SELECT f.what, coalesce('REVOKE ' || f.via || ' FROM ' || quote_ident(reader), f.fix) FROM (
	SELECT 1, NULL, 'there is no such role', format('CREATE ROLE %I LOGIN', reader)
	WHERE NOT EXISTS (SELECT FROM self)
	UNION ALL
	SELECT 2, NULL, 'it has no LOGIN', format('ALTER ROLE %I LOGIN', reader)
	FROM self WHERE NOT rolcanlogin
	UNION ALL
	SELECT 3, m.via, format('%s has %s', m.rolname, a.what),
	       format('ALTER ROLE %I NO%s', m.rolname, a.what)
	FROM member m, LATERAL (VALUES ('SUPERUSER', m.rolsuper), ('CREATEROLE', m.rolcreaterole),
		('REPLICATION', m.rolreplication)) AS a(what, has)
	WHERE a.has
	UNION ALL
	SELECT 4, m.via, format('it is a member of %s', m.rolname), ''
	FROM member m, self
	WHERE m.oid <> self.oid AND (m.rolname ~ '^airlock' OR m.rolname ~ '^pg_' AND m.rolname NOT IN
		('pg_read_all_data', 'pg_read_all_settings', 'pg_read_all_stats', 'pg_stat_scan_tables',
		 'pg_monitor'))
	UNION ALL
	SELECT 5, m.via, format('%s owns %s', m.rolname, pg_describe_object(o.classid, o.objid, o.objsubid)),
	       format('REASSIGN OWNED BY %I TO another role', m.rolname)
	FROM db, member m JOIN pg_shdepend o ON o.refobjid = m.oid
	WHERE o.refclassid = 'pg_authid'::regclass AND o.deptype = 'o'
	  AND (o.dbid = db.oid OR o.classid = 'pg_database'::regclass AND o.objid = db.oid)
	UNION ALL
	SELECT 6, g.via, format('%s has %s on database %s', g.who, a.privilege_type, db.datname),
	       format('REVOKE %s ON DATABASE %I FROM %s', a.privilege_type, db.datname, g.who)
	FROM db, aclexplode(coalesce(db.datacl, acldefault('d', db.datdba))) a
	     JOIN grantee g ON g.oid = a.grantee
	WHERE (a.privilege_type <> 'CONNECT' OR a.is_grantable)
	  AND NOT (early AND a.grantee = 0 AND a.privilege_type = 'TEMPORARY')
	UNION ALL
	SELECT 7, g.via, format('%s has %s on schema %s', g.who, a.privilege_type, n.nspname),
	       format('REVOKE %s ON SCHEMA %I FROM %s', a.privilege_type, n.nspname, g.who)
	FROM pg_namespace n, aclexplode(n.nspacl) a JOIN grantee g ON g.oid = a.grantee
	WHERE a.privilege_type <> 'USAGE' OR a.is_grantable
	UNION ALL
	SELECT 8, g.via, format('%s has %s on %s', g.who, a.privilege_type, c.oid::regclass),
	       format('REVOKE %s ON %s %s FROM %s', a.privilege_type,
	              CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass, g.who)
	FROM pg_class c, aclexplode(c.relacl) a JOIN grantee g ON g.oid = a.grantee
	WHERE (a.privilege_type <> 'SELECT' OR a.is_grantable) AND c.oid <> 'pg_settings'::regclass
	UNION ALL
	SELECT 9, g.via, format('%s has %s on column %s of %s', g.who, a.privilege_type, t.attname,
	              t.attrelid::regclass),
	       format('REVOKE %s (%I) ON TABLE %s FROM %s', a.privilege_type, t.attname,
	              t.attrelid::regclass, g.who)
	FROM pg_attribute t, aclexplode(t.attacl) a JOIN grantee g ON g.oid = a.grantee
	WHERE a.privilege_type <> 'SELECT' OR a.is_grantable
	UNION ALL
	-- Whoever owns it, and whatever it says it does: STABLE binds its own statements only.
	SELECT 10, g.via, format('%s may call %s with the rights of its owner %s', g.who,
	              f.oid::regprocedure, pg_get_userbyid(f.proowner)),
	       format('REVOKE EXECUTE ON ROUTINE %s FROM %s', f.oid::regprocedure, g.who)
	FROM pg_proc f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a
	     JOIN grantee g ON g.oid = a.grantee
	WHERE f.prosecdef AND f.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
	UNION ALL
	SELECT 11, g.via, format('%s may call %s', g.who, f.oid::regprocedure),
	       format('REVOKE EXECUTE ON FUNCTION %s FROM %s', f.oid::regprocedure, g.who)
	FROM pg_proc f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a
	     JOIN grantee g ON g.oid = a.grantee
	WHERE f.oid::regprocedure::text = ANY (airlock_dba.large_object_writers())
	  AND NOT (early AND a.grantee = 0)
	) AS f(rank, via, what, fix) ORDER BY f.rank, f.what
$$;

-- The early readers' door needs PUBLIC to be without these; what was taken is remembered.
CREATE OR REPLACE FUNCTION airlock.early_withhold(p text, s text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
DECLARE
	taken text[];
BEGIN
	PERFORM FROM airlock.guard WHERE plan = p AND store = s FOR UPDATE;
	taken := airlock_dba.large_objects_withhold();
	IF cardinality(taken) > 0 THEN
		UPDATE airlock.guard SET withheld = withheld || taken WHERE plan = p AND store = s;
	END IF;
END $$;

CREATE OR REPLACE FUNCTION airlock.early_give_back(p text, s text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
DECLARE
	taken text[];
BEGIN
	SELECT withheld INTO taken FROM airlock.guard WHERE plan = p AND store = s FOR UPDATE;
	IF cardinality(taken) > 0 THEN
		PERFORM airlock_dba.large_objects_give_back(taken);
		UPDATE airlock.guard SET withheld = '{}' WHERE plan = p AND store = s;
	END IF;
END $$;

-- --- the DBA's part ------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION airlock_dba.link_check(link text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS $$
BEGIN
	IF link !~ '^airlock_[fr]_[0-9a-f]{8}$' THEN
		RAISE EXCEPTION USING ERRCODE = '42501',
			MESSAGE = format('%s is not a link of Airlock''s', link);
	END IF;
END $$;

CREATE OR REPLACE FUNCTION airlock_dba.link_create(link text, conninfo text, enabled boolean,
	copy boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM airlock_dba.link_check(link);
	EXECUTE format('CREATE SUBSCRIPTION %I CONNECTION %L PUBLICATION %I WITH (connect = true,'
		' create_slot = false, slot_name = %L, enabled = %s, copy_data = %s)',
		link, conninfo, link, link, enabled::text, copy::text);
END $$;

CREATE OR REPLACE FUNCTION airlock_dba.link_set(link text, enabled boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM airlock_dba.link_check(link);
	EXECUTE format('ALTER SUBSCRIPTION %I %s', link,
		CASE WHEN enabled THEN 'ENABLE' ELSE 'DISABLE' END);
END $$;

-- The slot is dropped on the publisher by its own call, so the link lets go of it first.
CREATE OR REPLACE FUNCTION airlock_dba.link_drop(link text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM airlock_dba.link_check(link);
	IF EXISTS (SELECT FROM pg_subscription sub JOIN pg_database d ON d.oid = sub.subdbid
	           WHERE sub.subname = link AND d.datname = current_database()) THEN
		EXECUTE format('ALTER SUBSCRIPTION %I DISABLE', link);
		EXECUTE format('ALTER SUBSCRIPTION %I SET (slot_name = NONE)', link);
		EXECUTE format('DROP SUBSCRIPTION %I', link);
	END IF;
END $$;

-- EXECUTE on the functions that write large objects, taken from PUBLIC and given back.
CREATE OR REPLACE FUNCTION airlock_dba.large_objects_withhold() RETURNS text[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	taken text[];
	f text;
BEGIN
	taken := ARRAY(SELECT o.oid::regprocedure::text
	               FROM pg_proc o, aclexplode(coalesce(o.proacl, acldefault('f', o.proowner))) a
	               WHERE o.oid::regprocedure::text = ANY (airlock_dba.large_object_writers())
	                 AND a.grantee = 0);
	FOREACH f IN ARRAY taken LOOP
		EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f::regprocedure);
	END LOOP;
	RETURN taken;
END $$;

CREATE OR REPLACE FUNCTION airlock_dba.large_objects_give_back(taken text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	f text;
BEGIN
	FOR f IN SELECT unnest(taken) INTERSECT SELECT unnest(airlock_dba.large_object_writers()) LOOP
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO PUBLIC', f::regprocedure);
	END LOOP;
END $$;

-- The DDL freeze.  Temporary objects, Airlock's own sessions, and its schemas (a repeated
-- init-roles) are exempt.
CREATE OR REPLACE FUNCTION airlock_dba.freeze() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	what text;
BEGIN
	IF session_user IN ('airlock', 'airlock_repl')
	   OR NOT EXISTS (SELECT FROM airlock.guard WHERE frozen) THEN
		RETURN;
	END IF;
	IF TG_EVENT = 'sql_drop' THEN
		SELECT object_identity INTO what FROM pg_event_trigger_dropped_objects()
		WHERE original AND NOT is_temporary
		  AND coalesce(schema_name, object_identity) NOT IN ('airlock', 'airlock_dba') LIMIT 1;
	ELSE
		SELECT coalesce(object_identity, TG_TAG) INTO what
		FROM pg_event_trigger_ddl_commands()
		WHERE coalesce(schema_name, '') !~ '^pg_temp'
		  AND coalesce(schema_name, object_identity) NOT IN ('airlock', 'airlock_dba') LIMIT 1;
	END IF;
	IF what IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = '55006', MESSAGE =
			format('%s of %s: the schema is frozen while Airlock moves this database',
				TG_TAG, what),
			HINT = 'Wait until the migration is finalized, or abandon it.';
	END IF;
END $$;

DROP EVENT TRIGGER IF EXISTS airlock_freeze;
DROP EVENT TRIGGER IF EXISTS airlock_freeze_drop;
CREATE EVENT TRIGGER airlock_freeze ON ddl_command_end
	WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO',
		'ALTER SEQUENCE', 'CREATE SEQUENCE', 'ALTER TYPE', 'CREATE TYPE', 'CREATE DOMAIN',
		'ALTER DOMAIN', 'CREATE INDEX', 'CREATE TRIGGER', 'CREATE RULE', 'CREATE FUNCTION',
		'ALTER FUNCTION', 'CREATE SCHEMA', 'ALTER SCHEMA', 'CREATE EXTENSION',
		'ALTER EXTENSION', 'CREATE VIEW', 'ALTER VIEW', 'CREATE MATERIALIZED VIEW',
		'CREATE POLICY', 'ALTER POLICY')
	EXECUTE FUNCTION airlock_dba.freeze();
CREATE EVENT TRIGGER airlock_freeze_drop ON sql_drop EXECUTE FUNCTION airlock_dba.freeze();

REVOKE ALL ON SCHEMA airlock, airlock_dba FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA airlock, airlock_dba FROM PUBLIC;
GRANT USAGE ON SCHEMA airlock_dba TO airlock;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA airlock_dba TO airlock;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_replication_origin_advance(text, pg_lsn) TO airlock;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_show_replication_origin_status() TO airlock;
DO $$
DECLARE
	f regprocedure;
	o name;
BEGIN
	ALTER SCHEMA airlock OWNER TO airlock;
	ALTER TABLE airlock.guard OWNER TO airlock;
	ALTER TABLE airlock.marker OWNER TO airlock;
	FOR f IN SELECT oid::regprocedure FROM pg_proc
	         WHERE pronamespace = 'airlock'::regnamespace
	LOOP
		EXECUTE format('ALTER FUNCTION %s OWNER TO airlock', f);
	END LOOP;
	-- Publishing a table and setting a sequence take its owner's rights.
	FOR o IN SELECT DISTINCT r.rolname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
	         WHERE c.relkind IN ('r', 'p', 'S') AND NOT r.rolsuper AND r.rolname <> 'airlock'
	           AND c.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
	LOOP
		EXECUTE format('GRANT %I TO airlock', o);
	END LOOP;
	-- pg_read_all_data came with 14.
	IF current_setting('server_version_num')::int < 140000 THEN
		FOR o IN SELECT nspname FROM pg_namespace
		         WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
		LOOP
			EXECUTE format('GRANT USAGE ON SCHEMA %I TO airlock, airlock_repl', o);
			EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO airlock, airlock_repl', o);
		END LOOP;
	END IF;
END $$;
