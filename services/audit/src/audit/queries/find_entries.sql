-- Find the records with these event ids.
SELECT
    id,
    event_id,
    queue,
    job_id,
    action,
    actor_user_id,
    issuer,
    token_id,
    reason,
    detail,
    created_at_ms,
    request_id,
    recorded_at_ms,
    hash
FROM job_audit
WHERE event_id = ANY(%(event_ids)s);
