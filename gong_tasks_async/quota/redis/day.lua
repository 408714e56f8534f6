-- The day's calls, counted by the second at which they stop counting; and what is told of calls that have ended.

local function uncount(field)
  local left = redis.call('HGET', DAY, field)
  if left and tonumber(left) > 0 then
    redis.call('HINCRBY', DAY, field, -1)
    state.used = math.max(0, state.used - 1)
  end
end

-- Calls that have ended, and turns that were not used: {kind, lease, age, flight, field, departure, generation},
-- see script.py.
local function take_back(returns)
  for _, item in ipairs(returns) do
    local kind, lease, age, flight, field, departure, generation = unpack(item)
    if kind == 'answered' then
      learn_flight(flight)
      redis.call('ZADD', SLOTS, 'XX', whole(now - age + ask.hold - early()), lease)
    elseif kind == 'cut' then -- it may be on its way still: nothing is known of its arrival
      redis.call('ZADD', SLOTS, 'XX', whole(now - age + ask.hold), lease)
    elseif departure >= now and generation == state.generation then
      redis.call('ZADD', HOLES, whole(departure), lease)
      redis.call('PEXPIRE', HOLES, MINUTE)
    else
      redis.call('ZREM', SLOTS, lease)
    end
    if field > 0 then uncount(whole(field)) end
  end
end

-- Forget what counts no longer at a moment, and count anew.
local function sweep(moment)
  if moment < state.sweep_at * SECOND then return end
  local used, earliest, fields = 0, math.huge, redis.call('HGETALL', DAY)
  for place = 1, #fields, 2 do
    local freed = tonumber(fields[place])
    if freed * SECOND <= moment then
      redis.call('HDEL', DAY, fields[place])
    else
      used, earliest = used + tonumber(fields[place + 1]), math.min(earliest, freed)
    end
  end
  state.used, state.sweep_at = used, earliest == math.huge and 0 or earliest
end

-- The second at which a call of that moment stops counting; nil where the asker's idea of the day is not ours.
local function freed_at(moment)
  local second = math.floor(moment / SECOND)
  if not ask.turns then return (math.floor(second / BUCKET) + 1) * BUCKET + A_DAY end
  local began, ends, after = unpack(ask.turns)
  if second < began or second >= after then return nil end
  return second < ends and ends or after
end

-- When fewer than are allowed will count, the day being spent.
local function spent_until()
  local flat, freed, left = redis.call('HGETALL', DAY), {}, state.used
  local count = {}
  for place = 1, #flat, 2 do
    freed[#freed + 1] = tonumber(flat[place])
    count[freed[#freed]] = tonumber(flat[place + 1])
  end
  table.sort(freed)
  for _, second in ipairs(freed) do
    left = left - count[second]
    if left < ask.allowed then return second * SECOND end
  end
  return now
end

local function count(field)
  redis.call('PEXPIRE', DAY, TWO_DAYS)
  state.used = state.used + 1
  state.sweep_at = state.sweep_at == 0 and field or math.min(state.sweep_at, field)
  return redis.call('HINCRBY', DAY, whole(field), 1)
end
