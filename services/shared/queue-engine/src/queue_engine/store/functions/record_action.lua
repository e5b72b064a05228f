-- Record an action that changes no job.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor, issuer, token id, reason)   ARGV[6] verb   ARGV[7] job id or ''   ARGV[8] detail (JSON)
-- Returns {'OK'} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
audit(queue, read_action(ARGV, 1), ARGV[6], ARGV[7], ARGV[8])
return { 'OK' }
