-- Ids of dead jobs, newest or oldest first, with the time each died: what the dead-letter view is merged from.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1] how many (at most 5,000)   ARGV[2] 'dead' or 'g:<error group>'   ARGV[3] 'oldest', 'newest' or ''
-- Returns {'OK', total, id, died ms, ...} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: no-writes
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local key = queue.prefix .. ARGV[2]
local reply = { 'OK', redis.call('ZCARD', key) }
local command = ARGV[3] == 'oldest' and 'ZRANGE' or 'ZREVRANGE'
local found = redis.call(command, key, 0, math.min(tonumber(ARGV[1]), 5000) - 1, 'WITHSCORES')
for i = 1, #found do reply[#reply + 1] = found[i] end
return reply
