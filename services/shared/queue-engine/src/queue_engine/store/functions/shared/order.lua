-- The order of waiting jobs: score = priority * 2^33 + sequence, exact in a double for priorities up to 1,000,000.

local SEQUENCES = 8589934592 -- 2^33

-- Reserve `amount` sequence numbers; returns the number before the first. The counter starts again when it has grown
-- past its bits and nothing waits; when something does, jobs share the last number until then (ordered by id).
local function reserve_sequence(queue, amount)
  local last = redis.call('HINCRBY', queue.meta, 'sequence', amount)
  if last < SEQUENCES then return last - amount end
  if redis.call('EXISTS', queue.prefix .. 'waiting', queue.prefix .. 'suspects') == 0 then
    redis.call('HSET', queue.meta, 'sequence', amount)
    return 0
  end
  redis.call('HSET', queue.meta, 'sequence', SEQUENCES - 1)
  return SEQUENCES - 1 - amount
end

local function wait_score(priority, sequence)
  if priority == '0' then return sequence end -- nearly all
  return (tonumber(priority) or 0) * SEQUENCES + sequence
end

-- Put a job that was already handed out back where its age puts it; a suspect goes to the suspects.
local function return_to_waiting(batch, id, score, priority, lost)
  index_add(batch, lost > 0 and 'suspects' or 'waiting', tonumber(score) or wait_score(priority, 0), id)
  batch.woken = true
end
