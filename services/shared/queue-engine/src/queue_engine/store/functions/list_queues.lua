-- Names of all queues ever set up.
-- KEYS[1] jobs:{@registry}:meta
-- ARGV none
-- Returns {'OK', name, ...}
-- Flags: no-writes
local reply = redis.call('HKEYS', registry_key(KEYS[1], 'queues'))
table.insert(reply, 1, 'OK')
return reply
