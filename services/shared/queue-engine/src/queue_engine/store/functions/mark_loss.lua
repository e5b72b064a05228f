-- Mark for all services that the store lost jobs, until somebody accepts it. Of a cluster, one node can come back empty
-- while the registry's is whole.
-- KEYS[1] jobs:{@registry}:meta
-- ARGV[1] what is gone
-- Returns {'OK'}
-- Flags: allow-oom
redis.call('HSET', KEYS[1], 'lost', ARGV[1])
redis.call('HDEL', KEYS[1], 'accepted')
return { 'OK' }
