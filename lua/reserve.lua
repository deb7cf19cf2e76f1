-- Holds units of one SKU for each request: all or nothing per request, in their order. A grant that is held already is
-- granted again, takes nothing more, and lives on for another lifetime. Grants past their lifetime are dropped first.
--
-- KEYS    1 stock   hash: base, version, base_at (ms), granted (units of all grants)
--         2 grants  hash: grant -> units
--         3 lapses  sorted set: grants by the time they lapse (ms)
--         4 flow    list of JSON entries, the newest first
-- ARGV    1 lifetime of a grant (ms)
--         2 entries that the flow keeps
--         3 lifetime of the flow after its last entry (s)
--         then per request: grant, units, who asks (a JSON text)
-- Result  nil if the SKU is not known; otherwise base, version, age of the base (ms), and per request two numbers:
--         1, 0 if granted; 0, available if refused

local stock, grants, lapses, flow = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local lifetime, flow_max, flow_lifetime = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
-- More values than this are not passed on at once: Lua's stack has an end.
local CHUNK = 3000

local known = redis.call('HMGET', stock, 'base', 'version', 'base_at', 'granted')
if not known[2] then
  return false
end
local base, version, base_at = tonumber(known[1]), tonumber(known[2]), tonumber(known[3])
local granted = tonumber(known[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lapses_at = now + lifetime
local entries = {}

local function whole(number)
  return string.format('%.0f', number)
end

local function note(who, operation, id, change)
  local after = base - granted
  entries[#entries + 1] = string.format(
    '{"who":%s,"operation":"%s","id":"%s","before":%.0f,"after":%.0f,"change":%.0f,"time":%.0f}',
    who, operation, id, after - change, after, change, now
  )
end

local function in_chunks(command, key, values)
  for first = 1, #values, CHUNK do
    redis.call(command, key, unpack(values, first, math.min(first + CHUNK - 1, #values)))
  end
end

-- Half of what was held is gone, evicted say: then none of it can be relied on, and the store decides anyway.
local held = redis.call('HLEN', grants)
if held ~= redis.call('ZCARD', lapses) then
  redis.call('DEL', grants, lapses)
  held = 0
end
if held == 0 then
  granted = 0
else
  for _, grant in ipairs(redis.call('ZRANGEBYSCORE', lapses, '-inf', '(' .. whole(now))) do
    local units = tonumber(redis.call('HGET', grants, grant)) or 0
    redis.call('HDEL', grants, grant)
    redis.call('ZREM', lapses, grant)
    granted = granted - units
    note('"ledger"', 'lapse', grant, units)
  end
  -- A clock that went back, in a failover say, must not keep grants for longer than a lifetime.
  for _, grant in ipairs(redis.call('ZRANGEBYSCORE', lapses, '(' .. whole(lapses_at), '+inf')) do
    redis.call('ZADD', lapses, lapses_at, grant)
  end
end

local reply = { base, version, math.abs(now - base_at) }
local is_taken, taken, lives = {}, {}, {}
for first = 4, #ARGV, 3 do
  local grant, units = ARGV[first], tonumber(ARGV[first + 1])
  local is_granted = true
  if not is_taken[grant] and redis.call('HEXISTS', grants, grant) == 0 then
    is_granted = units <= base - granted
    if is_granted then
      is_taken[grant] = true
      taken[#taken + 1] = grant
      taken[#taken + 1] = units
      granted = granted + units
      note(ARGV[first + 2], 'reserve', grant, -units)
    end
  end
  if is_granted then
    lives[#lives + 1] = lapses_at
    lives[#lives + 1] = grant
    reply[#reply + 1] = 1
    reply[#reply + 1] = 0
  else
    reply[#reply + 1] = 0
    reply[#reply + 1] = base - granted
  end
end

in_chunks('HSET', grants, taken)
in_chunks('ZADD', lapses, lives)
if granted ~= tonumber(known[4]) then
  redis.call('HSET', stock, 'granted', granted)
end
if #entries > 0 then
  in_chunks('LPUSH', flow, entries)
  redis.call('LTRIM', flow, 0, flow_max - 1)
  redis.call('EXPIRE', flow, flow_lifetime)
end
return reply
