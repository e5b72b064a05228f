-- Check keys that belong to jobs: each job is where its state says, nothing is left of others. With an action, mend and
-- record what is found.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor or '' to change nothing, issuer, token id, reason)
-- ARGV[6...] keys without the queue's prefix: j:<id>, a:<id>, l:<id>, c:<id>, t:<id> or g:<group>; any may be gone by now
-- Returns {'OK', {{kind, id or '', detail}, ...}} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local WORDS = { a = 'attempts', l = 'log lines', c = 'children' }
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local findings = new_findings(queue, read_action(ARGV, 1))
for i = 6, #ARGV do
  local kind, id = string.sub(ARGV[i], 1, 1), string.sub(ARGV[i], 3)
  if kind == 'j' then
    check_job(findings, id)
  elseif kind == 't' then
    check_tombstone(findings, queue.prefix .. ARGV[i], id)
  elseif kind == 'g' then
    check_group(findings, id)
  else
    check_history(findings, queue.prefix .. ARGV[i], id, WORDS[kind])
  end
end
finish_repair(findings)
return { 'OK', findings.list }
