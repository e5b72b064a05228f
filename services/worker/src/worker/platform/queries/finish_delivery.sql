-- Note how a claimed delivery ended.
UPDATE platform.deliveries
SET state = %(ending)s, detail = %(detail)s, finished_at = now()
WHERE notification_id = %(notification_id)s AND claim_id = %(claim_id)s AND state IN ('claimed', 'sending')
