-- A job's last delivery, in one field `l`: '<token> <taken at, ms> <its number> <place in the order> <worker>'. One field,
-- because what a job costs the store follows the number of fields that are written for it.

local PACKED = '^(%d+) (%d+) (%d+) (%S+) (.*)$'

-- All but the token may be numbers: a time in ms has the 13 digits that Lua writes exactly, a token has more.
local function pack_delivery(token, taken_at, number, score, worker)
  return token .. ' ' .. taken_at .. ' ' .. number .. ' ' .. score .. ' ' .. worker
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

-- How often the job was delivered, nil when the field is no delivery.
local function delivery_number(l)
  local _, _, number = unpack_delivery(l)
  return tonumber(number)
end

-- The place in the order that the job was taken from, nil when it is not known.
local function taken_from(l)
  local _, _, _, score = unpack_delivery(l)
  return tonumber(score)
end

-- When the job was taken, in ms as text, nil when it is not known.
local function taken_at(l)
  local _, at = unpack_delivery(l)
  return at
end

local function delivery_worker(l)
  local _, _, _, _, worker = unpack_delivery(l)
  return worker or string.match(l or '', '^%d+ (.*)$') or ''
end

-- Whether the delivery is the one with this token, to this worker: its two ends say so, in the form before 1.6 too, and to
-- look at them costs a fifth of unpacking it.
local function is_holder(l, token, worker)
  return string.find(l or '', token .. ' ', 1, true) == 1 and string.sub(l, -#worker - 1) == ' ' .. worker
end

-- The field `l` of the job at `key` in the present form; nil unless it is the delivery with this token, to this worker.
local function held_delivery(key, l, token, worker)
  if not is_holder(l, token, worker) then return nil end
  local is_older = #l == #token + 1 + #worker -- nothing between its ends
  return is_older and current_delivery(key, l) or l
end

-- Whether the delivery with this token is known to be the job's first: '1' stands behind the time it was taken at.
local function is_first_delivery(l, token)
  local at = #token + TIME_SIZE + 2
  return string.sub(l, at, at + 2) == ' 1 '
end

-- The same delivery, not counted.
local function uncount_delivery(l)
  local token, taken_at, number, score, worker = unpack_delivery(l)
  if not token then return l end
  return pack_delivery(token, tonumber(taken_at), math.max(tonumber(number) - 1, 0), score, worker)
end
