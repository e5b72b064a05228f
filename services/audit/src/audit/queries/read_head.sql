-- Read the newest record's place and hash (none while the chain is empty) and the time, ms since the epoch.
SELECT
    head.id,
    head.hash,
    (extract(EPOCH FROM clock_timestamp()) * 1000)::bigint AS now_ms
FROM (SELECT 1) AS always
LEFT JOIN LATERAL (SELECT id, hash FROM job_audit ORDER BY id DESC LIMIT 1) AS head ON TRUE;
