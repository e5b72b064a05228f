-- List one page of the records that match, newest first; a condition that is null does not count.
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
WHERE
    (%(queue)s::text IS NULL OR queue = %(queue)s)
    AND (%(job_id)s::text IS NULL OR job_id = %(job_id)s)
    AND (%(actor)s::text IS NULL OR actor_user_id = %(actor)s)
    AND (%(action)s::text IS NULL OR action = %(action)s)
    AND (%(request_id)s::text IS NULL OR request_id = %(request_id)s)
    AND (%(from_ms)s::bigint IS NULL OR created_at_ms >= %(from_ms)s)
    AND (%(to_ms)s::bigint IS NULL OR created_at_ms < %(to_ms)s)
ORDER BY created_at_ms DESC, id DESC
LIMIT %(limit)s OFFSET %(offset)s;
