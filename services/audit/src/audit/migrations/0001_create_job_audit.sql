-- Create the record of manual actions: append-only, hash-chained, one row for each action.
--
-- What protects it, from the outside in:
--   1. UPDATE, DELETE and TRUNCATE are revoked from everybody, the owner included.
--   2. Triggers refuse all three, also for superusers and for sessions that replay replication (ENABLE ALWAYS).
--   3. Each row's hash covers its predecessor's (see ledger.py). Who owns the table can still drop or disable a trigger;
--      what he changes, removes or reorders afterwards is found by VerifyChain. Only the removal of the newest rows needs
--      a witness: the head that VerifyChain answers and the service logs at each append.
-- In production the service's role should own nothing: run `python -m audit migrate` as the owner, set AUDIT_MIGRATE=false
-- and grant the service's role SELECT and INSERT on job_audit and SELECT on job_audit_migration.

CREATE TABLE job_audit (
    id bigint PRIMARY KEY CHECK (id > 0), -- place in the chain: 1, 2, 3 and so on without a hole
    event_id text NOT NULL UNIQUE,
    queue text NOT NULL,
    job_id text NOT NULL, -- empty: the action was on the queue
    action text NOT NULL,
    actor_user_id text NOT NULL,
    issuer text NOT NULL,
    token_id text NOT NULL,
    reason text NOT NULL, -- empty: none was given
    detail text NOT NULL, -- a JSON object exactly as it came, or empty; text, because jsonb would not keep its bytes
    created_at_ms bigint NOT NULL, -- when it happened, by the clock of the queue's store
    recorded_at_ms bigint NOT NULL, -- when it arrived here, by this database's clock
    hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);

CREATE INDEX job_audit_by_time ON job_audit (created_at_ms, id);
CREATE INDEX job_audit_by_job ON job_audit (queue, job_id, created_at_ms, id);
CREATE INDEX job_audit_by_queue ON job_audit (queue, created_at_ms, id);
CREATE INDEX job_audit_by_actor ON job_audit (actor_user_id, created_at_ms, id);
CREATE INDEX job_audit_by_action ON job_audit (action, created_at_ms, id);

CREATE FUNCTION job_audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'job_audit is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER job_audit_is_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON job_audit
FOR EACH STATEMENT EXECUTE FUNCTION job_audit_refuse_change();

ALTER TABLE job_audit ENABLE ALWAYS TRIGGER job_audit_is_append_only;

REVOKE UPDATE, DELETE, TRUNCATE ON job_audit FROM PUBLIC, CURRENT_USER;
