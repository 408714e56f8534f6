-- When the next call may depart: the ladder (as quota/ladder.py, which says why), leases, tickets, lanes.

local pace = {}

function pace.share()
  if state.rung < 0 then return FASTER ^ (-1 - state.rung) end
  return SLOWER ^ max(0, state.rung - 1)
end

function pace.spacing() return ask.spacing / pace.share() end

-- How long the two windows hold a call, less what of a round trip is certain to come again.
function pace.holds()
  local certain = state.answers >= CALM and state.quickest or 0
  return max(0, ask.hold - WINDOW_TRUST * certain), max(0, ask.per_call / pace.share() - SPACING_TRUST * certain)
end

-- Microseconds for each call, with round trips of a length.
function pace.per_call(flight)
  if state.rung < 0 then return pace.spacing() end
  local of_window, of_spacing = pace.holds()
  return max(pace.spacing(), (of_window + flight) / ask.slots, state.rung > 0 and of_spacing + flight or 0)
end

-- By then most answers have come. Where one has not, its process reports it: the others need not wait for a report of each.
function pace.expected_flight() return min(state.flight + 2 * state.deviation, ARRIVED_AFTER) end

-- How long before its departure a permit may be granted: so long that a process which comes too early, since an interactive
-- call went first, need not come again; but not so long that a call which is late (session.py) could not be reported before.
function pace.notice()
  local of_window, of_spacing = pace.holds()
  local half = NOTICE_SHARE * (state.rung > 0 and of_spacing or of_window)
  return max(AHEAD, min(1.5 * pace.per_call(state.flight), half, MOST_AHEAD))
end

function pace.learn_flight(flight)
  if state.answers == 0 then state.flight, state.deviation = flight, flight / 2 end
  state.answers = min(CALM, state.answers + 1)
  state.deviation = floor(state.deviation + (abs(flight - state.flight) - state.deviation) * SMOOTHING)
  state.flight = floor(state.flight + (flight - state.flight) * SMOOTHING)
  state.quickest = min(flight, state.quickest * FLOOR_GROWTH)
end

-- Calls without a refusal that earn a rung.
function pace.calm() return CALM * min(1, pace.share()) end

function pace.accepted(departed)
  if departed < state.refused_at then return end -- in flight together with a refused one
  state.run = min(CALM * MOST_PATIENCE, state.run + 1)
  if state.trying == 1 and state.run >= pace.calm() then state.trying, state.patience = 0, LEAST_PATIENCE end
  if state.rung <= ask.lowest_rung or state.run < pace.calm() * state.patience then return end
  state.run, state.trying, state.rung = 0, 1, state.rung - 1
end

function pace.refused(departed)
  if departed < state.refused_at + pace.spacing() / 4 then return end -- none departs so soon after
  if state.trying == 1 and state.run < pace.calm() then
    state.patience = min(MOST_PATIENCE, max(1, state.patience * 2))
  elseif state.run >= pace.calm() then
    state.patience = 1
  end
  if state.run < pace.calm() or state.rung < 0 then state.rung = min(SLOWEST_RUNG, state.rung + 1) end
  state.run, state.trying, state.refused_at = 0, 0, now
  state.next = max(now, state.next) + ask.dice * pace.spacing() -- breaks the lock-step with another even pace
end

-- When fewer than so many calls will be in flight, or have arrived within the hold.
function pace.free_at(calls, hold)
  local arrived = call('ZRANGE', LEASES, -calls, -calls, 'WITHSCORES')[2]
  return arrived and (number(arrived) or FAR) + hold or 0
end

function pace.longest_hold() return max(ask.hold, ask.per_call / pace.share()) end

-- The earliest departure that the pace and the windows allow; each call has arrived when its lease says.
function pace.earliest()
  local of_window, of_spacing = pace.holds()
  local at, longest = 0, pace.longest_hold()
  if state.rung >= 0 then at = pace.free_at(ask.slots, of_window) end
  if state.rung > 0 then at = max(at, pace.free_at(1, of_spacing)) end
  if at > now + ARRIVED_AFTER + longest + SECOND then -- no lease of ours lasts so long
    forget_leases()
    at = now + longest
  end
  state.next = min(state.next, now + 2 * pace.spacing() + ask.settle) -- nor does a spacing
  return max(state.next, at)
end

function pace.lease(at)
  state.serial = state.serial + 1
  state.next = (at - state.next <= ask.catch_up and state.next or at) + pace.spacing()
  call('ZADD', LEASES, at + pace.expected_flight(), state.serial)
  if now < state.tidy_at then return end
  state.tidy_at = now + pace.longest_hold()
  call('ZREMRANGEBYSCORE', LEASES, '-inf', now - pace.longest_hold())
  call('PEXPIRE', LEASES, TWO_DAYS)
end

-- The lanes of all processes.
local lanes = {}

-- Whether a bulk caller lets interactive ones of other processes go first; those of its own its queue has let go.
function lanes.yields()
  return ask.lane == 'bulk' and state.urgent > now and state.urgent_by ~= ask.process and state.earned < 1
end

-- Interactive callers of this process wait until a moment, or none does any more.
function lanes.note_urgent(waits, moment)
  if waits then
    state.urgent, state.urgent_by = moment + pace.spacing() + AHEAD, ask.process
  elseif state.urgent_by == ask.process and state.urgent > 0 then
    state.urgent = 0
    call('PUBLISH', NEWS, 'room')
  end
end

-- As quota/lanes.py ages the bulk lane, for all processes: interactive departures earn bulk permits.
function lanes.note_departure()
  local before = state.earned
  state.earned = max(0, min(2, before + (ask.lane == 'bulk' and -1 or ask.bulk_share / (1 - ask.bulk_share))))
  if before < 1 and state.earned >= 1 then call('PUBLISH', NEWS, 'room') end
  state['served_' .. ask.lane] = max(state['served_' .. ask.lane], ask.ticket)
end

-- Processes that wait in a lane hold tickets, so that each gets as many permits as another, and none comes in vain.
function lanes.count_ahead()
  local issued, served = state['issued_' .. ask.lane], state['served_' .. ask.lane]
  return max(0, (ask.ticket > 0 and ask.ticket - 1 or issued) - served)
end

function lanes.new_ticket()
  local lane = 'issued_' .. ask.lane
  state[lane] = max(state[lane], state['served_' .. ask.lane]) + 1
  return state[lane]
end

-- When it is the turn of the ticket. Where many wait, each departs before the answers of those before it are reported.
function lanes.turn(at)
  local ahead = lanes.count_ahead()
  return at + ahead * pace.per_call(ahead < ask.slots - 1 and state.flight or pace.expected_flight())
end

-- The callers that wait in other processes, as last reported: how many processes, and of each the bulk and interactive ones.
function lanes.waiting()
  local flat, found = call('HGETALL', STATE), {}
  for place = 1, #flat, 2 do
    local process, second, bulk, interactive = string.match(flat[place] .. ' ' .. flat[place + 1], '^waiting (%d+) (%d+) (%d+) (%d+)$')
    bulk, interactive = number(bulk), number(interactive)
    if process and (number(second) or 0) > now / SECOND - WAITERS_KEPT and bulk and interactive and bulk + interactive > 0 then
      if tonumber(process) ~= ask.process and #found < MOST_SECONDS then found[#found + 1], found[#found + 2] = bulk, interactive end
    elseif string.find(flat[place], '^waiting') then
      call('HDEL', STATE, flat[place])
    end
  end
  return found
end
