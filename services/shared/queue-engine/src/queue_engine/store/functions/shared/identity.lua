-- What a repeated enqueue of an id is compared with, in a job's field `x`: '<digest> <window in ms or ->', and ' <word> <request>'
-- of a job that a replacing request made. A tombstone is '<state> <digest>' with the same end. Functions before 1.7 wrote
-- the digest alone; then the window is in the settings, and word and request in `rq`.

local DIGEST_SIZE = 8 -- bytes, which may be any

-- `made` is '<word> <request>', or nil.
local function pack_identity(digest, settings, made)
  local window = settings ~= '' and string.match(settings, '^%d+ %d+ (%S+)') or '-'
  return digest .. ' ' .. window .. (made and ' ' .. made or '')
end

local function is_older_identity(x)
  return #x <= DIGEST_SIZE
end

-- Digest, what made the job (as above; nil: no replacing request), and its deduplication window in ms (nil: the queue's).
local function read_identity(key, x)
  if is_older_identity(x) then
    local rest = redis.call('HMGET', key, 'c', 'rq')
    return x, rest[2] or nil, dedup_window(rest[1] or nil)
  end
  local digest, rest = string.sub(x, 1, DIGEST_SIZE), string.sub(x, DIGEST_SIZE + 2)
  if rest == '-' then return digest end
  local window, made = string.match(rest, '^(%S+) ?(.*)$')
  return digest, made ~= '' and made or nil, tonumber(window)
end

-- State, digest and what made the job.
local function read_tombstone(tombstone)
  local state, rest = string.match(tombstone, '^(%a+) (.*)$')
  return state, string.sub(rest, 1, DIGEST_SIZE), string.sub(rest, DIGEST_SIZE + 2)
end

-- The word that this very request was answered with before; nil when it was not.
local function answered_before(made, request)
  local word, by = string.match(made or '', '^(%u+) (.+)$')
  return by == request and word or nil
end
