-- Several jobs by id; those that do not exist are left out.
-- KEYS[1] jobs:{queue}:meta
-- ARGV ids (at most 500)
-- Returns {'OK', {id, due ms or '', newest attempt or '', {fields flat}}, ...} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: no-writes
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local reply = { 'OK' }
for i = 1, math.min(#ARGV, 500) do
  local job = read_job(queue, ARGV[i])
  if job then reply[#reply + 1] = job end
end
return reply
