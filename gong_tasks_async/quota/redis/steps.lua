-- What can be asked.

local STEPS = {}

function STEPS.take()
  local probes = gate.left() > 0
  if probes and (gate.is_day() == 0 or gate.probe_in() > 0) then
    return reply('shut', gate.left(), gate.is_day(), gate.probe_in())
  end
  if lanes.yields() then return reply('room', state.urgent - now) end
  day.sweep()
  if not day.expiry(now) then return reply('unknown') end
  if state.used >= ask.allowed then return reply('spent', day.append_counts({})) end
  local free_since = pace.earliest()
  local at = max(now, free_since)
  -- A ticket ahead that has not come for half a spacing is passed over: its process is gone. Where interactive callers wait,
  -- no spacing is idle for so long.
  local passes = free_since <= now - pace.spacing() / 2 or state.urgent > now
  local in_turn = lanes.count_ahead() == 0 or (ask.due and ask.ticket > 0 and passes)
  if at > now + pace.notice() or not in_turn then
    if ask.ticket == 0 then ask.ticket = lanes.new_ticket() end
    at = lanes.turn(at)
    lanes.note_urgent(ask.lane == 'interactive' or ask.interactive > 0, at)
    -- Behind a ticket that may never come it asks again, but not at once: it would do nothing else.
    return reply('wait', max(in_turn and 0 or pace.spacing() / 4, at - now - AHEAD / 4), ask.ticket)
  end
  pace.lease(at)
  if probes then state.probed, state.probe = now, state.serial end
  lanes.note_departure()
  ask.ticket = ask.waiting > 0 and lanes.new_ticket() or 0
  local field, usual = day.expiry(at), pace.per_call(state.flight)
  local counted, following = day.count(field), lanes.turn(max(state.next, at + usual))
  lanes.note_urgent(ask.interactive > 0, following)
  return reply('go', at - now, state.serial, pace.expected_flight(), field, counted, state.used, state.rung, usual,
    max(0, following - now - AHEAD / 4), ask.ticket)
end

-- Just the returns.
function STEPS.report() return reply('done') end

-- Gong has answered 429: nobody departs before the gate opens.
function STEPS.pause()
  if ask.refused then pace.refused(now - ask.refused) end
  gate.close(ask.day_spent and 'spent' or 'paused', ask.seconds)
  return reply('done')
end

function STEPS.reopen()
  state.paused = 0
  gate.end_day()
  return reply('done')
end

function STEPS.look()
  day.sweep()
  local waiting = lanes.waiting()
  return reply('state', now, max(0, pace.earliest() - now), gate.left(), gate.is_day(), pace.per_call(state.flight), #waiting / 2,
    day.append_counts(waiting))
end

-- A process comes, or comes again; twice is as once. What a server has forgotten its processes remember: the day's counts
-- as they last saw them, and the gate. Of the last moments nobody knows all, so the first permit comes when the windows of
-- these moments are over.
function STEPS.join()
  local forgotten = state.epoch == 0 or ask.serial > state.serial
  if forgotten then state.epoch = max(now, state.epoch + 1) end
  if forgotten or ask.sent_alone then state.next = max(state.next, now + ask.settle) end
  state.serial = max(ask.serial, state.serial)
  for _, item in ipairs(ask.known) do
    if item[2] > (number(call('HGET', COUNTS, item[1])) or 0) then call('HSET', COUNTS, item[1], item[2]) end
  end
  gate.close('paused', ask.paused)
  gate.close('spent', ask.spent)
  state.sweep_at = 0
  day.sweep()
  lanes.waiting() -- drops what stands of processes that died
  local others = call('HGET', STATE, 'limits')
  call('HSET', STATE, 'limits', ask.limits)
  local answer = reply('joined', state.epoch, now, others or ask.limits)
  for _, key in ipairs({STATE, COUNTS}) do call('PEXPIRE', key, TWO_DAYS) end
  return answer
end

local function main()
  load()
  if ask.step == 'join' then return STEPS.join() end
  if ask.epoch ~= state.epoch or ask.serial > state.serial then
    if ask.serial > state.serial then state.epoch = state.epoch + 1 end -- the last moments are lost: all join again
    return reply('unknown')
  end
  for _, item in ipairs(ask.returns) do take_back(unpack(item)) end
  return STEPS[ask.step]()
end

local ok, result = pcall(main)
if ok then return result end
local problem = type(result) == 'table' and result.err or tostring(result)
if not (string.find(problem, 'WRONGTYPE') or string.find(problem, 'not ours') or string.find(problem, 'not an integer')) then return {err = problem} end
call('DEL', STATE, LEASES, COUNTS) -- what cannot be read is forgotten, and told again
return {'unknown'}
