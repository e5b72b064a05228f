-- Create the list of migrations that were applied.
CREATE TABLE IF NOT EXISTS job_audit_migration (
    version integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
