-- The people among the given ids, by id.
SELECT
    user_id AS person_id,
    name,
    channels,
    email,
    phone,
    push_token
FROM platform.users
WHERE user_id = ANY(%(person_ids)s)
ORDER BY user_id
