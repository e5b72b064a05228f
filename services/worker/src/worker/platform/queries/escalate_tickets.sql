-- Raise tickets that have waited for over 24 h by one priority, each at most once per cause, and write their timelines.
WITH late AS (
    SELECT
        t.ticket_id,
        t.priority,
        CASE t.priority WHEN 'LOW' THEN 'MEDIUM' WHEN 'MEDIUM' THEN 'HIGH' ELSE 'URGENT' END AS next_priority
    FROM platform.tickets AS t
    WHERE
        t.status IN ('OPEN', 'TRIAGED')
        AND t.priority <> 'URGENT'
        AND t.created_at < now() - interval '24 hours'
        AND NOT EXISTS (
            SELECT 1 FROM platform.timeline AS e
            WHERE e.ticket_id = t.ticket_id AND e.cause = %(cause)s
        )
    ORDER BY t.ticket_id
    LIMIT %(limit)s
    FOR UPDATE OF t
),

noted AS (
    INSERT INTO platform.timeline (ticket_id, cause, kind, detail)
    SELECT
        ticket_id,
        %(cause)s,
        'escalated',
        jsonb_build_object('from', priority, 'to', next_priority)
    FROM late
    ON CONFLICT (ticket_id, cause) DO NOTHING
    RETURNING ticket_id
)

UPDATE platform.tickets AS t
SET priority = late.next_priority, updated_at = now()
FROM late
INNER JOIN noted ON late.ticket_id = noted.ticket_id
WHERE t.ticket_id = late.ticket_id
RETURNING t.ticket_id
