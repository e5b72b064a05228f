-- The registry: what is known across queues, in a slot of its own (jobs:{@registry}:...).

local function registry_key(meta, name)
  return string.sub(meta, 1, -5) .. name
end
