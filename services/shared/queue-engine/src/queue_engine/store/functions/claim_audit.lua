-- The oldest audit records, for one shipper at a time.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1] shipper   ARGV[2] claim ms   ARGV[3] how many (at most 500)
-- Returns {'OK', {entry id, {fields flat}}, ...}, empty when another holds the claim | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local claim = queue.prefix .. 'audit:claim'
local holder = redis.call('GET', claim)
if holder and holder ~= ARGV[1] then return { 'OK' } end
redis.call('SET', claim, ARGV[1], 'PX', ARGV[2])
local reply = { 'OK' }
local found = redis.call('XRANGE', queue.prefix .. 'audit', '-', '+', 'COUNT', math.min(tonumber(ARGV[3]), 500))
for _, entry in ipairs(found) do reply[#reply + 1] = entry end
return reply
