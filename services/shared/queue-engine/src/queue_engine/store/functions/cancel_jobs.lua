-- As cancel_job, for several jobs of one bulk action.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor, issuer, token id, reason)   ARGV[6] the state they must be in   ARGV[7...] ids
-- Returns {'OK', word, state, word, state, ...}: per id OK, NOT_FOUND, WRONG_STATE, or CANCELLING for one asked already
--   | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local action, batch, reply = read_action(ARGV, 1), new_batch(queue), { 'OK' }
for i = 7, #ARGV do
  local word, state = cancel(batch, ARGV[i], action, ARGV[6], ':' .. ARGV[i])
  if word == 'cancelled' or word == 'requested' then word = 'OK' end
  reply[#reply + 1], reply[#reply + 2] = word, state
end
flush(batch)
return reply
