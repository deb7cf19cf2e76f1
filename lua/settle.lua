-- Takes over what the store committed for one SKU: drops exactly the grants that are named, takes the level as the new
-- base unless it is older than the one that is known, and confirms a base of the same version. Absolute, so it may come
-- late or twice. A level that is newer than what was known is told to all who listen.
--
-- KEYS    1 stock   hash: base, version, base_at (ms), granted (units of all grants)
--         2 grants  hash: grant -> units
--         3 lapses  sorted set: grants by the time they lapse (ms)
--         4 flow    list of JSON entries, the newest first
-- ARGV    1 version, 2 available: the level; both empty if there is none
--         3 entries that the flow keeps
--         4 lifetime of the flow after its last entry (s)
--         5 who settles (a JSON text)
--         6 channel, 7 SKU: where a newer level is told, as "SKU version available"
--         then the grants
-- Result  1 if the level is the base now, 0 if there was none or it is older

local stock, grants, lapses, flow = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local version, available = tonumber(ARGV[1]), tonumber(ARGV[2])
local flow_max, flow_lifetime, who = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local FIRST_GRANT = 8

local known = redis.call('HMGET', stock, 'base', 'version', 'granted')
local is_known = known[2] ~= false
if not is_known then
  if not version then
    return 0
  end
  -- What is left of a SKU whose stock is gone belongs to nothing.
  redis.call('DEL', grants, lapses)
end
local base = is_known and tonumber(known[1]) or 0
local granted = is_known and tonumber(known[3]) or 0
local own = is_known and tonumber(known[2]) or -1
local before = base - granted

local dropped = {}
for index = FIRST_GRANT, #ARGV do
  local units = redis.call('HGET', grants, ARGV[index])
  if units then
    redis.call('HDEL', grants, ARGV[index])
    redis.call('ZREM', lapses, ARGV[index])
    granted = granted - units
    dropped[#dropped + 1] = { ARGV[index], tonumber(units) }
  end
end
if #dropped > 0 and redis.call('EXISTS', grants) == 0 then
  granted = 0
end

local is_base = version ~= nil and version >= own
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if is_base then
  base = available
  redis.call('HSET', stock, 'base', base, 'version', version, 'base_at', now, 'granted', granted)
elseif #dropped > 0 then
  redis.call('HSET', stock, 'granted', granted)
end

local entries = {}
local function note(operation, id, from, to)
  entries[#entries + 1] = string.format(
    '{"who":%s,"operation":"%s","id":"%s","before":%.0f,"after":%.0f,"change":%.0f,"time":%.0f}',
    who, operation, id, from, to, to - from, now
  )
end
if version and (#dropped > 0 or (is_base and version > own)) then
  note('settle', ARGV[1], before, base - granted)
elseif not version then
  for _, grant in ipairs(dropped) do
    note('release', grant[1], before, before + grant[2])
    before = before + grant[2]
  end
end
for _, entry in ipairs(entries) do
  redis.call('LPUSH', flow, entry)
end
if #entries > 0 then
  redis.call('LTRIM', flow, 0, flow_max - 1)
  redis.call('EXPIRE', flow, flow_lifetime)
end

if is_base and version > own then
  redis.call('PUBLISH', ARGV[6], ARGV[7] .. ' ' .. ARGV[1] .. ' ' .. ARGV[2])
end
return is_base and 1 or 0
