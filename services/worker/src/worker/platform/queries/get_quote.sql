-- One quote by its id.
SELECT
    quote_id,
    ticket_id,
    contractor_id,
    amount
FROM platform.quotes
WHERE quote_id = %(quote_id)s
