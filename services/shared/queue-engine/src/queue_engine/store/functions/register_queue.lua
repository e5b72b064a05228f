-- Remember a queue's name in the registry, before its first enqueue.
-- KEYS[1] jobs:{@registry}:meta
-- ARGV[1] queue
-- Returns {'OK'}
-- Flags: allow-oom
redis.call('HSETNX', registry_key(KEYS[1], 'queues'), ARGV[1], clock())
return { 'OK' }
