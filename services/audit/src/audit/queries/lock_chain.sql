-- Let one append at a time extend the chain; the lock ends with the transaction.
SELECT pg_advisory_xact_lock(hashtext('job_audit_chain'));
