-- Accept that the jobs of the store before this one are gone: services use it from now on.
-- KEYS[1] jobs:{@registry}:meta
-- ARGV[1] who accepts it
-- Returns {'OK', 1 when there was a loss to accept, else 0}
-- Flags: allow-oom
local known = redis.call('HMGET', KEYS[1], 'lost', 'accepted')
if not known[1] or known[2] then return { 'OK', 0 } end
redis.call('HSET', KEYS[1], 'accepted', clock() .. ' ' .. ARGV[1])
return { 'OK', 1 }
