-- Erasing a subject: a person, by the id that payloads name. The subject's jobs go, with all that belongs to them; where
-- other jobs speak of it, the words are blotted out; what cannot be decided here is told, and left to people.

local new_erasure, erase_job, erase_tombstone, check_schedule, record_erasure

do -- for Lua has room for 200 locals beside each other, and the helpers below are nobody else's
  local ERASED = '[erased]'
  local WHOLE = { r = true, pg = true } -- JSON, which stays JSON only when it is replaced as a whole
  local LINKS = { pa = true, cx = true } -- of no use once a part is blotted out

  -- `forms` are the ways in which texts may write the subject, `fields` the marked payload fields by job type.
  function new_erasure(queue, action, subject, forms, fields, dry_run)
    return {
      queue = queue, action = action, subject = subject, forms = forms, fields = fields, dry_run = dry_run,
      found = {}, removed = {}, redacted = {},
    }
  end

  local function is_word_byte(byte)
    return byte and (byte >= 128 or string.find(string.char(byte), '%w') ~= nil) or false
  end

  -- The text with a form blotted out wherever it stands as words of its own.
  local function blot_form(text, form)
    local parts, from, at = {}, 1, 1
    while true do
      local first, last = string.find(text, form, at, true)
      if not first then break end
      if is_word_byte(string.byte(text, first - 1)) or is_word_byte(string.byte(text, last + 1)) then
        at = first + 1
      else
        parts[#parts + 1] = string.sub(text, from, first - 1) .. ERASED
        from, at = last + 1, last + 1
      end
    end
    return #parts == 0 and text or table.concat(parts) .. string.sub(text, from)
  end

  local function blot(erasure, text)
    for _, form in ipairs(erasure.forms) do text = blot_form(text, form) end
    return text
  end

  -- Quick, and right when it says no.
  local function may_mention(erasure, text)
    for _, form in ipairs(erasure.forms) do
      if string.find(text, form, 1, true) then return true end
    end
    return false
  end

  local function mentions(erasure, text)
    return may_mention(erasure, text) and blot(erasure, text) ~= text
  end

  -- Whether a marked field of the payload is the subject. Only texts with a backslash can hide what they say.
  local function is_about(erasure, name, data)
    local fields = erasure.fields[name]
    if not fields or not (may_mention(erasure, data) or string.find(data, '\\', 1, true)) then return false end
    local readable, payload = pcall(cjson.decode, data)
    if not readable or type(payload) ~= 'table' then return false end
    for _, field in ipairs(fields) do
      if payload[field] == erasure.subject then return true end
    end
    return false
  end

  -- Note what becomes of a job: removed, redacted, or why it is left.
  local function tell(erasure, id, word)
    erasure.found[#erasure.found + 1] = { id, word }
    local list = erasure[word]
    if list then list[#list + 1] = blot(erasure, id) end
  end

  -- A job's fields with the subject in them: what to write, what to delete, whether the rest names it too.
  local function blotted_fields(erasure, fields)
    local write, delete, rest = {}, {}, false
    if not may_mention(erasure, table.concat(fields, ' ')) then return write, delete, rest end
    for i = 1, #fields, 2 do
      local field, text = fields[i], fields[i + 1]
      if mentions(erasure, text) then
        if field == 'e' or WHOLE[field] then
          write[#write + 1], write[#write + 2] = field, field == 'e' and blot(erasure, text) or '"' .. ERASED .. '"'
        elseif LINKS[field] then
          delete[#delete + 1] = field
        else
          rest = true
        end
      end
    end
    return write, delete, rest
  end

  -- Attempts are JSON lists, log lines plain texts. Returns positions (from 0) and what is to stand there.
  local function blotted_lines(erasure, key, is_json)
    local changed = {}
    for i, line in ipairs(redis.call('LRANGE', key, 0, -1)) do
      if mentions(erasure, line) then
        local readable, record = pcall(cjson.decode, line)
        if is_json and readable then
          for at, value in ipairs(record) do
            if type(value) == 'string' then record[at] = blot(erasure, value) end
          end
          changed[#changed + 1] = { i - 1, cjson.encode(record) }
        else
          changed[#changed + 1] = { i - 1, blot(erasure, line) }
        end
      end
    end
    return changed
  end

  local function mentioning_children(erasure, key)
    local ids = {}
    for _, child in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      if mentions(erasure, child) then ids[#ids + 1] = child end
    end
    return ids
  end

  -- What the records of a job say of the subject.
  local function read_mentions(erasure, id, fields)
    local prefix = erasure.queue.prefix
    local seen = { attempts = {}, logs = {}, children = {} }
    seen.write, seen.delete, seen.rest = blotted_fields(erasure, fields)
    if redis.call('EXISTS', prefix .. 'a:' .. id, prefix .. 'l:' .. id, prefix .. 'c:' .. id) > 0 then
      seen.attempts = blotted_lines(erasure, prefix .. 'a:' .. id, true)
      seen.logs = blotted_lines(erasure, prefix .. 'l:' .. id, false)
      seen.children = mentioning_children(erasure, prefix .. 'c:' .. id)
    end
    seen.any = #seen.write + #seen.delete + #seen.attempts + #seen.logs + #seen.children > 0
    return seen
  end

  -- Blot out what was read. A failed job's error may put it into another group, and a dead one weighs less now.
  local function write_blotted(erasure, id, seen, job)
    local queue, key = erasure.queue, job_key(erasure.queue, id)
    local prefix, is_dead = queue.prefix, job.s == 'failed' and not job.cn
    if is_dead then leave_dead(queue, id) end
    if #seen.write > 0 then redis.call('HSET', key, unpack(seen.write)) end
    if #seen.delete > 0 then redis.call('HDEL', key, unpack(seen.delete)) end
    for _, line in ipairs(seen.attempts) do redis.call('LSET', prefix .. 'a:' .. id, line[1], line[2]) end
    for _, line in ipairs(seen.logs) do redis.call('LSET', prefix .. 'l:' .. id, line[1], line[2]) end
    if #seen.children > 0 then redis.call('ZREM', prefix .. 'c:' .. id, unpack(seen.children)) end
    if job.s == 'failed' and job.e then
      join_group(queue, id, key, blot(erasure, job.e), job.cn and '' or job.ec or '', job.cn and 'cancelled' or 'dead')
    end
    if is_dead then join_dead(queue, id, key) end
  end

  local function erase_removed(erasure, id, state)
    if not erasure.dry_run then
      unindex(erasure.queue, id, state)
      unlink_job(erasure.queue, id)
      redis.call('HINCRBY', erasure.queue.meta, 'n:removed', 1)
    end
    tell(erasure, id, 'removed')
  end

  -- One job: the subject's own is removed, another's is redacted, one that runs is left.
  function erase_job(erasure, id)
    local fields = redis.pcall('HGETALL', job_key(erasure.queue, id))
    if fields.err or #fields == 0 then return end
    local job = {}
    for i = 1, #fields, 2 do job[fields[i]] = fields[i + 1] end
    local about = is_about(erasure, job_name(job_key(erasure.queue, id), job.m), job.d or '')
    if about and job.s ~= 'active' then return erase_removed(erasure, id, job.s) end
    local seen, named = read_mentions(erasure, id, fields), mentions(erasure, id)
    if job.s == 'active' then
      if about or named or seen.any or seen.rest then tell(erasure, id, 'active') end
      return
    end
    if seen.any then
      if not erasure.dry_run then write_blotted(erasure, id, seen, job) end
      tell(erasure, id, 'redacted')
    end
    if named or seen.rest then tell(erasure, id, named and 'id' or 'data') end
  end

  -- A tombstone tells by its id only.
  function erase_tombstone(erasure, id)
    local key = erasure.queue.prefix .. 't:' .. id
    if not mentions(erasure, id) or redis.call('EXISTS', key) == 0 then return end
    if not erasure.dry_run then redis.call('UNLINK', key) end
    tell(erasure, id, 'redacted')
  end

  -- A schedule makes such jobs again and again, until a person changes it.
  function check_schedule(erasure, id)
    for _, text in ipairs(redis.call('HMGET', schedule_key(erasure.queue, id), 'spec', 'data')) do
      if text and mentions(erasure, text) then return tell(erasure, id, 'schedule') end
    end
  end

  -- One record for what a call changed. It names no subject.
  function record_erasure(erasure)
    local detail = {}
    for _, word in ipairs({ 'removed', 'redacted' }) do
      if #erasure[word] > 0 then detail[word] = erasure[word] end
    end
    if erasure.dry_run or not next(detail) then return end
    audit(erasure.queue, erasure.action, 'erase_subject', '', cjson.encode(detail))
  end
end
