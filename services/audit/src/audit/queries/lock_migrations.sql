-- Let one process migrate at a time, for as long as it takes; lock and setting end with the transaction.
SET LOCAL statement_timeout = 0;
SELECT pg_advisory_xact_lock(hashtext('job_audit_migration'));
