-- Let a service begin its work on this store, or refuse it when a newer major version no longer supports its own.
-- KEYS[1] jobs:{@registry}:meta
-- ARGV[1] the service's major version   ARGV[2] the oldest major version it works beside
-- Returns {'OK', library version} | {'TOO_OLD', oldest major version supported}
-- Flags: allow-oom
local oldest = tonumber(redis.call('HGET', KEYS[1], 'oldest') or 0)
if tonumber(ARGV[1]) < oldest then return { 'TOO_OLD', oldest } end
redis.call('HSET', KEYS[1], 'oldest', math.max(oldest, tonumber(ARGV[2])), 'seen', clock())
return { 'OK', VERSION }
