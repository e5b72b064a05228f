-- Look through one slice of a state for jobs that meet a filter; changes nothing.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1] state, 'dead' or 'g:<error group>'   ARGV[2] rank to begin at   ARGV[3] how many to look at (at most 500)
-- ARGV[4] name or ''   ARGV[5] text in the error or ''   ARGV[6] finished at or after ms or ''   ARGV[7] finished before ms or ''
-- ARGV[8] accepted before ms or ''   ARGV[9] '1' for those only whose cancel was not asked for
-- ARGV[10] beginning of the id or the name or ''
-- Returns {'OK', looked at, id, id, ...} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: no-writes
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local name, text, after, before, accepted = ARGV[4], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local start = ARGV[10]
local function begins(word) return string.sub(word, 1, #start) == start end
local ids = page_ids(queue, ARGV[1], tonumber(ARGV[2]), math.min(tonumber(ARGV[3]), 500))
local reply = { 'OK', #ids }
for _, id in ipairs(ids) do
  local key = job_key(queue, id)
  local job = redis.pcall('HMGET', key, 'm', 'e', 't1', 'cx')
  if not job.err then
    local its_name, created = read_made(key, job[1])
    local finished = (after or before) and ended_at(queue, id, job[3])
    local fits = (name == '' or its_name == name)
      and (text == '' or string.find(job[2] or '', text, 1, true))
      and (not after or finished and finished >= after)
      and (not before or finished and finished < before)
      and (not accepted or (created or 0) < accepted)
      and (ARGV[9] == '' or not job[4])
      and (begins(id) or begins(its_name or ''))
    if fits then reply[#reply + 1] = id end
  end
end
return reply
