-- Where a notification's delivery stands, and whether its claim still holds.
SELECT
    state,
    state IN ('claimed', 'sending') AND claimed_until > now() AS held
FROM platform.deliveries
WHERE notification_id = %(notification_id)s
