-- All schedules of a queue; without their data.
-- KEYS[1] jobs:{queue}:meta
-- ARGV none
-- Returns {'OK', now ms, {id, {fields flat; empty when it cannot be read}, ...}} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: no-writes
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local FIELDS = { 'spec', 'rev', 'next', 'paused', 'cb', 'ct', 'ub', 'ut', 'last', 'due', 'runs', 'failed', 'missed' }
local found = {}
for _, id in ipairs(redis.call('ZRANGE', queue.prefix .. 'schedules', 0, -1)) do
  local values, flat = redis.pcall('HMGET', schedule_key(queue, id), unpack(FIELDS)), {}
  for i, name in ipairs(FIELDS) do
    if values[i] then flat[#flat + 1], flat[#flat + 2] = name, values[i] end
  end
  found[#found + 1], found[#found + 2] = id, flat
end
return { 'OK', queue.now, found }
