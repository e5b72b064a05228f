-- Set one audit record aside that was refused for good; only the holder of the claim may.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1] shipper   ARGV[2] entry id   ARGV[3] why
-- Returns {'OK', PARKED | GONE} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
if redis.call('GET', queue.prefix .. 'audit:claim') ~= ARGV[1] then return { 'OK', 'GONE' } end
local entry = redis.call('XRANGE', queue.prefix .. 'audit', ARGV[2], ARGV[2])[1]
if not entry then return { 'OK', 'GONE' } end
local fields = entry[2]
fields[#fields + 1], fields[#fields + 2] = 'why', ARGV[3]
redis.call('XADD', queue.prefix .. 'audit:parked', '*', unpack(fields))
redis.call('XDEL', queue.prefix .. 'audit', ARGV[2])
return { 'OK', 'PARKED' }
