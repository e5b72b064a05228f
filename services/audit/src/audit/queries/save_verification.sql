-- Keep how far the chain was verified.
UPDATE job_audit_verification SET
    place_id = %(place_id)s,
    place_hash = %(place_hash)s,
    began_at_ms = %(began_at_ms)s,
    whole = %(whole)s,
    whole_at_ms = %(whole_at_ms)s,
    witness_id = %(witness_id)s,
    witness_hash = %(witness_hash)s,
    witness_at_ms = %(witness_at_ms)s,
    broken_at = %(broken_at)s,
    broken_since_ms = %(broken_since_ms)s;
