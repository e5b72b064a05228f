-- How many audit records wait to be shipped and how many are parked, and the age of the oldest waiting.
-- KEYS[1] jobs:{queue}:meta
-- ARGV none
-- Returns {'OK', waiting, parked, age ms or -1} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: no-writes
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local oldest = redis.call('XRANGE', queue.prefix .. 'audit', '-', '+', 'COUNT', 1)[1]
local age = oldest and math.max(0, queue.now - tonumber(string.match(oldest[1], '^%d+'))) or -1
return { 'OK', redis.call('XLEN', queue.prefix .. 'audit'), redis.call('XLEN', queue.prefix .. 'audit:parked'), age }
