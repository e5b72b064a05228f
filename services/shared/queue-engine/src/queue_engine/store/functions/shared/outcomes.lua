-- What each kind of report does to a job whose lease was found to be the reporter's.
-- One file each: outcome_completed, outcome_failed, and so on. Each gets the batch, the job's id and key, its fields
-- (see held_job and read_more) and what the report says besides.

local OUTCOMES = {}

-- How many ARGV entries a report of each kind takes, id, token and kind included.
local REPORT_SIZE = { returned = 3, completed = 4, failed = 8, deferred = 7, released = 4, interrupted = 3 }

local function read_more(key, job)
  local values = redis.call('HMGET', key, 'c', 'p', 'at', 'df')
  job.c, job.p, job.at, job.df = values[1] or nil, values[2] or nil, values[3] or nil, values[4] or nil
end
