-- Reports of workers: parsed and checked as a whole, then applied one by one.

-- The reports in args from `first` on: {id, token, kind, rest...} with the rest at [1..]; an error for an unknown kind.
local function parse_reports(args, first)
  local reports, at = {}, first
  while at <= #args do
    local size = REPORT_SIZE[args[at + 2]]
    if not size or at + size - 1 > #args then error('malformed report at ARGV ' .. at) end
    local report = { id = args[at], token = args[at + 1], kind = args[at + 2] }
    for i = 3, size - 1 do report[i - 2] = args[at + i] end
    reports[#reports + 1] = report
    at = at + size
  end
  return reports
end

-- Whether `worker` holds the lease with `token`, and the fields every kind needs.
local function held_job(queue, id, token, worker)
  local key = job_key(queue, id)
  local values = redis.pcall('HMGET', key, 's', 'l', 'cx', 'll', 'e')
  if values.err or values[1] ~= 'active' then return nil end
  local l = current_delivery(key, values[2])
  if not is_holder(l, token, worker) then return nil end
  return { l = l, cx = values[3] or nil, ll = values[4] or nil, e = values[5] or nil }
end

-- A release of a job that never began says nothing about it: it stays a suspect, but another may be tried.
local function settle_one(batch, report, job)
  local queue, key = batch.queue, job_key(batch.queue, report.id)
  index_remove(batch, 'active', report.id)
  OUTCOMES[report.kind](batch, report.id, key, job, report)
  if report.kind == 'released' and report[1] ~= '1' then
    if job.ll then end_trial(queue, job.l) end
  else
    clear_suspect(queue, key, job)
  end
end

-- Apply the reports; returns the positions (from 0) of the stale ones.
local function settle(batch, reports, worker)
  local stale = {}
  for i, report in ipairs(reports) do
    local job = held_job(batch.queue, report.id, report.token, worker)
    if job then
      settle_one(batch, report, job)
    else
      stale[#stale + 1] = i - 1
      count(batch, 'stale')
    end
  end
  if #reports > 0 then flush(batch) end
  if batch.due then wake_for_delayed(batch.queue, batch.due) end
  return stale
end
