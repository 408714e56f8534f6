-- When the next call may depart: the ladder (as quota/ladder.py, which says why), leases, tickets, lanes.

local function share()
  if state.rung < 0 then return FASTER ^ (-1 - state.rung) end
  return SLOWER ^ max(0, state.rung - 1)
end

local function spacing() return ask.spacing / share() end

-- How long the two windows hold a call, less what of a round trip is certain to come again.
local function holds()
  local certain = state.answers >= CALM and state.quickest or 0
  return max(0, ask.hold - WINDOW_TRUST * certain), max(0, ask.per_call / share() - SPACING_TRUST * certain)
end

-- Microseconds for each call, with round trips of a length.
local function per_call(flight)
  local of_window, of_spacing = holds()
  if state.rung < 0 then return spacing() end
  return max(spacing(), (of_window + flight) / ask.slots, state.rung > 0 and of_spacing + flight or 0)
end

-- By then most answers have come. Where one has not, its process reports it: the others need not wait for a report of each.
local function expected_flight() return min(state.flight + 2 * state.deviation, ARRIVED_AFTER) end

local function learn_flight(flight)
  if state.answers == 0 then state.flight, state.deviation = flight, flight / 2 end
  state.answers = min(CALM, state.answers + 1)
  state.deviation = floor(state.deviation + (abs(flight - state.flight) - state.deviation) * SMOOTHING)
  state.flight = floor(state.flight + (flight - state.flight) * SMOOTHING)
  state.quickest = min(flight, state.quickest * FLOOR_GROWTH)
end

-- Calls without a refusal that earn a rung.
local function calm() return CALM * min(1, share()) end

local function accepted(departed)
  if departed < state.refused_at then return end -- in flight together with a refused one
  state.run = min(CALM * MOST_PATIENCE, state.run + 1)
  if state.trying == 1 and state.run >= calm() then state.trying, state.patience = 0, LEAST_PATIENCE end
  if state.rung <= ask.lowest_rung or state.run < calm() * state.patience then return end
  state.run, state.trying, state.rung = 0, 1, state.rung - 1
end

local function refused(departed)
  if departed < state.refused_at + spacing() / 4 then return end -- none departs so soon after
  if state.trying == 1 and state.run < calm() then
    state.patience = min(MOST_PATIENCE, max(1, state.patience * 2))
  elseif state.run >= calm() then
    state.patience = 1
  end
  if state.run < calm() or state.rung < 0 then state.rung = min(SLOWEST_RUNG, state.rung + 1) end
  state.run, state.trying, state.refused_at = 0, 0, now
  state.next = max(now, state.next) + ask.dice * spacing() -- breaks the lock-step with another even pace
end

-- When fewer than so many calls will be in flight, or have arrived within the hold.
local function free_at(calls, hold, leases)
  if leases < calls then return 0 end
  return (number(call('ZRANGE', LEASES, leases - calls, leases - calls, 'WITHSCORES')[2]) or FAR) + hold
end

-- The earliest departure that the pace and the windows allow; each call has arrived when its lease says.
local function earliest()
  local of_window, of_spacing = holds()
  local longest = max(ask.hold, ask.per_call / share())
  call('ZREMRANGEBYSCORE', LEASES, '-inf', now - longest)
  local leases, at = call('ZCARD', LEASES), 0
  if state.rung >= 0 then at = free_at(ask.slots, of_window, leases) end
  if state.rung > 0 then at = max(at, free_at(1, of_spacing, leases)) end
  if at > now + ARRIVED_AFTER + longest + SECOND then -- no lease of ours lasts so long
    call('DEL', LEASES)
    at = now + longest
  end
  state.next = min(state.next, now + 2 * spacing() + ask.settle) -- nor does a spacing
  return max(state.next, at), leases
end

local function lease(at, leases)
  state.serial = state.serial + 1
  state.next = (at - state.next <= ask.catch_up and state.next or at) + spacing()
  call('ZADD', LEASES, at + expected_flight(), state.serial)
  if leases == 0 then call('PEXPIRE', LEASES, TWO_DAYS) end
end

-- Whether a bulk caller lets interactive ones of other processes go first; those of its own its queue has let go.
local function yields()
  return ask.lane == 'bulk' and state.urgent > now and state.urgent_by ~= ask.process and state.earned < 1
end

-- Interactive callers of this process wait until a moment, or none does any more.
local function note_urgent(waits, moment)
  if waits then
    state.urgent, state.urgent_by = moment + spacing() + AHEAD, ask.process
  elseif state.urgent_by == ask.process and state.urgent > 0 then
    state.urgent = 0
    call('PUBLISH', NEWS, 'room')
  end
end

-- As quota/lanes.py ages the bulk lane, for all processes: interactive departures earn bulk permits.
local function note_departure()
  local before = state.earned
  state.earned = max(0, min(2, before + (ask.lane == 'bulk' and -1 or ask.bulk_share / (1 - ask.bulk_share))))
  if before < 1 and state.earned >= 1 then call('PUBLISH', NEWS, 'room') end
  state['served_' .. ask.lane] = max(state['served_' .. ask.lane], ask.ticket)
end

-- Processes that wait in a lane hold tickets, so that each gets as many permits as another, and none comes in vain.
local function count_ahead()
  local issued, served = state['issued_' .. ask.lane], state['served_' .. ask.lane]
  return max(0, (ask.ticket > 0 and ask.ticket - 1 or issued) - served)
end

local function new_ticket()
  local lane = 'issued_' .. ask.lane
  state[lane] = max(state[lane], state['served_' .. ask.lane]) + 1
  return state[lane]
end

-- When it is the turn of the ticket. Where many wait, each departs before the answers of those before it are reported.
local function turn(at)
  local ahead = count_ahead()
  return at + ahead * per_call(ahead < ask.slots - 1 and state.flight or expected_flight())
end
