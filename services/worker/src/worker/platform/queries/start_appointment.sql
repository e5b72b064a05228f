-- Move the ticket of a confirmed appointment from SCHEDULED to IN_PROGRESS and write its timeline; no row when it may not.
WITH moved AS (
    UPDATE platform.tickets AS t
    SET status = 'IN_PROGRESS', updated_at = now()
    FROM platform.appointments AS a
    WHERE
        a.appointment_id = %(appointment_id)s
        AND a.status = 'CONFIRMED'
        AND a.starts_at = %(starts_at)s
        AND a.ticket_id = t.ticket_id
        AND t.status = 'SCHEDULED'
    RETURNING t.ticket_id
)

INSERT INTO platform.timeline (ticket_id, cause, kind, detail)
SELECT
    ticket_id,
    %(cause)s,
    'appointment_started',
    jsonb_build_object('appointmentId', %(appointment_id)s::text, 'from', 'SCHEDULED', 'to', 'IN_PROGRESS')
FROM moved
RETURNING ticket_id
