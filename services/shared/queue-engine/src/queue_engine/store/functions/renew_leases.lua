-- Prolong leases that are still the worker's.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1] worker   ARGV[2] lease ms   ARGV[3...] id, token per lease
-- Returns {'OK', RENEWED | CANCEL_REQUESTED | LOST, ...} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local deadline, batch = queue.now + tonumber(ARGV[2]), new_batch(queue)
local reply = lease_words(queue, ARGV, 3, ARGV[1])
for i = 2, #reply do
  if reply[i] ~= 'LOST' then index_add(batch, 'active', deadline, ARGV[2 * i - 1]) end
end
flush(batch)
return reply
