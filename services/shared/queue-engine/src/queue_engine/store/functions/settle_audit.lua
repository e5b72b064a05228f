-- Delete shipped audit records; only the holder of the claim may.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1] shipper   ARGV[2...] entry ids
-- Returns {'OK', how many were deleted} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
if redis.call('GET', queue.prefix .. 'audit:claim') ~= ARGV[1] or #ARGV < 2 then return { 'OK', 0 } end
return { 'OK', redis.call('XDEL', queue.prefix .. 'audit', unpack(ARGV, 2)) }
