-- One ticket with the address and the landlord of its property.
SELECT
    t.ticket_id,
    t.title,
    p.address AS property_address,
    p.landlord_id,
    t.created_by_id,
    t.priority
FROM platform.tickets AS t
INNER JOIN platform.properties AS p ON t.property_id = p.property_id
WHERE t.ticket_id = %(ticket_id)s
