-- A job's settings, packed by the caller into field c: "<attempts> <max age ms> <dedup ms or -> ..."; what follows is
-- for workers only. Absent means the defaults below, which are those of NewJob.

local DEFAULT_ATTEMPTS = 3
local DEFAULT_MAX_AGE = 86400000

local function max_attempts(packed)
  return packed and tonumber(string.match(packed, '^(%d+)')) or DEFAULT_ATTEMPTS
end

local function max_age(packed)
  return packed and tonumber(string.match(packed, '^%d+ (%d+)')) or DEFAULT_MAX_AGE
end

-- How long the id of a finished job is remembered, in ms; nil when they do not say.
local function dedup_window(packed)
  return packed and tonumber(string.match(packed, '^%d+ %d+ (%d+)'))
end
