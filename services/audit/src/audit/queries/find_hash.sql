-- Find the hash of one record.
SELECT hash FROM job_audit WHERE id = %(id)s;
