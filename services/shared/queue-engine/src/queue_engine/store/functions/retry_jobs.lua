-- As retry_job, for several jobs of one bulk action.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor, issuer, token id, reason)   ARGV[6] 'dead' or ''   ARGV[7...] ids
-- Returns {'OK', word, state, word, state, ...} as retry_job per id | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local action, reply = read_action(ARGV, 1), { 'OK' }
for i = 7, #ARGV do
  local word, state = retry(queue, ARGV[i], action, '', ARGV[6], ':' .. ARGV[i])
  reply[#reply + 1], reply[#reply + 2] = word, state
end
wake(queue)
return reply
