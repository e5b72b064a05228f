-- Error groups: every failed job is in exactly one, by its type, its error's class and the error's normalised first line.
-- The calls that let a job fail, be retried, replaced, removed or pruned keep them; a group without jobs does not exist.
-- g:<group> holds the jobs by end, groups the groups by size, groups:about what each is ("<name>\0<class>\0<line>").

local READ_BYTES = 500
local LINE_BYTES = 200

-- The text cut to `limit` bytes, without half a UTF-8 character at its end.
local function cut(text, limit)
  if #text <= limit then return text end
  local function inside() return string.byte(text, limit + 1) >= 128 and string.byte(text, limit + 1) < 192 end
  while limit > 0 and inside() do limit = limit - 1 end
  return string.sub(text, 1, limit)
end

-- A placeholder for a word that is an address or a digest, nil for any other.
local function hex_word(word)
  local is_digest = #word >= 8 and string.find(word, '^%x+$') and string.find(word, '%a') and string.find(word, '%d')
  if is_digest or string.find(word, '^0[xX]%x+$') then return '<hex>' end
end

-- The first line of an error without what differs from job to job: quoted text, UUIDs, hexadecimal and other numbers.
local function error_line(reason)
  local line = ' ' .. cut(string.match(reason, '[^%s%c][^\r\n]*') or '', READ_BYTES)
  line = string.gsub(line, '"[^"]*"', '<text>')
  line = string.gsub(line, '`[^`]*`', '<text>')
  line = string.gsub(line, "([^%w])'[^']*'", '%1<text>')
  line = string.gsub(line, '%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x', '<uuid>')
  line = string.gsub(line, '%w+', hex_word)
  line = string.gsub(line, '%d[%d.,:]*%d', '<number>')
  line = string.gsub(line, '%d', '<number>')
  line = string.gsub(line, '[%s%c]+', ' ')
  return cut(string.match(line, '^ ?(.-) ?$'), LINE_BYTES)
end

-- A group's place among the others, after it got or lost a job.
local function rank_group(queue, group)
  local size = redis.call('ZCARD', queue.prefix .. 'g:' .. group)
  if size > 0 then return redis.call('ZADD', queue.prefix .. 'groups', size, group) end
  redis.call('ZREM', queue.prefix .. 'groups', group)
  redis.call('HDEL', queue.prefix .. 'groups:about', group)
end

-- Take a job out of its group; nothing when it is in none. Its hash still has to be there.
local function leave_group(queue, id)
  local group = redis.pcall('HGET', job_key(queue, id), 'g')
  if type(group) ~= 'string' then return end
  redis.call('ZREM', queue.prefix .. 'g:' .. group, id)
  rank_group(queue, group)
end

-- Put a job that fails now into its group. `ending` is dead or cancelled; groups never mix the two, and the first letter
-- of a group's name tells which it holds.
local function join_group(queue, id, key, reason, class, ending)
  leave_group(queue, id)
  local about = job_name(key, redis.call('HGET', key, 'm')) .. '\0' .. class .. '\0' .. error_line(reason)
  local group = string.sub(ending, 1, 1) .. string.sub(redis.sha1hex(about), 1, 16)
  redis.call('HSET', key, 'g', group)
  redis.call('ZADD', queue.prefix .. 'g:' .. group, queue.now, id)
  if rank_group(queue, group) == 1 then redis.call('HSET', queue.prefix .. 'groups:about', group, about) end
end
