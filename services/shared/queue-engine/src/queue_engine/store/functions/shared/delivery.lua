-- A job's last delivery, in one field `l`: '<token> <taken at, ms> <its number> <place in the order> <worker>'. One field,
-- because what a job costs the store follows the number of fields that are written for it.

local PACKED = '^(%d+) (%d+) (%d+) (%S+) (.*)$'

local function pack_delivery(token, taken_at, number, score, worker)
  return string.format('%s %d %d %s %s', token, taken_at, number, score, worker)
end

-- Token, taken at, number, place and worker of a field `l`, as text; nil when it is absent or no delivery.
local function unpack_delivery(l)
  return string.match(l or '', PACKED)
end

-- The field `l` of the job at `key`, brought into this form. Functions before 1.6 wrote '<token> <worker>' and kept the rest
-- in t0, dl and q.
local function current_delivery(key, l)
  if not l or string.find(l, PACKED) then return l end
  local token, worker = string.match(l, '^(%d+) (.*)$')
  if not token then return l end
  local rest = redis.call('HMGET', key, 't0', 'dl', 'q')
  l = pack_delivery(token, tonumber(rest[1] or nil) or 0, tonumber(rest[2] or nil) or 0, tonumber(rest[3] or nil) or '-', worker)
  redis.call('HSET', key, 'l', l)
  redis.call('HDEL', key, 't0', 'dl', 'q')
  return l
end

-- How often the job was delivered.
local function delivery_number(l)
  local _, _, number = unpack_delivery(l)
  return tonumber(number) or 0
end

-- The place in the order that the job was taken from, nil when it is not known.
local function taken_from(l)
  local _, _, _, score = unpack_delivery(l)
  return tonumber(score)
end

local function delivery_worker(l)
  local _, _, _, _, worker = unpack_delivery(l)
  return worker or string.match(l or '', '^%d+ (.*)$') or ''
end

-- Whether the delivery is the one with this token, to this worker.
local function is_holder(l, token, worker)
  local own, _, _, _, holder = unpack_delivery(l)
  if own then return own == token and holder == worker end
  return l == token .. ' ' .. worker -- as functions before 1.6 wrote it
end

-- The same delivery, not counted.
local function uncount_delivery(l)
  local token, taken_at, number, score, worker = unpack_delivery(l)
  if not token then return l end
  return pack_delivery(token, tonumber(taken_at), math.max(tonumber(number) - 1, 0), score, worker)
end
