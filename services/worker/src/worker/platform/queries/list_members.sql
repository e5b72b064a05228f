-- A landlord's people with any of the given roles, each once, by id.
SELECT
    u.user_id AS person_id,
    u.name,
    u.channels,
    u.email,
    u.phone,
    u.push_token
FROM platform.users AS u
WHERE EXISTS (
    SELECT 1 FROM platform.members AS m
    WHERE m.user_id = u.user_id AND m.landlord_id = %(landlord_id)s AND m.role = ANY(%(roles)s)
)
ORDER BY u.user_id
