-- Tells what the ledger holds for one SKU. It writes nothing: grants past their lifetime are only left out.
--
-- KEYS    1 stock   hash: base, version, base_at (ms), granted (units of all grants)
--         2 grants  hash: grant -> units
--         3 lapses  sorted set: grants by the time they lapse (ms)
-- ARGV    none
-- Result  nil if the SKU is not known; otherwise base, version, available (may be below zero), number of open grants

local stock, grants, lapses = KEYS[1], KEYS[2], KEYS[3]
local known = redis.call('HMGET', stock, 'base', 'version', 'granted')
if not known[2] then
  return false
end
local base, granted = tonumber(known[1]), tonumber(known[3])
local held = redis.call('HLEN', grants)
if held == 0 or held ~= redis.call('ZCARD', lapses) then
  return { base, tonumber(known[2]), base, 0 }
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, grant in ipairs(redis.call('ZRANGEBYSCORE', lapses, '-inf', string.format('(%.0f', now))) do
  granted = granted - (tonumber(redis.call('HGET', grants, grant)) or 0)
  held = held - 1
end
return { base, tonumber(known[2]), base - granted, held }
