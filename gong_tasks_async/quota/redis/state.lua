-- One company's quota, decided in one atomic step. Moments and lengths are whole microseconds of the server's clock.
-- KEYS: state, leases, day, news; of one hash tag, so that they live on one node of a Cluster. ARGV: the request as JSON
-- (session.py). The reply is a flat list whose first item names its kind. This file, pace.lua, day.lua and steps.lua are
-- one script, in this order; numbers that Python has too stand for their names in it (commands.py). Functions are fields of
-- tables: each run makes them all, and each outer local that a function uses is searched for among all that others use.

local call, max, min, floor, abs = redis.call, math.max, math.min, math.floor, math.abs
local STATE, LEASES, COUNTS, NEWS = unpack(KEYS)
local ask = cjson.decode(ARGV[1])
local clock = call('TIME')
local now = clock[1] * SECOND + clock[2]

-- One field of the state, in this order, in binary: to read and write each number as text took a third of a run. Where the
-- order changes, the field's name does.
local NUMBERS = 'numbers 1'
local NAMES = {
  'epoch', 'serial', 'seen', 'next', 'paused', 'spent', 'probed', 'probe', 'used', 'sweep_at', 'tidy_at', 'rung', 'run', 'patience',
  'trying', 'refused_at', 'answers', 'flight', 'deviation', 'quickest', 'earned', 'urgent', 'urgent_by', 'issued_bulk',
  'served_bulk', 'issued_interactive', 'served_interactive',
}
local INITIAL = {patience = 1, quickest = HOUR}
local state = {}

local struct = rawget(_G, 'struct') -- any Redis has it; a stand-in for one in a test may have JSON alone
local DOUBLES = '<' .. string.rep('d', #NAMES)

local function read_numbers(text)
  if struct then return {struct.unpack(DOUBLES, text)} end
  return cjson.decode(text)
end

-- What stands in a key, where it is a number that can be one of ours; nil for any other text.
local function number(text)
  local value = tonumber(text)
  return value and abs(value) < FAR and value or nil -- false for a NaN too
end

local function forget_leases()
  call('DEL', LEASES)
  state.tidy_at = 0
end

-- Anyone may have written to the keys, and a clock may have moved: nothing is trusted beyond what it can be.
local function load()
  local fine, stored = pcall(read_numbers, call('HGET', STATE, NUMBERS) or '')
  if not fine or type(stored) ~= 'table' then stored = {} end
  for place, name in ipairs(NAMES) do
    local value = stored[place]
    local sane = type(value) == 'number' and value < FAR and (value >= 0 or name == 'rung') -- not a NaN either
    state[name] = sane and value or INITIAL[name] or 0
  end
  local behind = state.seen - now
  if behind > SECOND then -- set back, as after a failover: the moments follow, and the processes report what they know
    for _, name in ipairs({'next', 'paused', 'spent', 'probed', 'refused_at', 'urgent'}) do state[name] = state[name] - behind end
    forget_leases()
    state.epoch = state.epoch + 1
  end
  state.seen = now
  state.paused, state.spent = min(state.paused, now + A_DAY), min(state.spent, now + A_DAY)
  state.urgent, state.tidy_at = min(state.urgent, now + 60 * SECOND), min(state.tidy_at, now + HOUR)
  if state.flight + state.deviation > 60 * SECOND then state.flight, state.deviation, state.answers = 0, 0, 0 end
  for _, lane in ipairs({'_bulk', '_interactive'}) do -- no company has a thousand processes that wait
    if abs(state['issued' .. lane] - state['served' .. lane]) > 1000 then state['served' .. lane] = state['issued' .. lane] end
  end
  state.refused_at, state.rung = min(state.refused_at, now), max(FASTEST_RUNG, min(SLOWEST_RUNG, state.rung))
end

local function save()
  local numbers = {unpack(NAMES)}
  for place, name in ipairs(NAMES) do numbers[place] = state[name] end
  local text = struct and struct.pack(DOUBLES, unpack(numbers)) or cjson.encode(numbers)
  if not ask.waiters then return call('HSET', STATE, NUMBERS, text) end
  call('HSET', STATE, NUMBERS, text, 'waiting ' .. ask.process, table.concat({floor(now / SECOND), unpack(ask.waiters)}, ' '))
end

local function reply(...)
  save()
  return {...}
end
