-- Add the request that asked for an action, so that a record leads to the log lines of the call it came by.
--
-- Additive: records of before have none, and keep their hashes (see ledger.py). An audit of before this would not know the
-- hashes of records with one: replace audit before queue-admin, which sends them. Had both run for a while, the alarm that
-- a record does not fit ends by itself with the next look of the new one.

ALTER TABLE job_audit ADD COLUMN request_id text NOT NULL DEFAULT ''; -- empty: none is known

CREATE INDEX job_audit_by_request ON job_audit (request_id, created_at_ms, id);
