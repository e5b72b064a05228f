-- Event counts per minute of the last hours.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1] how many hours back (at most 25)
-- Returns {'OK', now ms, {fields flat of the oldest hour}, ..., {of this hour}}; fields are <minute>:<event> | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: no-writes
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local reply, hour = { 'OK', queue.now }, math.floor(queue.now / 3600000)
for h = hour - math.min(tonumber(ARGV[1]), 25), hour do
  reply[#reply + 1] = redis.call('HGETALL', queue.prefix .. 'minutes:' .. h)
end
return reply
