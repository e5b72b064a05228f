-- Whether leases are still the worker's and whether their cancel was asked for; changes nothing.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1] worker   ARGV[2...] id, token per lease
-- Returns {'OK', RENEWED | CANCEL_REQUESTED | LOST, ...} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: no-writes
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
return lease_words(queue, ARGV, 2, ARGV[1])
