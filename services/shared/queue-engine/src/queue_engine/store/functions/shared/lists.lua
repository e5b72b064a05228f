-- The lists a job may have beside its hash: attempt records, log lines, the jobs it enqueued. Most have none, which the
-- absence of the field `h` says: then forgetting the job does not look for them.

local LISTS = { 'a:', 'l:', 'c:' }

local function note_list(key)
  redis.call('HSET', key, 'h', '1')
end
