-- List the versions that were applied.
SELECT version FROM job_audit_migration ORDER BY version;
