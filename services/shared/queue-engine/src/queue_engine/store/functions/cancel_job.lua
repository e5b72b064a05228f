-- Cancel a job that waits, or ask for the cancel of one that runs.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor, issuer, token id, reason)   ARGV[6] id
-- Returns {'OK', cancelled | requested} | {'NOT_FOUND', ''} | {'WRONG_STATE', state} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local batch = new_batch(queue)
local word, state = cancel(batch, ARGV[6], read_action(ARGV, 1), '')
flush(batch)
if word == 'NOT_FOUND' or word == 'WRONG_STATE' then return { word, state } end
return { 'OK', word }
