-- How a job was made, in its field `m`: '<created at, ms>.<digest> <name>', and ' <window>' when there is more to say, and
-- ' <word> <request>' of a job that a replacing request made. The point says that the job is plain: it has neither settings
-- (c) nor options (o), which need not be looked for; of others, and of all that functions before 1.9 wrote, there is a space.
-- With the digest, of name and data, a repeated enqueue of the id is compared; the window is how long that goes on when the
-- job has ended, in ms, or '-' when the queue's retention says so. A tombstone is '<state> <digest>', with the same word and
-- request. Functions before 1.8 wrote n (name), ts (created at), x (digest, window, request); those before 1.7 the digest
-- alone to x, then the window is in the settings and the request in rq.

local DIGEST_SIZE = 8 -- bytes, which may be any
local UNKNOWN_DIGEST = '\0\0\0\0\0\0\0\0'
local TIME_SIZE = 13 -- digits, until the year 2286
local DIGEST_AT = TIME_SIZE + 2
local NAME_AT = DIGEST_AT + DIGEST_SIZE + 1
local PLAIN_MARK, OTHER_MARK = '.', ' '
local WHOLE_MADE = '^%d%d%d%d%d%d%d%d%d%d%d%d%d([ .])........ [^ ]' -- the time, the mark, the digest, a name's first letter

local function pack_made(created, digest, name)
  return created .. OTHER_MARK .. digest .. ' ' .. name
end

-- Name and time of creation in ms of the job at `key`, by its field `m`; nil for what cannot be read.
local function read_made(key, m)
  if not m then
    local older = redis.call('HMGET', key, 'n', 'ts')
    return older[1] or nil, tonumber(older[2] or nil)
  end
  local stop = string.find(m, ' ', NAME_AT, true)
  local name = string.sub(m, NAME_AT, stop and stop - 1)
  return name ~= '' and name or nil, tonumber(string.sub(m, 1, TIME_SIZE))
end

-- The field `m` of the job at `key`, made up from what functions before 1.8 wrote where it has none, and whether the job is
-- plain; nil when name or time of creation cannot be read.
local function whole_made(key, m)
  if m then
    local mark = string.match(m, WHOLE_MADE)
    return mark and m, mark == PLAIN_MARK
  end
  local name, created = read_made(key)
  return name and created and pack_made(string.format('%013d', created), UNKNOWN_DIGEST, name)
end

-- The name, '?' when it cannot be read.
local function job_name(key, m)
  local name = read_made(key, m)
  return name or '?'
end

local function read_older_identity(key)
  local job = redis.call('HMGET', key, 'x', 'c', 'rq')
  local x = job[1] or ''
  local window, by = string.match(x, '^(%S+) ?(.*)$', DIGEST_SIZE + 2)
  if not window then window, by = dedup_window(job[2] or nil), job[3] or '' end
  return string.sub(x, 1, DIGEST_SIZE), tonumber(window), by ~= '' and by or nil
end

-- Digest, deduplication window in ms (nil: the queue's) and what made the job ('<word> <request>'; nil: no replacing
-- request), of the job at `key` by its field `m`.
local function read_identity(key, m)
  if not m then return read_older_identity(key) end
  local digest, stop = string.sub(m, DIGEST_AT, NAME_AT - 2), string.find(m, ' ', NAME_AT, true)
  if not stop then return digest end
  local window, by = string.match(m, '^(%S+) ?(.*)$', stop + 1)
  return digest, tonumber(window), by ~= '' and by or nil
end

-- Give a job that cannot be read what it misses of this.
local function complete_made(key, now)
  local m = redis.call('HGET', key, 'm')
  local name, created = read_made(key, m)
  if name and created then return end
  local digest = read_identity(key, m)
  if #digest < DIGEST_SIZE then digest = UNKNOWN_DIGEST end
  redis.call('HSET', key, 'm', pack_made(created or now, digest, name or '?'))
end

-- State, digest and what made the job.
local function read_tombstone(tombstone)
  local state, rest = string.match(tombstone, '^(%a+) (.*)$')
  return state, string.sub(rest, 1, DIGEST_SIZE), string.sub(rest, DIGEST_SIZE + 2)
end

-- The word that this very request was answered with before; nil when it was not.
local function answered_before(by, request)
  local word, name = string.match(by or '', '^(%u+) (.+)$')
  return name == request and word or nil
end
