-- What the registry knows of a queue: nothing, its name, or that it was set up in its own slot.
-- KEYS[1] jobs:{@registry}:meta
-- ARGV[1] queue
-- Returns {'OK', 'ABSENT' | 'REGISTERED' | 'READY'}
-- Flags: no-writes
local known = redis.call('HGET', registry_key(KEYS[1], 'queues'), ARGV[1])
if not known then return { 'OK', 'ABSENT' } end
return { 'OK', string.find(known, ' ready', 1, true) and 'READY' or 'REGISTERED' }
