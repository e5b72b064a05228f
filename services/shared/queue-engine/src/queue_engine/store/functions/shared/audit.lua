-- Records of manual actions, written to the queue's own stream by the call that does them.

-- The action at ARGV[first..first + 4]: event id (behind a space the request id, if one is known), actor, issuer, token id,
-- reason; nil when there is no actor. In a table the request id comes last.
local function read_action(args, first)
  if args[first + 1] == '' then return nil end
  local event, request = string.match(args[first], '^(%S+) (%S+)$')
  return { event or args[first], args[first + 1], args[first + 2], args[first + 3], args[first + 4], request or '' }
end

-- `suffix` tells the records of one bulk action apart.
local function audit(queue, action, verb, id, detail, suffix)
  redis.call('XADD', queue.prefix .. 'audit', '*', 'event', action[1] .. (suffix or ''), 'actor', action[2],
    'issuer', action[3], 'token', action[4], 'reason', action[5], 'action', verb, 'job', id, 'at', queue.now,
    'detail', detail or '{}', 'request', action[6] or '')
end

-- The action that asked for a cancel, as cancel_job stored it. What cannot be read must not stop a settlement.
local function read_request(stored)
  local readable, request = pcall(cjson.decode, stored)
  return readable and type(request) == 'table' and #request >= 5 and request or { '', '', '', '', '' }
end

-- The final word on a cancel request that met a running job.
local function audit_cancel_outcome(queue, id, request, outcome)
  audit(queue, request, 'cancel_outcome', id, cjson.encode({ outcome = outcome }), ':outcome')
end
