-- Check the counters: every job ever accepted is in one state, or was removed, replaced or pruned; and the workers' trials.
-- With an action, mend and record what is found.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor or '' to change nothing, issuer, token id, reason)
-- Returns {'OK', added, replaced, adjusted, waiting, active, delayed, completed, failed, removed, pruned,
--   {{kind, id or '', detail}, ...}} as they were found | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local findings, totals = new_findings(queue, read_action(ARGV, 1)), {}
for _, name in ipairs({ 'added', 'replaced', 'adjusted', 'removed', 'pruned' }) do
  local stored = redis.call('HGET', queue.meta, 'n:' .. name)
  local readable = not stored or string.find(stored, '^%-?%d+$')
  if not readable and note(findings, 'counter_drift', '', 'the counter ' .. name .. ' is no number') then
    redis.call('HDEL', queue.meta, 'n:' .. name)
  end
  totals[name] = readable and tonumber(stored or 0) or 0
end
local reply, there = { 'OK', totals.added, totals.replaced, totals.adjusted }, totals.removed + totals.pruned
for _, state in ipairs({ 'waiting', 'active', 'delayed', 'completed', 'failed' }) do
  reply[#reply + 1] = readable_size(queue, state)
  there = there + reply[#reply]
end
local missing = totals.added + totals.adjusted - there
if missing ~= 0 then
  local words = missing > 0 and ' jobs were accepted and are nowhere' or ' jobs are there and were never accepted'
  if note(findings, 'counter_drift', '', math.abs(missing) .. words) then
    redis.call('HINCRBY', queue.meta, 'n:adjusted', -missing)
  end
end
check_dead_bytes(findings)
check_trials(findings)
reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = totals.removed, totals.pruned, findings.list
return reply
