-- Make a queue known in its own slot: its meta hash with the data layout. Harmless when it is.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1] 'known' when the registry says that this was done before, else ''
-- Returns {'OK'} | {'LAYOUT', found} | {'GONE'}: it was known, and neither its meta hash nor any of its indexes is there
-- Flags: allow-oom
local prefix = string.sub(KEYS[1], 1, -5)
if ARGV[1] == 'known' and redis.call('EXISTS', KEYS[1], prefix .. 'waiting', prefix .. 'suspects', prefix .. 'active',
  prefix .. 'delayed', prefix .. 'completed', prefix .. 'failed') == 0 then
  return { 'GONE' }
end
redis.call('HSETNX', KEYS[1], 'layout', LAYOUT)
local _, refusal = open_queue(KEYS[1])
return refusal or { 'OK' }
