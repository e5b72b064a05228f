-- Claim a notification for delivery when nobody has delivered it, is delivering it or may have sent it; else no row.
INSERT INTO platform.deliveries AS d (notification_id, recipient_id, channel, state, claim_id, claimed_until)
VALUES (
    %(notification_id)s,
    %(recipient_id)s,
    %(channel)s,
    'claimed',
    %(claim_id)s,
    now() + make_interval(secs => %(claim_seconds)s)
)
ON CONFLICT (notification_id) DO UPDATE
SET
    recipient_id = excluded.recipient_id,
    channel = excluded.channel,
    state = 'claimed',
    claim_id = excluded.claim_id,
    claimed_until = excluded.claimed_until,
    claimed_at = now(),
    claims = d.claims + 1,
    detail = NULL,
    finished_at = NULL
WHERE d.state IN ('skipped', 'refused') OR (d.state = 'claimed' AND d.claimed_until <= now())
RETURNING notification_id
