-- The same as accept_jobs, called by services before 1.8.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action   ARGV[6...] eleven per job, as shared/enqueue.lua has it
-- Returns {'OK', word, state, word, state, ...}, for each job | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: none
local FIRST = 6
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local answers = enqueue_all(queue, read_jobs(queue, ARGV, FIRST, OLDER_JOB_SIZE), read_action(ARGV, 1))
return { 'OK', unpack(answers) }
