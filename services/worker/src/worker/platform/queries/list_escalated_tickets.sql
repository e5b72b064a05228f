-- The tickets that the given cause raised, by id, with the priority they were raised to.
SELECT
    t.ticket_id,
    t.title,
    p.address AS property_address,
    p.landlord_id,
    t.created_by_id,
    e.detail ->> 'to' AS priority
FROM platform.timeline AS e
INNER JOIN platform.tickets AS t ON e.ticket_id = t.ticket_id
INNER JOIN platform.properties AS p ON t.property_id = p.property_id
WHERE e.cause = %(cause)s AND e.kind = 'escalated'
ORDER BY t.ticket_id
