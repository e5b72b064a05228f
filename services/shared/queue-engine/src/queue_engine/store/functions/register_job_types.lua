-- Keep the highest version of each job type. A declaration of the version that is kept must agree in queue and schema.
-- KEYS[1] jobs:{@registry}:meta
-- ARGV per type: name, version, fingerprint of queue and schema, declaration (JSON)
-- Returns {'OK', declaration now registered, ...} in order | {'INCOMPATIBLE', name}, and then nothing was changed
-- Flags: allow-oom
local key, reply, write = registry_key(KEYS[1], 'types'), { 'OK' }, {}
for i = 1, #ARGV, 4 do
  local name, version, fingerprint, declaration = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2], ARGV[i + 3]
  local known = redis.call('HGET', key, name)
  local kept_version, kept_fingerprint, kept = string.match(known or '', '^(%d+) (%x+) (.*)$')
  kept_version = tonumber(kept_version) or 0
  if kept_version == version and kept_fingerprint ~= fingerprint then return { 'INCOMPATIBLE', name } end
  if kept_version > version then
    reply[#reply + 1] = kept
  else
    write[#write + 1], write[#write + 2] = name, version .. ' ' .. fingerprint .. ' ' .. declaration
    reply[#reply + 1] = declaration
  end
end
if #write > 0 then redis.call('HSET', key, unpack(write)) end
return reply
