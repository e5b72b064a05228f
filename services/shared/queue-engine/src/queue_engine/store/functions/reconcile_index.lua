-- Check one slice of an index: each entry has what it stands for. With an action, mend and record what is found.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor or '' to change nothing, issuer, token id, reason)
-- ARGV[6] index: waiting, suspects, active, delayed, completed, failed, dead, cancelled, g:<group>, groups or groups:about
-- ARGV[7] where to go on, from 0
-- Returns {'OK', where to go on or '0', looked at, {{kind, id or '', detail}, ...}} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local index, findings = ARGV[6], new_findings(queue, read_action(ARGV, 1))
local command = index == 'groups:about' and 'HSCAN' or 'ZSCAN'
local slice = try(command, queue.prefix .. index, ARGV[7], 'COUNT', 100) or { '0', {} }
for i = 1, #slice[2], 2 do
  if index == 'groups' or index == 'groups:about' then
    check_group(findings, slice[2][i])
  else
    check_entry(findings, index, slice[2][i])
  end
end
return { 'OK', slice[1], #slice[2] / 2, findings.list }
