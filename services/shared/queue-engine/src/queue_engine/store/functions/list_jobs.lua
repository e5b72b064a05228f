-- A page of jobs by rank: waiting and active in order of taking, delayed by due time, finished by their end.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1] state, 'dead' or 'g:<error group>'   ARGV[2] offset   ARGV[3] limit (at most 500)
-- ARGV[4] 'oldest' or 'newest' first, or '' for finished newest first and all others oldest first
-- Returns {'OK', total, {id, due ms or '', newest attempt or '', {fields flat}}, ...} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: no-writes
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local reply = { 'OK', state_size(queue, ARGV[1]) }
for _, id in ipairs(page_ids(queue, ARGV[1], tonumber(ARGV[2]), math.min(tonumber(ARGV[3]), 500), ARGV[4])) do
  local job = read_job(queue, id)
  if job then reply[#reply + 1] = job end
end
return reply
