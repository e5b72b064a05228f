-- One job with its attempt records, its log lines, the jobs it enqueued, and how many are taken before it.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1] id
-- Returns {'OK', {id, due ms or '', newest attempt or '', {fields flat}}, {attempts}, {log lines},
--   {'<queue>:<id>' of its children}, jobs ahead or -1 when it does not wait} | {'NOT_FOUND', ''}
--   | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: no-writes
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local job = read_job(queue, ARGV[1])
if not job then return { 'NOT_FOUND', '' } end
return {
  'OK', job,
  redis.call('LRANGE', queue.prefix .. 'a:' .. ARGV[1], 0, -1),
  redis.call('LRANGE', queue.prefix .. 'l:' .. ARGV[1], 0, -1),
  redis.call('ZRANGE', queue.prefix .. 'c:' .. ARGV[1], 0, -1),
  jobs_ahead(queue, ARGV[1]),
}
