-- Apply retention by count and age to completed and cancelled jobs, and the bounds of dead ones, at most 100 of each;
-- tombstones expire by themselves.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1] completed kept   ARGV[2] completed age ms   ARGV[3] cancelled kept   ARGV[4] cancelled age ms   ARGV[5] deduplication ms
-- ARGV[6] dead kept   ARGV[7] dead bytes (both absent: a caller of the version before, which bounds neither)
-- Returns {'OK', how many} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local batch, dedup = new_batch(queue), tonumber(ARGV[5])
local pruned = prune(batch, 'completed', 'completed', tonumber(ARGV[1]), tonumber(ARGV[2]), dedup, 100)
  + prune(batch, 'cancelled', 'failed', tonumber(ARGV[3]), tonumber(ARGV[4]), dedup, 100)
  + discard_dead(batch, tonumber(ARGV[6] or math.huge), tonumber(ARGV[7] or math.huge), dedup, 100)
return { 'OK', pruned }
