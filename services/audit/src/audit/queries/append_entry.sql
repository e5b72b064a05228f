-- Append one record; its id and hash were made under the chain's lock.
INSERT INTO job_audit (
    id, event_id, queue, job_id, action, actor_user_id, issuer, token_id, reason, detail, created_at_ms, request_id,
    recorded_at_ms, hash
) VALUES (
    %(id)s,
    %(event_id)s,
    %(queue)s,
    %(job_id)s,
    %(action)s,
    %(actor_user_id)s,
    %(issuer)s,
    %(token_id)s,
    %(reason)s,
    %(detail)s,
    %(created_at_ms)s,
    %(request_id)s,
    %(recorded_at_ms)s,
    %(hash)s
);
