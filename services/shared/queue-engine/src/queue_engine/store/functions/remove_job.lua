-- Forget one job that is not active, and its id.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor, issuer, token id, reason)   ARGV[6] id   ARGV[7] 'dead' or ''
-- Returns {'OK'} | {'NOT_FOUND', ''} | {'WRONG_STATE', state} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local word, state = remove(queue, ARGV[6], read_action(ARGV, 1), ARGV[7])
return { word, state }
