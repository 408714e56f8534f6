-- What can be asked.

local STEPS = {}

-- Whether the gate is shut for this caller. While Gong calls the day spent, a call an hour finds out whether it still is.
local function is_shut()
  if state.shut <= now then return false end
  if state.day_shut == 0 or now - state.day_shut < PROBE_INTERVAL then return true end
  state.day_shut, state.probe = now, state.serial + 1
  return false
end

function STEPS.take()
  if is_shut() then
    local probe_in = max(0, state.day_shut + PROBE_INTERVAL - now)
    return reply('shut', state.shut - now, state.day_shut > 0 and 1 or 0, probe_in)
  end
  if yields() then return reply('room', state.urgent - now) end
  sweep()
  if not expiry(now) then return reply('unknown') end
  if state.used >= ask.allowed then return reply('spent', flat_counts()) end
  local free_since, leases = earliest()
  local at = max(now, free_since)
  -- A ticket ahead that has not come for half a spacing is passed over: its process is gone. Where interactive callers wait,
  -- no spacing is idle for so long.
  local passes = free_since <= now - spacing() / 2 or state.urgent > now
  local in_turn = count_ahead() == 0 or (ask.due and ask.ticket > 0 and passes)
  if at > now + AHEAD or not in_turn then
    if ask.ticket == 0 then ask.ticket = new_ticket() end
    at = turn(at)
    note_urgent(ask.lane == 'interactive' or ask.interactive > 0, at)
    -- Behind a ticket that may never come it asks again, but not at once: it would do nothing else.
    return reply('wait', max(in_turn and 0 or spacing() / 4, at - now - AHEAD / 4), ask.ticket)
  end
  lease(at, leases)
  note_departure()
  ask.ticket = ask.waiting > 0 and new_ticket() or 0
  local field = expiry(at)
  local counted, following = count(field), turn(max(state.next, at + per_call(state.flight)))
  note_urgent(ask.interactive > 0, following)
  return reply('go', at - now, state.serial, expected_flight(), field, counted,
    state.used, state.rung, per_call(state.flight), max(0, following - now - AHEAD / 4),
    ask.ticket)
end

-- Just the returns.
function STEPS.report() return reply('done') end

-- Gong has answered 429: nobody departs before the gate opens.
function STEPS.pause()
  if ask.refused then refused(now - ask.refused) end
  if close_gate(ask.seconds) then
    local news = {'shut', state.shut - now, ask.day_spent and 1 or 0, ask.process}
    call('PUBLISH', NEWS, table.concat(news, ' '))
  end
  return reply('done')
end

function STEPS.reopen()
  open_gate()
  return reply('done')
end

function STEPS.look()
  sweep()
  return reply('state', now, max(0, (earliest()) - now), max(0, state.shut - now),
    state.day_shut > 0 and 1 or 0, per_call(state.flight), flat_counts())
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
    if item[2] > (number(call('HGET', DAY, item[1])) or 0) then call('HSET', DAY, item[1], item[2]) end
  end
  if ask.shut > 0 then close_gate(ask.shut) end
  state.sweep_at = 0
  sweep()
  local others = call('HGET', STATE, 'limits')
  call('HSET', STATE, 'limits', ask.limits)
  local answer = reply('joined', state.epoch, now, others or ask.limits)
  for _, key in ipairs({STATE, DAY}) do call('PEXPIRE', key, TWO_DAYS) end
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
call('DEL', STATE, LEASES, DAY) -- what cannot be read is forgotten, and told again
return {'unknown'}
