-- Read how far the chain was verified; who goes on from there does so alone until the transaction ends.
SELECT
    place_id,
    place_hash,
    began_at_ms,
    whole,
    whole_at_ms,
    witness_id,
    witness_hash,
    witness_at_ms,
    broken_at,
    broken_since_ms
FROM job_audit_verification
FOR UPDATE;
