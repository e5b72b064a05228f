-- Workers that are alive.
-- KEYS[1] jobs:{@registry}:meta
-- ARGV none
-- Returns {'OK', worker, '<last seen ms> <description>', ...}
-- Flags: no-writes
local workers, reply = registry_key(KEYS[1], 'workers'), { 'OK' }
for _, id in ipairs(redis.call('ZRANGEBYSCORE', registry_key(KEYS[1], 'workers:expiry'), clock(), '+inf')) do
  local known = redis.call('HGET', workers, id)
  if known then reply[#reply + 1], reply[#reply + 2] = id, known end
end
return reply
