-- Remember a queue's name in the registry, before its first enqueue; then again once it is set up in its own slot.
-- KEYS[1] jobs:{@registry}:meta
-- ARGV[1] queue   ARGV[2] 'ready' when it is set up, else ''
-- Returns {'OK'}
-- Flags: allow-oom
local key, now = registry_key(KEYS[1], 'queues'), clock()
redis.call('HSETNX', key, ARGV[1], now)
if ARGV[2] == 'ready' then redis.call('HSET', key, ARGV[1], now .. ' ready') end
return { 'OK' }
