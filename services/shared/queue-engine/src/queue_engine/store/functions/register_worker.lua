-- Remember a worker until its time to live has passed; forgets up to 100 whose time has.
-- KEYS[1] jobs:{@registry}:meta
-- ARGV[1] worker   ARGV[2] description (JSON)   ARGV[3] time to live in ms
-- Returns {'OK'}
-- Flags: allow-oom
local workers, expiry, now = registry_key(KEYS[1], 'workers'), registry_key(KEYS[1], 'workers:expiry'), clock()
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', expiry, '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('ZREM', expiry, gone)
  redis.call('HDEL', workers, gone)
end
redis.call('HSET', workers, ARGV[1], now .. ' ' .. ARGV[2])
redis.call('ZADD', expiry, now + tonumber(ARGV[3]), ARGV[1])
return { 'OK' }
