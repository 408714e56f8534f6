-- When the next call may leave: pace, slots, lanes, and the turns that were given back.

-- The pace, as quota/pacer.py has it.
local SLOWER, SLOWEST, RECOVERY, STEP, NEAR, MOST_CAUTIOUS, PARTIAL_SLOT = 0.9, 0.2, 0.0005, 0.01, 0.05, 64, 0.1

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
