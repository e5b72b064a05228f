-- All registered job types.
-- KEYS[1] jobs:{@registry}:meta
-- ARGV none
-- Returns {'OK', declaration, ...}
-- Flags: no-writes
local reply = { 'OK' }
for _, known in ipairs(redis.call('HVALS', registry_key(KEYS[1], 'types'))) do
  reply[#reply + 1] = string.match(known, '^%d+ %x+ (.*)$')
end
return reply
