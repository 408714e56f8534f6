-- One company's quota, in one atomic step. All times are whole microseconds of the server's clock.
--
-- KEYS: state, slots, day, people, holes, callers, news; all of one hash tag.
-- ARGV: what is asked, as JSON (script.py writes it). The answer is a flat list whose first item is its kind.
-- This file, pace.lua, day.lua and steps.lua are one script, in this order.
--
-- A script is one step for everybody: nothing comes in between, and Redis logs and replicates it as a whole.

local STATE, SLOTS, DAY, PEOPLE, HOLES, CALLERS, NEWS = unpack(KEYS)
local ask = cjson.decode(ARGV[1])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

local TWO_DAYS, MINUTE, SECOND = 172800000, 60000, 1000000 -- the first two in milliseconds, for PEXPIRE
local BUCKET, A_DAY = 300, 86400 -- seconds

local NO_CEILING = 1000

local FIELDS = {
  'run', 'epoch', 'next', 'shut', 'day_shut', 'generation', 'share', 'share_at', 'slowed_at', 'ceiling', 'caution',
  'flight', 'quickest', 'earned', 'bulk_until', 'used', 'sweep_at',
}
local UNKNOWN = {run = '', share = 1, caution = 1, ceiling = NO_CEILING}
local state, before = {}, {}
for place, value in ipairs(redis.call('HMGET', STATE, unpack(FIELDS))) do
  local name = FIELDS[place]
  state[name] = value and (tonumber(value) or value) or UNKNOWN[name] or 0
  before[name] = value and state[name] or nil
end

local function whole(number) return string.format('%.0f', number) end

local function save()
  local pairs_of = {}
  for _, name in ipairs(FIELDS) do
    local value = state[name]
    if value ~= before[name] then
      pairs_of[#pairs_of + 1] = name
      pairs_of[#pairs_of + 1] = type(value) == 'number' and string.format('%.17g', value) or value
    end
  end
  if #pairs_of > 0 then redis.call('HSET', STATE, unpack(pairs_of)) end
  local shut_for = math.max(0, math.ceil((state.shut - now) / 1000))
  redis.call('PEXPIRE', STATE, whole(TWO_DAYS + shut_for))
end

local function answer(...)
  save()
  return {...}
end

-- Which life of which server this is: after a restart or a failover the last moments may be missing in its memory.
local function server_run()
  local ok, info = pcall(redis.call, 'INFO', 'server')
  if not ok or type(info) ~= 'string' then return 'unknown' end -- not allowed to ask
  local _, before = string.find(info, 'run_id:', 1, true)
  return before and 'run ' .. string.sub(info, before + 1, before + 40) or 'unknown' -- never like a number
end
