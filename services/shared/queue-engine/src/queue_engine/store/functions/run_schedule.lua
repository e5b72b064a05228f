-- Run a schedule that is due: its job and its next due time in one call, once for all who try. Nothing happens unless it
-- has the revision and the due time that the caller knows, and that time has come by the store's clock.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1] id   ARGV[2] revision   ARGV[3] due ms that the caller knows   ARGV[4] due ms that it is run for
-- ARGV[5] following due ms   ARGV[6] run times missed before   ARGV[7] enqueue | failed | skipped   ARGV[8] problem or ''
-- ARGV[9...] with enqueue: the job, as shared/enqueue.lua has it
-- Returns {'OK', enqueued | known | failed | skipped} | {'CHANGED'} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: none
local JOB = 9
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local id = ARGV[1]
local key = schedule_key(queue, id)
local known = redis.call('HMGET', key, 'rev', 'next')
if known[1] ~= ARGV[2] or known[2] ~= ARGV[3] or tonumber(ARGV[4]) > queue.now then return { 'CHANGED' } end
local run = { due = tonumber(ARGV[4]), missed = tonumber(ARGV[6]), outcome = ARGV[7], problem = ARGV[8] }
if run.outcome == 'enqueue' then
  local word = enqueue_scheduled(queue, ARGV, JOB)
  run.outcome, run.job = RUN_WORDS[word], ARGV[JOB]
  if word == 'CONFLICT' then run.problem = 'ID_CONFLICT: a job of this id is there with another name or other data' end
end
redis.call('HSET', key, 'due', ARGV[4])
set_next_run(queue, id, key, ARGV[5])
note_run(queue, key, run)
return { 'OK', run.outcome }
