-- gateway.sql - what a gateway may ask in the control database of one side: four functions, and
-- nothing else of Airlock's or of anybody's; and what `airlock check` asks of the gateway's file.
--
-- Run by the DBA (a superuser), after control.sql.  Repeatable.  The verifier's function belongs to
-- the DBA, because only a superuser reads pg_authid; the others belong to airlock.  Each has a
-- pinned search_path and runs with its owner's rights, so the gateway's role needs none of its own.

CREATE SCHEMA IF NOT EXISTS airlock_dba;

-- The register, as far as a door is concerned.  A server that takes no writes opens nothing.
CREATE OR REPLACE FUNCTION airlock.door(p text, s text, sd text,
	OUT state text, OUT attempt bigint, OUT epoch bigint, OUT promoted bigint,
	OUT revoked bigint, OUT left_ms bigint, OUT writable boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	SELECT r.state, r.attempt, r.epoch, r.promoted, r.revoked,
	       coalesce(extract(epoch FROM r.deadline - clock_timestamp()) * 1000, 0)::bigint
	INTO state, attempt, epoch, promoted, revoked, left_ms
	FROM airlock.register r WHERE r.plan = p AND r.store = s AND r.side = sd;
	state := coalesce(state, 'ABSENT');
	writable := NOT pg_is_in_recovery();
END $$;

-- Who stands in the way: sessions of the migrated database, by the pids that the gateway knows.
CREATE OR REPLACE FUNCTION airlock.sessions(p text, s text, sd text, pids integer[])
RETURNS TABLE (pid integer, usename text, application text, state text, age_ms bigint, query text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN QUERY
	SELECT a.pid, a.usename::text, a.application_name, coalesce(a.state, ''),
	       coalesce(extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.query_start))
	                * 1000, 0)::bigint,
	       left(a.query, 200)
	FROM pg_stat_activity a, airlock.register r
	WHERE r.plan = p AND r.store = s AND r.side = sd AND a.datname = r.dbname
	  AND a.pid = ANY (pids);
END $$;

-- Of client roles only: superusers cannot be fenced and so do not come through a gateway, and
-- Airlock's own roles have no business there.
CREATE OR REPLACE FUNCTION airlock_dba.verifier(who text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN (SELECT a.rolpassword FROM pg_authid a
	        WHERE a.rolname = who AND a.rolcanlogin AND NOT a.rolsuper
	          AND a.rolname NOT IN ('airlock', 'airlock_repl', 'airlock_gateway')
	          AND a.rolpassword LIKE 'SCRAM-SHA-256$%'
	          AND coalesce(a.rolvaliduntil, 'infinity') > now());
END $$;

-- Is this the sha256 sum of the stored password of that role?  NULL: it is none that may come through
-- a gateway.  Whoever asks learns nothing that he does not hold already.
CREATE OR REPLACE FUNCTION airlock_dba.holds(who text, digest text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT encode(sha256(convert_to(airlock_dba.verifier(who), 'UTF8')), 'hex') = digest
$$;

ALTER FUNCTION airlock.door(text, text, text) OWNER TO airlock;
ALTER FUNCTION airlock.sessions(text, text, text, integer[]) OWNER TO airlock;
REVOKE ALL ON SCHEMA airlock_dba FROM PUBLIC;
REVOKE ALL ON FUNCTION airlock.door(text, text, text),
	airlock.sessions(text, text, text, integer[]), airlock_dba.verifier(text),
	airlock_dba.holds(text, text) FROM PUBLIC;

GRANT USAGE ON SCHEMA airlock, airlock_dba TO airlock_gateway;
GRANT EXECUTE ON FUNCTION airlock.door(text, text, text),
	airlock.sessions(text, text, text, integer[]),
	airlock.abort_if_expired(text, text, text, bigint),
	airlock_dba.verifier(text) TO airlock_gateway;
GRANT USAGE ON SCHEMA airlock_dba TO airlock;
GRANT EXECUTE ON FUNCTION airlock_dba.holds(text, text) TO airlock;
