-- Tell the store's epoch, which it gets with its first service. A service that remembers another one has met a store
-- that was emptied or exchanged: that is marked, for all services, until somebody accepts the loss.
-- KEYS[1] jobs:{@registry}:meta
-- ARGV[1] an epoch for a store that has none   ARGV[2] the epoch the service remembers or ''
-- Returns {'OK', epoch} | {'LOST', epoch}
-- Flags: allow-oom
redis.call('HSETNX', KEYS[1], 'epoch', ARGV[1])
local known = redis.call('HMGET', KEYS[1], 'epoch', 'lost', 'accepted')
local epoch, lost, accepted = known[1], known[2], known[3]
if accepted then return { 'OK', epoch } end
if not lost and ARGV[2] ~= '' and ARGV[2] ~= epoch then
  lost = ARGV[2]
  redis.call('HSET', KEYS[1], 'lost', lost)
end
return { lost and 'LOST' or 'OK', epoch }
