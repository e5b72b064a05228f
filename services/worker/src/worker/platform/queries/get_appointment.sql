-- One appointment with its ticket, and whether the given cause already began it.
SELECT
    a.appointment_id,
    t.ticket_id,
    t.title AS ticket_title,
    t.status AS ticket_status,
    p.landlord_id,
    a.tenant_id,
    a.contractor_id,
    a.status,
    a.starts_at,
    EXISTS (
        SELECT 1 FROM platform.timeline AS e
        WHERE e.ticket_id = t.ticket_id AND e.cause = %(cause)s
    ) AS started
FROM platform.appointments AS a
INNER JOIN platform.tickets AS t ON a.ticket_id = t.ticket_id
INNER JOIN platform.properties AS p ON t.property_id = p.property_id
WHERE a.appointment_id = %(appointment_id)s
