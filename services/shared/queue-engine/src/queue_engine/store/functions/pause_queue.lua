-- Stop handing out jobs of a queue.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor, issuer, token id, reason)
-- Returns {'OK', CHANGED | UNCHANGED} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
if queue.paused then return { 'OK', 'UNCHANGED' } end
local action = read_action(ARGV, 1)
redis.call('HSET', queue.meta, 'paused', cjson.encode({ action[2], action[5], queue.now }))
audit(queue, action, 'pause', '')
return { 'OK', 'CHANGED' }
