-- One company's quota, in one atomic step. All times are whole microseconds of the server's clock.
--
-- KEYS: state, slots, day, people, holes, callers, news; all of one hash tag.
-- ARGV: what is asked, as JSON (script.py writes it). The answer is a flat list whose first item is its kind.
--
-- A script is one step for everybody: nothing comes in between, and Redis logs and replicates it as a whole.

local STATE, SLOTS, DAY, PEOPLE, HOLES, CALLERS, NEWS = unpack(KEYS)
local ask = cjson.decode(ARGV[1])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

local TWO_DAYS, MINUTE, SECOND = 172800000, 60000, 1000000 -- the first two in milliseconds, for PEXPIRE
local BUCKET, A_DAY = 300, 86400 -- seconds

-- The pace, as quota/pacer.py has it.
local SLOWER, SLOWEST, RECOVERY, STEP, NEAR, MOST_CAUTIOUS, PARTIAL_SLOT = 0.9, 0.2, 0.0005, 0.01, 0.05, 64, 0.1
local NO_CEILING = 1000

local FIELDS = {
  'run', 'epoch', 'next', 'shut', 'day_shut', 'generation', 'share', 'share_at', 'slowed_at', 'ceiling', 'caution',
  'flight', 'quickest', 'earned', 'bulk_until', 'used', 'sweep_at',
}
local state, known = {}, redis.call('HMGET', STATE, unpack(FIELDS))
for place, name in ipairs(FIELDS) do
  state[name] = name == 'run' and (known[place] or '') or tonumber(known[place] or (name == 'share' and 1)
    or (name == 'caution' and 1) or (name == 'ceiling' and NO_CEILING) or 0)
end

local function whole(number) return string.format('%.0f', number) end

local function save()
  local pairs_of = {}
  for place, name in ipairs(FIELDS) do
    local value = state[name]
    if type(value) == 'number' then value = string.format('%.17g', value) end
    if value ~= (known[place] or '') then
      pairs_of[#pairs_of + 1] = name
      pairs_of[#pairs_of + 1] = value
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
  return before and string.sub(info, before + 1, before + 40) or 'unknown'
end

local function spacing() return ask.spacing / state.share end

local function slots() return math.max(1, math.ceil(ask.slots * state.share - PARTIAL_SLOT)) end

-- What of a flight is certain to come again; see quota/slots.py on why a slot may be freed so much earlier.
local function early() return math.min(0.8 * state.quickest, ask.hold) end

-- Before the first answer a flight is taken to be of a fair length.
local function expected_flight() return state.flight > 0 and state.flight or ask.hold / 4 end

-- Mean and least of the flights of late, each answer moving them a little (the mean as in RFC 6298).
local function learn_flight(flight)
  if state.flight == 0 then
    state.flight, state.quickest = flight, flight
  end
  state.flight = state.flight + (flight - state.flight) / 8
  state.quickest = math.min(flight, state.quickest + (flight - state.quickest) / 32)
end

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

local function set_share(share)
  state.share, state.share_at = share, now
end

local function speed_up()
  if state.share > state.ceiling + NEAR then state.ceiling, state.caution = NO_CEILING, 1 end
  if state.share >= 1 then return end
  local earned = RECOVERY * (now - state.share_at) / SECOND
  if state.share + earned > state.ceiling - NEAR then earned = earned / state.caution end
  if earned >= STEP then set_share(math.min(1, state.share + earned)) end
end

-- Refusals of calls that were under way together are one and the same jam.
local function slow_down()
  if now - state.slowed_at < spacing() + state.flight then return end
  state.slowed_at = now
  local again = math.abs(state.share - state.ceiling) <= NEAR
  state.caution = again and math.min(MOST_CAUTIOUS, state.caution * 4) or 1
  state.ceiling = state.share
  set_share(math.max(SLOWEST, state.share * SLOWER))
end

local function people_elsewhere()
  redis.call('ZREMRANGEBYSCORE', PEOPLE, '-inf', whole(now))
  local latest = redis.call('ZRANGE', PEOPLE, -1, -1, 'WITHSCORES')
  return latest[1] and tonumber(latest[2]) or 0
end

-- Microseconds for which a machine leaves room for people of other processes; 0 for none. In its own process the
-- line has seen to that already.
local function leave_room()
  if ask.lane ~= 'bulk' or ask.people > 0 then return 0 end
  local until_when = people_elsewhere()
  if until_when <= now or state.earned >= 1 then return 0 end
  local wait = until_when - now
  if ask.bulk_share > 0 then
    local departures = math.ceil((1 - state.earned) * (1 - ask.bulk_share) / ask.bulk_share)
    wait = math.min(wait, math.max(0, state.next - now) + departures * spacing())
  end
  state.bulk_until = now + wait + SECOND
  return wait
end

-- Aging, as quota/line.py has it, for all processes: people's departures earn turns for the machines that wait.
local function note_lanes(departure)
  if ask.lane == 'bulk' then
    state.earned = math.max(0, state.earned - 1)
  elseif ask.machines > 0 or state.bulk_until > now then
    state.earned = state.earned + ask.bulk_share / (1 - ask.bulk_share)
  else
    state.earned = 0
  end
  if ask.people > 0 then
    redis.call('ZADD', PEOPLE, whole(departure + SECOND), ask.process)
    redis.call('PEXPIRE', PEOPLE, MINUTE)
  elseif redis.call('ZREM', PEOPLE, ask.process) == 1 and redis.call('ZCARD', PEOPLE) == 0
    and state.bulk_until > now then
    redis.call('PUBLISH', NEWS, 'room')
  end
  redis.call('HSET', CALLERS, ask.process, whole(departure + SECOND) .. ' ' .. ask.people .. ' ' .. ask.machines)
  redis.call('PEXPIRE', CALLERS, MINUTE)
end

-- When a slot will be free. A call that is under way is expected to take as long as calls have taken of late.
local function slot_free_at()
  redis.call('ZREMRANGEBYSCORE', SLOTS, '-inf', whole(now))
  local spare = redis.call('ZCARD', SLOTS) - slots()
  if spare < 0 then return now end
  return tonumber(redis.call('ZRANGE', SLOTS, spare, spare, 'WITHSCORES')[2])
end

-- The earliest turn that somebody has given back, or a new one: departure and lease.
local function next_turn()
  redis.call('ZREMRANGEBYSCORE', HOLES, '-inf', '(' .. whole(now))
  local hole = redis.call('ZRANGE', HOLES, 0, 0, 'WITHSCORES')
  if hole[1] then return tonumber(hole[2]), hole[1] end
  return math.max(now, state.next, slot_free_at()), nil
end

local function occupy(departure, hole)
  if hole then
    redis.call('ZREM', HOLES, hole)
    return hole
  end
  state.next = math.max(state.next, departure - ask.catch_up) + spacing()
  redis.call('ZADD', SLOTS, whole(departure + expected_flight() + ask.hold - early()), ask.lease)
  redis.call('PEXPIRE', SLOTS, whole(MINUTE + math.ceil((departure - now + ask.hold) / 1000)))
  return ask.lease
end

local function count(field)
  redis.call('PEXPIRE', DAY, TWO_DAYS)
  state.used = state.used + 1
  state.sweep_at = state.sweep_at == 0 and field or math.min(state.sweep_at, field)
  return redis.call('HINCRBY', DAY, whole(field), 1)
end

local function take()
  if ask.epoch ~= state.epoch or server_run() ~= state.run then return answer('stranger') end
  take_back(ask.returns)
  if state.shut > now then return answer('shut', state.shut - now, state.day_shut) end
  local room = leave_room()
  if room > 0 then return answer('room', room) end
  speed_up()
  local departure, hole = next_turn()
  local field = freed_at(departure)
  if not field then return answer('clock', now) end
  sweep(departure)
  if state.used >= ask.allowed then return answer('spent', spent_until() - now, state.used) end
  if departure - now > ask.patience then return answer('late', departure - now) end
  local lease = occupy(departure, hole)
  note_lanes(departure)
  local in_field = count(field)
  return answer('go', departure - now, departure, lease, state.generation, field, in_field, state.used,
    math.floor(state.share * SECOND + 0.5))
end

-- Whether turns that were given are good still.
local function confirm()
  local good = ask.epoch == state.epoch and ask.generation == state.generation and state.shut <= now
  return answer('confirmed', good and 1 or 0)
end

-- Just the returns, where no turn is wanted.
local function give_back()
  if ask.epoch == state.epoch then take_back(ask.returns) end
  return answer('done')
end

-- Gong has answered 429: nobody leaves before the gate opens, and the turns that were given ahead are void.
local function pause()
  local opens = now + ask.seconds
  if ask.slower then slow_down() end
  if opens > state.shut then
    state.shut, state.day_shut = opens, ask.day_spent and 1 or 0
    state.next = opens
    state.generation = state.generation + 1
    redis.call('DEL', HOLES)
    redis.call('ZREMRANGEBYSCORE', SLOTS, '(' .. whole(now + state.flight + ask.hold - early()), '+inf')
    local news = {'shut', whole(ask.seconds), state.day_shut, whole(state.generation), ask.process}
    redis.call('PUBLISH', NEWS, table.concat(news, ' '))
  end
  return answer('done')
end

-- A process comes, or comes again. What a server has forgotten, its processes remember: the day's counts as they
-- last saw them, and the gate. Of the last moments nobody knows all, so the first turn comes when their windows are over.
local function join()
  local run = server_run()
  if state.epoch == 0 or run ~= state.run then
    state.run, state.epoch = run, math.max(now, state.epoch + 1)
    state.generation = math.max(now, state.generation + 1) -- beyond any that a forgotten life has given
    state.next = math.max(state.next, now + ask.settle)
    redis.call('DEL', HOLES)
  elseif ask.doubt then
    state.next = math.max(state.next, now + ask.settle)
  end
  for _, item in ipairs(ask.known) do
    local seen = tonumber(redis.call('HGET', DAY, whole(item[1])) or 0)
    if item[2] > seen then redis.call('HSET', DAY, whole(item[1]), whole(item[2])) end
  end
  for _, item in ipairs(ask.alone) do redis.call('HINCRBY', DAY, whole(item[1]), whole(item[2])) end
  redis.call('PEXPIRE', DAY, TWO_DAYS)
  if ask.shut > 0 and now + ask.shut > state.shut then
    state.shut, state.day_shut = now + ask.shut, ask.day_spent and 1 or 0
    state.next = math.max(state.next, state.shut)
  end
  state.sweep_at = 0
  sweep(now)
  return answer('joined', state.epoch, state.generation, now)
end

local function look()
  sweep(now)
  local people, machines, stale = 0, 0, {}
  local callers = redis.call('HGETALL', CALLERS)
  for place = 2, #callers, 2 do
    local good_until, some_people, some_machines = string.match(callers[place], '(%d+) (%d+) (%d+)')
    if tonumber(good_until) > now then
      people, machines = people + some_people, machines + some_machines
    end
  end
  local slot_spacing = (ask.hold + state.flight - early()) / slots()
  return answer('state', now, math.max(0, state.next - now), math.max(0, state.shut - now), state.used,
    math.floor(math.max(spacing(), slot_spacing)), people, machines, unpack(redis.call('HGETALL', DAY)))
end

local STEPS = {take = take, confirm = confirm, give_back = give_back, pause = pause, join = join, look = look}
return STEPS[ask.step]()
