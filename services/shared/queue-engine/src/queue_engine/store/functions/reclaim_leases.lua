-- Give back jobs leased to a worker by a reply it never saw. Looks at one slice of the active jobs.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1] worker   ARGV[2] rank to begin at   ARGV[3...] tokens the worker knows
-- Returns {'OK', given back, rank to go on at or -1} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local SLICE = 500
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local batch, first, known, given = new_batch(queue), tonumber(ARGV[2]), {}, 0
for i = 3, #ARGV do known[ARGV[i]] = true end
local ids = redis.call('ZRANGE', queue.prefix .. 'active', first, first + SLICE - 1)
for _, id in ipairs(ids) do
  local job = read_leased(queue, id)
  if job and job.s == 'active' then
    local token, _, _, _, worker = unpack_delivery(job.l)
    if worker == ARGV[1] and not known[token] then
      give_back(batch, id, job)
      given = given + 1
    end
  end
end
flush(batch)
if batch.woken then wake(queue) end
return { 'OK', given, #ids == SLICE and first + SLICE - given or -1 }
