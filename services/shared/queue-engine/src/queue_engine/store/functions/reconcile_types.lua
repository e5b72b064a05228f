-- Check that what lies at the keys of the indexes can be read as such. With an action, mend and record what is found.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor or '' to change nothing, issuer, token id, reason)
-- Returns {'OK', {{kind, id or '', detail}, ...}} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local findings = new_findings(queue, read_action(ARGV, 1))
for _, index in ipairs(JOB_INDEXES) do check_type(findings, index, 'zset') end
check_type(findings, 'groups', 'zset')
check_type(findings, 'groups:about', 'hash')
check_type(findings, 'trials', 'hash')
check_type(findings, 'mark', 'zset')
return { 'OK', findings.list }
