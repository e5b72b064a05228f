-- Enqueue one job of a schedule by hand; when it is due stays as it is.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor, issuer, token id, reason)   ARGV[6] id   ARGV[7] revision
-- ARGV[8...] the job, as shared/enqueue.lua has it
-- Returns {'OK', enqueued | known | failed} | {'CHANGED'} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: none
local JOB = 8
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local action, id = read_action(ARGV, 1), ARGV[6]
local key = schedule_key(queue, id)
if redis.call('HGET', key, 'rev') ~= ARGV[7] then return { 'CHANGED' } end
local outcome = RUN_WORDS[enqueue_scheduled(queue, ARGV, JOB)]
note_run(queue, key, { due = '', outcome = outcome, job = ARGV[JOB], by = action[2] })
audit(queue, action, 'schedule_run', ARGV[JOB], '{"schedule":"' .. id .. '"}')
return { 'OK', outcome }
