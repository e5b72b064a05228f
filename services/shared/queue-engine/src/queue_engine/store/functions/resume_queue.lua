-- Hand out jobs of a queue again.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor, issuer, token id, reason)
-- Returns {'OK', CHANGED | UNCHANGED} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
if not queue.paused then return { 'OK', 'UNCHANGED' } end
redis.call('HDEL', queue.meta, 'paused')
queue.paused = false
audit(queue, read_action(ARGV, 1), 'resume', '')
wake(queue)
return { 'OK', 'CHANGED' }
