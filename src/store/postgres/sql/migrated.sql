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
