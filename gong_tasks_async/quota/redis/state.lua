-- One company's quota, decided in one atomic step. Moments and lengths are whole microseconds of the server's clock.
-- KEYS: state, leases, day, news; of one hash tag, so that they live on one node of a Cluster. ARGV: the request as JSON
-- (session.py). The reply is a flat list whose first item names its kind. This file, pace.lua, day.lua and steps.lua are
-- one script, in this order, below the constants that Python has too (commands.py).

local call, max, min, floor, abs = redis.call, math.max, math.min, math.floor, math.abs
local STATE, LEASES, DAY, NEWS = unpack(KEYS)
local ask = cjson.decode(ARGV[1])
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]
local SECOND, HOUR, A_DAY = 1000000, 3600000000, 86400000000
local TWO_DAYS = 172800000 -- milliseconds, for PEXPIRE

local FIELDS = {
  'epoch', 'serial', 'seen', 'next', 'shut', 'day_shut', 'probe', 'used', 'sweep_at', 'rung', 'run', 'patience', 'trying', 'refused_at',
  'answers', 'flight', 'deviation', 'quickest', 'earned', 'urgent', 'urgent_by', 'issued_bulk', 'served_bulk',
  'issued_interactive', 'served_interactive',
}
local INITIAL = {patience = 1, quickest = HOUR}
local state, loaded = {}, {}

-- What stands in a key, where it is a number that can be one of ours; nil for any other text.
local function number(text)
  local value = tonumber(text)
  return value and abs(value) < FAR and value or nil -- false for a NaN too
end

-- Anyone may have written to the keys, and a clock may have moved: nothing is trusted beyond what it can be.
local function load()
  local texts = call('HMGET', STATE, unpack(FIELDS))
  for place = 1, #FIELDS do
    local name, value = FIELDS[place], tonumber(texts[place] or nil)
    if not (value and value < FAR and (value >= 0 or name == 'rung')) then value = INITIAL[name] or 0 end -- a NaN neither
    state[name], loaded[place] = value, value
  end
  local behind = state.seen - now
  if behind > SECOND then -- set back, as after a failover: the moments follow, and the processes report what they know
    for _, name in ipairs({'next', 'shut', 'day_shut', 'refused_at', 'urgent'}) do state[name] = state[name] - behind end
    call('DEL', LEASES)
    state.epoch = state.epoch + 1
  end
  state.seen = now
  state.shut, state.urgent = min(state.shut, now + A_DAY), min(state.urgent, now + 60 * SECOND)
  if state.flight + state.deviation > 60 * SECOND then state.flight, state.deviation, state.answers = 0, 0, 0 end
  for _, lane in ipairs({'_bulk', '_interactive'}) do -- no company has a thousand processes that wait
    if abs(state['issued' .. lane] - state['served' .. lane]) > 1000 then state['served' .. lane] = state['issued' .. lane] end
  end
  state.refused_at, state.rung = min(state.refused_at, now), max(FASTEST_RUNG, min(SLOWEST_RUNG, state.rung))
end

local function reply(...)
  local changed = {}
  for place = 1, #FIELDS do
    local name = FIELDS[place]
    if state[name] ~= loaded[place] then
      changed[#changed + 1] = name
      changed[#changed + 1] = state[name]
    end
  end
  if changed[1] then call('HSET', STATE, unpack(changed)) end
  return {...}
end
