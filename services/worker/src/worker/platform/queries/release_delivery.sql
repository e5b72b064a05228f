-- Give a claim back because nothing was delivered.
UPDATE platform.deliveries
SET state = 'claimed', claimed_until = now()
WHERE notification_id = %(notification_id)s AND claim_id = %(claim_id)s AND state IN ('claimed', 'sending')
