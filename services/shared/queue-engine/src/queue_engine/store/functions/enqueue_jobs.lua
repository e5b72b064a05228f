-- Accept new jobs in order. A known id with the same digest of name and data is answered, not written again.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor or '', issuer, token id, reason)
-- ARGV[6...] per job: id, name, data, digest, when ('' | r<ms> | a<ms>), priority, settings, owner, options, 'return' | 'replace'
-- Returns {'OK', word, state, word, state, ...} with words CREATED | REPLACED | KNOWN | CONFLICT | WRONG_STATE | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: none
local FIRST, SIZE = 6, 10
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local batch, amount = new_batch(queue), (#ARGV - FIRST + 1) / SIZE
local action = read_action(ARGV, 1)
local due, graves = {}, {}
for i = 1, amount do
  local at = FIRST + (i - 1) * SIZE
  due[i] = due_time(queue, ARGV[at + 4])
  wait_score(ARGV[at + 5], 0)
  graves[i] = queue.prefix .. 't:' .. ARGV[at]
end
local tombstones = redis.call('MGET', unpack(graves))
local sequence = reserve_sequence(queue, amount)
local reply = { 'OK' }
for i = 1, amount do
  local at = FIRST + (i - 1) * SIZE
  local id, digest, replace = ARGV[at], ARGV[at + 3], ARGV[at + 9] == 'replace'
  local key = job_key(queue, id)
  local known = redis.pcall('HMGET', key, 's', 'x')
  local word, state
  if known.err then
    word, state = 'CONFLICT', 'failed'
  elseif known[1] and replace then
    word, state = 'WRONG_STATE', known[1]
    if state ~= 'active' then
      flush(batch)
      reopen(queue, id, key, state)
      redis.call('HDEL', key, 'p', 'c', 'u', 'o')
      word, state = 'REPLACED', write_job(batch, ARGV, at, due[i], sequence + i)
      count(batch, 'replaced')
    end
  elseif known[1] then
    word, state = known[2] == digest and 'KNOWN' or 'CONFLICT', known[1]
  elseif tombstones[i] and not replace then
    local grave_state, grave_digest = string.match(tombstones[i], '^(%a+) (.*)$')
    word, state = grave_digest == digest and 'KNOWN' or 'CONFLICT', grave_state
  else
    if tombstones[i] then redis.call('DEL', graves[i]) end
    word, state = 'CREATED', write_job(batch, ARGV, at, due[i], sequence + i)
    count_minute(batch, 'added')
  end
  if action and (word == 'CREATED' or word == 'REPLACED') then
    audit(queue, action, word == 'CREATED' and 'enqueue' or 'replace', id, '{}', amount > 1 and ':' .. id or '')
  end
  reply[#reply + 1], reply[#reply + 2] = word, state
end
flush(batch)
if batch.woken then wake(queue) end
if batch.due then wake_for_delayed(queue, batch.due) end
return reply
