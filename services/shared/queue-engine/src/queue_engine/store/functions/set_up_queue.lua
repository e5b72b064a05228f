-- Make a queue known in its own slot: its meta hash with the data layout. Harmless when it is.
-- KEYS[1] jobs:{queue}:meta
-- ARGV none
-- Returns {'OK'} | {'LAYOUT', found}
-- Flags: allow-oom
redis.call('HSETNX', KEYS[1], 'layout', LAYOUT)
local _, refusal = open_queue(KEYS[1])
return refusal or { 'OK' }
