-- What moves the rung, as quota/ladder.py says, and when the next call may depart. What a rung means, spacing and windows,
-- each request brings for the rung that its process knows (ladder.py again): at another one it is answered 'rung'.

-- Calls without a refusal that earn a rung.
local function calm() return CALM * min(1, SLOWER ^ (state.rung - 1)) end

local function accepted(departed)
  if departed < state.refused_at then return end -- in flight together with a refused one
  if state.run < CALM * MOST_PATIENCE then state.run = state.run + 1 end
  local earned = calm()
  if state.trying == 1 and state.run >= earned then state.trying, state.patience = 0, LEAST_PATIENCE end
  if state.rung <= ask.lowest_rung or state.run < earned * state.patience then return end
  state.run, state.trying, state.rung = 0, 1, state.rung - 1
end

local function refused(departed)
  if departed < state.refused_at + ask.spacing / 4 then return end -- none departs so soon after
  if state.trying == 1 and state.run < calm() then
    state.patience = min(MOST_PATIENCE, max(1, state.patience * 2))
  elseif state.run >= calm() then
    state.patience = 1
  end
  if state.run < calm() or state.rung < 0 then state.rung = min(SLOWEST_RUNG, state.rung + 1) end
  state.run, state.trying, state.refused_at = 0, 0, now
  state.next = max(now, state.next) + ask.dice * ask.spacing -- breaks the lock-step with another even pace
end

-- When fewer than so many calls will be in flight, or have arrived within the hold.
local function free_at(calls, hold)
  local place = '-' .. calls
  local arrived = call('ZRANGE', LEASES, place, place, 'WITHSCORES')[2]
  return arrived and arrived + hold or 0
end

-- The earliest departure that the pace and the windows allow; each call has arrived when its lease says.
local function earliest()
  local at = ask.rung >= 0 and free_at(ask.slots, ask.hold) or 0
  if ask.rung > 0 then at = max(at, free_at(1, ask.hold_one)) end
  if at > now + ARRIVED_AFTER + ask.longest_hold + SECOND then -- no lease of ours lasts so long
    forget_leases()
    at = now + ask.longest_hold
  end
  local latest = now + 2 * ask.spacing + ask.settle -- nor does a spacing
  if state.next > latest then state.next = latest end
  return floor(state.next > at and state.next or at)
end

-- The lanes of all processes. Processes that wait in one hold tickets, so that each gets as many permits as another.
local function count_ahead()
  local before = ask.ticket > 0 and ask.ticket - 1 or state[ISSUED + ask.lane]
  local ahead = before - state[SERVED + ask.lane]
  return ahead > 0 and ahead or 0
end

local function new_ticket()
  local issued = max(state[ISSUED + ask.lane], state[SERVED + ask.lane]) + 1
  state[ISSUED + ask.lane] = issued
  return issued
end

-- When it is the turn of the ticket. Where many wait, each departs before the answers of those before it are reported.
local function turn(at)
  local ahead = count_ahead()
  return at + ahead * (ahead < ask.slots - 1 and ask.per_call or ask.per_late_call)
end

-- Interactive callers of this process wait until a moment, or none does any more.
local function note_urgent(waits, moment)
  if waits then
    state.urgent, state.urgent_by = moment + ask.spacing + AHEAD, ask.process
  elseif state.urgent > 0 and state.urgent_by == ask.process then
    state.urgent = 0
    call('PUBLISH', NEWS, 'room')
  end
end
