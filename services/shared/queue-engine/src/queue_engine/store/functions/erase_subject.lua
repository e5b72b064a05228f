-- Erase a subject from some of a queue's keys: its jobs are removed, other jobs' words on it blotted out.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor, issuer, token id, reason)   ARGV[6] subject
-- ARGV[7] JSON: {the ways in which texts may write it, {type = {marked payload field, ...}, ...}}   ARGV[8] '1' to change nothing
-- ARGV[9...] keys without the queue's prefix: j:<id>, t:<id> or sc:<id>; any may be gone by now
-- Returns {'OK', {{id, removed | redacted | active | id | data | schedule}, ...}} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local known = cjson.decode(ARGV[7])
local erasure = new_erasure(queue, read_action(ARGV, 1), ARGV[6], known[1], known[2], ARGV[8] == '1')
for i = 9, #ARGV do
  local kind, id = string.match(ARGV[i], '^(%l+):(.*)$')
  if kind == 'j' then
    erase_job(erasure, id)
  elseif kind == 't' then
    erase_tombstone(erasure, id)
  else
    check_schedule(erasure, id)
  end
end
record_erasure(erasure)
return { 'OK', erasure.found }
