-- control.sql - the register of one side, in that side's own control database `airlock`.
--
-- Run as the role airlock (or a superuser: everything is handed to airlock at the end).  Repeatable.
-- Every move is one function call = one transaction: compare-and-swap of the register row and the
-- change of admission commit together or not at all (law 1, decision "registers").

CREATE SCHEMA IF NOT EXISTS airlock;

CREATE TABLE IF NOT EXISTS airlock.register (
	plan text NOT NULL,
	store text NOT NULL,
	side text NOT NULL CHECK (side IN ('old', 'new')),
	dbname name NOT NULL,                  -- the migrated database of this side
	state text NOT NULL CHECK (state IN ('ACTIVE', 'SEALED', 'COMMITTING', 'STANDBY')),
	attempt bigint NOT NULL DEFAULT 0,     -- the newest that moved this register
	epoch bigint NOT NULL DEFAULT 0,       -- grows with every opening; 0 = never open
	revoked bigint NOT NULL DEFAULT 0,     -- attempts up to this one cannot open this side
	promoted bigint NOT NULL DEFAULT 0,    -- at which this side was last promoted
	wayback pg_lsn,                        -- fixed by that PROMOTE, before the first new write
	undo jsonb,                            -- admission as it was, while the door is shut
	deadline timestamptz,                  -- of the hold; only in SEALED
	plan_hash text NOT NULL DEFAULT '',
	system_identifier text NOT NULL DEFAULT '',
	enrolled timestamptz NOT NULL DEFAULT clock_timestamp(),
	finalized timestamptz,
	moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	moved_by text NOT NULL DEFAULT '',
	PRIMARY KEY (plan, store, side)
);

-- What came later: roles that read this side before it is promoted (the plan's early_reader).
ALTER TABLE airlock.register ADD COLUMN IF NOT EXISTS readers name[] NOT NULL DEFAULT '{}';

-- Roles that keep CONNECT while a door is shut, so that a restarted controller, verify and audit
-- still enter.  The gateway's role is not among them: it has CONNECT on control databases only.
CREATE OR REPLACE FUNCTION airlock.ours() RETURNS name[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS
$$ SELECT ARRAY['airlock', 'airlock_repl']::name[] $$;

-- Early readers of a database whose door is shut, as long as none of them can become somebody who
-- writes: one that can is a client like any other, and then the door reads open.  What they may do
-- with the tables only the migrated database knows: airlock.early_rights there.
CREATE OR REPLACE FUNCTION airlock.early(db name) RETURNS name[]
LANGUAGE sql VOLATILE SET search_path = pg_catalog AS $$
	SELECT coalesce(array_agg(r.rolname), '{}')
	FROM airlock.register g, pg_database d, pg_roles r
	WHERE g.dbname = db AND d.datname = db AND g.state = 'STANDBY' AND r.rolname = ANY (g.readers)
	  AND NOT EXISTS (SELECT FROM pg_roles m
		WHERE pg_has_role(r.oid, m.oid, 'MEMBER')
		  AND (m.rolsuper OR m.rolcreaterole OR m.rolreplication OR m.oid = d.datdba
		       OR m.rolname ~ '^airlock'
		       OR m.rolname ~ '^pg_' AND m.rolname NOT IN ('pg_read_all_data',
			'pg_read_all_settings', 'pg_read_all_stats', 'pg_stat_scan_tables',
			'pg_monitor')))
$$;

-- Observed, not assumed: may any client role enter?  Superusers cannot be fenced and are not asked.
CREATE OR REPLACE FUNCTION airlock.is_open(db name) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
DECLARE
	exempt name[] := airlock.ours() || airlock.early(db);
BEGIN
	RETURN EXISTS (
		SELECT FROM pg_roles r, pg_database d
		WHERE d.datname = db AND r.rolcanlogin AND NOT r.rolsuper
		  AND r.rolname <> ALL (exempt)
		  AND has_database_privilege(r.oid, d.oid, 'CONNECT'));
END $$;

-- Revokes CONNECT from PUBLIC and every grantee, the owner included, and returns what it took.
-- Chains of grants (a grantor that is not the owner) are refused by the preflight.
CREATE OR REPLACE FUNCTION airlock.admission_close(db name) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
DECLARE
	undo jsonb := '[]';
	r record;
BEGIN
	FOR r IN
		SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(g.rolname) END AS who,
		       bool_or(a.is_grantable) AS option
		FROM pg_database d,
		     aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
		     LEFT JOIN pg_roles g ON g.oid = a.grantee
		WHERE d.datname = db AND a.privilege_type = 'CONNECT' AND a.grantor = d.datdba
		  AND coalesce(g.rolname, '') <> ALL (airlock.ours())
		GROUP BY 1
	LOOP
		undo := undo || jsonb_build_object('who', r.who, 'option', r.option);
		EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM %s CASCADE', db, r.who);
	END LOOP;
	RETURN undo;
END $$;

CREATE OR REPLACE FUNCTION airlock.admission_open(db name, undo jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT * FROM jsonb_to_recordset(coalesce(undo, '[]'))
	         AS x(who text, option boolean, privilege text, take boolean)
	LOOP
		IF r.take THEN
			EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM %s', db, r.who);
		ELSE
			EXECUTE format('GRANT %s ON DATABASE %I TO %s%s', coalesce(r.privilege, 'CONNECT'),
				db, r.who, CASE WHEN r.option THEN ' WITH GRANT OPTION' ELSE '' END);
		END IF;
	END LOOP;
END $$;

DROP FUNCTION IF EXISTS airlock.see(text, text, text);
-- One look at the register.  Volatile, so that it sees the move made before it in one statement.
CREATE OR REPLACE FUNCTION airlock.see(p text, s text, sd text,
	OUT state text, OUT attempt bigint, OUT epoch bigint, OUT revoked bigint,
	OUT promoted bigint, OUT wayback bigint, OUT left_ms bigint, OUT open boolean,
	OUT final boolean)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
BEGIN
	SELECT r.state, r.attempt, r.epoch, r.revoked, r.promoted,
	       coalesce(r.wayback - '0/0'::pg_lsn, 0)::bigint,
	       coalesce(extract(epoch FROM r.deadline - clock_timestamp()) * 1000, 0)::bigint,
	       airlock.is_open(r.dbname), r.finalized IS NOT NULL
	INTO state, attempt, epoch, revoked, promoted, wayback, left_ms, open, final
	FROM airlock.register r WHERE r.plan = p AND r.store = s AND r.side = sd;
	state := coalesce(state, 'ABSENT');
END $$;

CREATE OR REPLACE FUNCTION airlock.seal(p text, s text, sd text, a bigint, hold_ms bigint,
	hash text, who text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
DECLARE
	db name;
BEGIN
	UPDATE airlock.register r
	SET state = 'SEALED', attempt = a, plan_hash = hash, moved_by = who,
	    deadline = clock_timestamp() + hold_ms * interval '1 millisecond',
	    moved_at = clock_timestamp()
	WHERE plan = p AND store = s AND side = sd AND state = 'ACTIVE' AND attempt < a
	  AND finalized IS NULL
	RETURNING dbname INTO db;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	UPDATE airlock.register SET undo = airlock.admission_close(db)
	WHERE plan = p AND store = s AND side = sd;
	RETURN true;
END $$;

-- The owner can grant himself back from another database, so the ACL is read again; and the hold's
-- deadline on this side's own clock must be far enough away.
CREATE OR REPLACE FUNCTION airlock.commit(p text, s text, sd text, a bigint, min_left_ms bigint,
	who text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
BEGIN
	UPDATE airlock.register
	SET state = 'COMMITTING', deadline = NULL, moved_at = clock_timestamp(), moved_by = who
	WHERE plan = p AND store = s AND side = sd AND state = 'SEALED' AND attempt = a
	  AND deadline > clock_timestamp() + min_left_ms * interval '1 millisecond'
	  AND NOT airlock.is_open(dbname);
	RETURN FOUND;
END $$;

-- The write-once answer yes.  The way-back position is evaluated inside the statement that opens:
-- read earlier it can lie beyond the end of the log after a crash.
CREATE OR REPLACE FUNCTION airlock.promote(p text, s text, sd text, a bigint, e bigint,
	hash text, who text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
DECLARE
	db name;
	saved jsonb;
BEGIN
	UPDATE airlock.register r
	SET state = 'ACTIVE', attempt = a, promoted = a, epoch = greatest(r.epoch + 1, e),
	    wayback = pg_current_wal_insert_lsn(), plan_hash = hash,
	    moved_at = clock_timestamp(), moved_by = who
	WHERE plan = p AND store = s AND side = sd AND state = 'STANDBY' AND revoked < a
	  AND attempt < a AND finalized IS NULL
	RETURNING dbname, r.undo INTO db, saved;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	PERFORM airlock.admission_open(db, saved);
	UPDATE airlock.register SET undo = NULL, readers = '{}'
	WHERE plan = p AND store = s AND side = sd;
	RETURN true;
END $$;

-- The write-once answer no.
CREATE OR REPLACE FUNCTION airlock.revoke(p text, s text, sd text, a bigint, who text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
BEGIN
	UPDATE airlock.register
	SET revoked = greatest(revoked, a), moved_at = clock_timestamp(), moved_by = who
	WHERE plan = p AND store = s AND side = sd AND state = 'STANDBY' AND promoted < a;
	RETURN FOUND;
END $$;

CREATE OR REPLACE FUNCTION airlock.retire(p text, s text, sd text, a bigint, who text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
BEGIN
	UPDATE airlock.register
	SET state = 'STANDBY', revoked = greatest(revoked, a), deadline = NULL,
	    moved_at = clock_timestamp(), moved_by = who
	WHERE plan = p AND store = s AND side = sd AND state = 'COMMITTING' AND attempt = a;
	RETURN FOUND;
END $$;

-- Only from the state that the caller has seen: between its look and this, another controller may
-- have committed.  From COMMITTING the caller must have the other side's "no" (REVOKE).
CREATE OR REPLACE FUNCTION airlock.reopen(p text, s text, sd text, a bigint, seen text, who text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
DECLARE
	db name;
	saved jsonb;
BEGIN
	UPDATE airlock.register r
	SET state = 'ACTIVE', epoch = r.epoch + 2, deadline = NULL,
	    moved_at = clock_timestamp(), moved_by = who
	WHERE plan = p AND store = s AND side = sd AND state = seen
	  AND state IN ('SEALED', 'COMMITTING') AND attempt = a
	RETURNING dbname, r.undo INTO db, saved;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	PERFORM airlock.admission_open(db, saved);
	UPDATE airlock.register SET undo = NULL WHERE plan = p AND store = s AND side = sd;
	RETURN true;
END $$;

-- Law 6: the one move that is not a controller's.  Runs with airlock's rights, for the gateway.
CREATE OR REPLACE FUNCTION airlock.abort_if_expired(p text, s text, sd text, a bigint)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM FROM airlock.register
	WHERE plan = p AND store = s AND side = sd AND state = 'SEALED' AND attempt = a
	  AND deadline <= clock_timestamp()
	FOR UPDATE;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	RETURN airlock.reopen(p, s, sd, a, 'SEALED', 'deadline');
END $$;

-- `sync`: this side becomes known.  The open side keeps its admission, the other is shut at once.
CREATE OR REPLACE FUNCTION airlock.enroll(p text, s text, sd text, db name, is_open boolean,
	hash text, who text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
BEGIN
	INSERT INTO airlock.register (plan, store, side, dbname, state, epoch, plan_hash,
		moved_by, system_identifier, undo)
	SELECT p, s, sd, db, CASE WHEN is_open THEN 'ACTIVE' ELSE 'STANDBY' END, is_open::int, hash, who,
	       (SELECT system_identifier::text FROM pg_control_system()),
	       CASE WHEN is_open THEN NULL ELSE airlock.admission_close(db) END
	WHERE NOT EXISTS (SELECT FROM airlock.register
	                  WHERE plan = p AND store = s AND side = sd);
	RETURN FOUND;
END $$;

-- `abandon`: this side is forgotten; admission is given back as it was saved.
CREATE OR REPLACE FUNCTION airlock.forget(p text, s text, sd text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
DECLARE
	db name;
	saved jsonb;
BEGIN
	DELETE FROM airlock.register r
	WHERE plan = p AND store = s AND side = sd AND state IN ('ACTIVE', 'STANDBY')
	RETURNING dbname, r.undo INTO db, saved;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	PERFORM airlock.admission_open(db, saved);
	RETURN true;
END $$;

-- `finalize`: the register stays, and no attempt can begin from it any more.
CREATE OR REPLACE FUNCTION airlock.finalize(p text, s text, sd text, who text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
BEGIN
	UPDATE airlock.register
	SET finalized = coalesce(finalized, clock_timestamp()), moved_at = clock_timestamp(),
	    moved_by = who
	WHERE plan = p AND store = s AND side = sd AND state IN ('ACTIVE', 'STANDBY');
	RETURN FOUND;
END $$;

-- `declare SIDE lost`: a person vouches that the other side will never serve again, so this side
-- may open without its answer.
CREATE OR REPLACE FUNCTION airlock.open_alone(p text, s text, sd text, a bigint, who text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
DECLARE
	db name;
	saved jsonb;
BEGIN
	UPDATE airlock.register r
	SET state = 'ACTIVE', epoch = r.epoch + 2, attempt = greatest(attempt, a),
	    deadline = NULL, finalized = clock_timestamp(), moved_at = clock_timestamp(),
	    moved_by = who
	WHERE plan = p AND store = s AND side = sd AND state <> 'ACTIVE'
	RETURNING dbname, r.undo INTO db, saved;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	PERFORM airlock.admission_open(db, saved);
	UPDATE airlock.register SET undo = NULL, readers = '{}'
	WHERE plan = p AND store = s AND side = sd;
	RETURN true;
END $$;

-- The early readers of the shut new side are exactly these from now on.  Each has CONNECT of its
-- own, and nobody TEMPORARY from PUBLIC; the saved admission says how that is taken back when the
-- door opens.  A reader that had no CONNECT before keeps it then, since it works there.  Fails as a
-- whole where others would come in with them.  `dismissed`: whose sessions are to be ended.
CREATE OR REPLACE FUNCTION airlock.early_admit(p text, s text, roles name[],
	OUT done boolean, OUT dismissed name[])
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
DECLARE
	g airlock.register;
	r name;
BEGIN
	SELECT * INTO g FROM airlock.register
	WHERE plan = p AND store = s AND side = 'new' AND state = 'STANDBY' FOR UPDATE;
	done := FOUND;
	dismissed := ARRAY(SELECT unnest(g.readers) EXCEPT SELECT unnest(roles));
	IF NOT done THEN
		RETURN;
	END IF;
	FOREACH r IN ARRAY dismissed LOOP
		EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM %I', g.dbname, r);
		g.undo := (SELECT coalesce(jsonb_agg(x), '[]') FROM jsonb_array_elements(g.undo) x
		           WHERE NOT (x ? 'take' AND x->>'who' = quote_ident(r)));
	END LOOP;
	FOR r IN SELECT unnest(roles) EXCEPT SELECT unnest(g.readers) LOOP
		EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', g.dbname, r);
		IF NOT EXISTS (SELECT FROM jsonb_array_elements(g.undo) x
		               WHERE x->>'who' = quote_ident(r)) THEN
			g.undo := g.undo || jsonb_build_object('who', quote_ident(r), 'take',
				g.undo @> '[{"who": "PUBLIC", "option": false}]');
		END IF;
	END LOOP;
	IF cardinality(roles) > 0 AND EXISTS (
		SELECT FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
		WHERE d.datname = g.dbname AND a.grantee = 0 AND a.privilege_type = 'TEMPORARY') THEN
		EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', g.dbname);
		g.undo := g.undo || '{"who": "PUBLIC", "privilege": "TEMPORARY"}';
	END IF;
	UPDATE airlock.register SET readers = roles, undo = g.undo
	WHERE plan = p AND store = s AND side = 'new';
	IF airlock.is_open(g.dbname) THEN
		RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format(
			'with CONNECT for the early readers %s may enter %s, which is shut',
			(SELECT string_agg(r.rolname, ', ' ORDER BY r.rolname) FROM pg_roles r
			 WHERE r.rolcanlogin AND NOT r.rolsuper
			   AND r.rolname <> ALL (airlock.ours() || airlock.early(g.dbname))
			   AND has_database_privilege(r.oid, g.dbname, 'CONNECT')), g.dbname),
			HINT = 'Take away the memberships that let them in.';
	END IF;
END $$;

REVOKE ALL ON SCHEMA airlock FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA airlock FROM PUBLIC;
DO $$
DECLARE
	f regprocedure;
BEGIN
	ALTER SCHEMA airlock OWNER TO airlock;
	ALTER TABLE airlock.register OWNER TO airlock;
	FOR f IN SELECT oid::regprocedure FROM pg_proc
	         WHERE pronamespace = 'airlock'::regnamespace
	LOOP
		EXECUTE format('ALTER FUNCTION %s OWNER TO airlock', f);
	END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_control_system() TO airlock;
