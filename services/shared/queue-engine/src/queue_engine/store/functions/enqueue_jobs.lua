-- Accept new jobs in order. A known id with the same digest of name and data is answered, not written again.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor or '', issuer, token id, reason)
-- ARGV[6...] per job: id, name, data, digest, when ('' | r<ms> | a<ms>), priority, settings, owner, options, 'return' |
--   'replace:<request>' | 'replace_own:<request>' (only a job of the same owner), parent ('<queue>:<id>' or '')
-- Returns {'OK', word, state, word, state, ...} with words CREATED | REPLACED | KNOWN | CONFLICT | WRONG_STATE | NOT_FOUND
--   (another's job) | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: none
local FIRST = 6
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local batch, action, reply = new_batch(queue), read_action(ARGV, 1), { 'OK' }
local jobs = read_new_jobs(queue, ARGV, FIRST)
local sequence = reserve_sequence(queue, #jobs)
for i, job in ipairs(jobs) do
  job.sequence = sequence + i
  local word, state, again = enqueue(batch, ARGV, job, action)
  if action and not again and (word == 'CREATED' or word == 'REPLACED') then
    audit(queue, action, word == 'CREATED' and 'enqueue' or 'replace', job.id, '{}', #jobs > 1 and ':' .. job.id)
  end
  reply[#reply + 1], reply[#reply + 2] = word, state
end
flush(batch)
if batch.woken then wake(queue) end
if batch.due then wake_for_delayed(queue, batch.due) end
return reply
