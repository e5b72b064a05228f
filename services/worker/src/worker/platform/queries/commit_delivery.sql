-- Note that a claimed message is about to leave for good; no row when the claim no longer holds.
UPDATE platform.deliveries
SET state = 'sending', claimed_until = now() + make_interval(secs => %(claim_seconds)s)
WHERE
    notification_id = %(notification_id)s
    AND claim_id = %(claim_id)s
    AND state = 'claimed'
    AND claimed_until > now()
RETURNING notification_id
