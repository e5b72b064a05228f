-- Ask whether the database answers and how long the chain is.
SELECT coalesce(max(id), 0) AS length FROM job_audit;
