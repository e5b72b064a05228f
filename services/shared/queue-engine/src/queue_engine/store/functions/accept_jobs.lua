-- Accept new jobs in order. A known id with the same digest of name and data is answered, not written again.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor or '', issuer, token id, reason)
-- ARGV[6...] per job: id, data, how it is made, more, as shared/enqueue.lua has it; to do when the id exists: return |
--   replace:<request> | replace_own:<request> (only a job of the same owner)
-- Returns {'OK', number, word, state, ...} for each job that is not both CREATED and waiting, with words CREATED | REPLACED |
--   KNOWN | CONFLICT | WRONG_STATE | NOT_FOUND (another's job) | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: none
local FIRST = 6
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local answers = enqueue_all(queue, read_jobs(queue, ARGV, FIRST, JOB_SIZE), read_action(ARGV, 1))
local reply, n = { 'OK' }, 1
for i = 1, #answers, 2 do
  local word, state = answers[i], answers[i + 1]
  if word ~= 'CREATED' or state ~= 'waiting' then
    reply[n + 1], reply[n + 2], reply[n + 3], n = (i + 1) / 2, word, state, n + 3
  end
end
return reply
