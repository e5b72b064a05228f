-- Note that a migration was applied.
INSERT INTO job_audit_migration (version, name) VALUES (%(version)s, %(name)s);
