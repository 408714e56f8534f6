-- What can be asked.

local function take()
  local probes = state.paused > now or state.spent > now
  if probes then
    local closed, is_day, probe_in = make_rare().gate()
    if is_day == 0 or probe_in > 0 then return reply('shut', closed, is_day, probe_in) end
  end
  -- Bulk callers let interactive ones of other processes go first; those of their own their queue has let go.
  if ask.lane == BULK and state.urgent > now and state.urgent_by ~= ask.process and state.earned < 1 then
    return reply('room', state.urgent - now)
  end
  if now >= state.sweep_at * SECOND then make_rare().sweep() end
  if not expiry(now) then return reply('unknown') end
  if state.used >= ask.allowed then return reply('spent', make_rare().append_counts({})) end
  local free_since, at = earliest(), now
  if free_since > now then at = free_since end
  -- A ticket ahead that has not come for half a spacing is passed over: its process is gone. Where interactive callers wait,
  -- no spacing is idle for so long.
  local passes = free_since <= now - ask.spacing / 2 or state.urgent > now
  local in_turn = count_ahead() == 0 or (ask.ticket > 0 and passes)
  if at > now + ask.notice or not in_turn then
    if ask.ticket == 0 then ask.ticket = new_ticket() end
    at = turn(at)
    note_urgent(ask.lane == INTERACTIVE or ask.interactive > 0, at)
    -- Behind a ticket that may never come it asks again, but not at once: it would do nothing else.
    return reply('wait', max(in_turn and 0 or ask.spacing / 4, at - now - AHEAD / 4), ask.ticket)
  end
  state.serial = state.serial + 1
  state.next = (at - state.next <= ask.catch_up and state.next or at) + ask.spacing
  call('ZADD', LEASES, format('%d', at + ask.expected_flight), state.serial)
  if now >= state.tidy_at then
    state.tidy_at = now + ask.longest_hold
    call('ZREMRANGEBYSCORE', LEASES, '-inf', now - ask.longest_hold)
    call('PEXPIRE', LEASES, TWO_DAYS)
  end
  if probes then state.probed, state.probe = now, state.serial end
  -- As quota/lanes.py ages the bulk lane, for all processes: interactive departures earn bulk permits.
  local earned = state.earned
  state.earned = ask.lane == INTERACTIVE and min(2, earned + ask.bulk_credit) or earned > 1 and earned - 1 or 0
  if earned < 1 and state.earned >= 1 then call('PUBLISH', NEWS, 'room') end
  if ask.ticket > state[SERVED + ask.lane] then state[SERVED + ask.lane] = ask.ticket end
  ask.ticket = ask.waiting > 0 and new_ticket() or 0
  local field = expiry(at)
  local counted, following = call('HINCRBY', COUNTS, field, '1'), turn(max(state.next, at + ask.per_call))
  state.used = state.used + 1
  if field < state.sweep_at then state.sweep_at = field end
  if counted == 1 then
    for _, key in ipairs({STATE, COUNTS}) do call('PEXPIRE', key, TWO_DAYS) end
  end
  note_urgent(ask.interactive > 0, following)
  return reply('go', at - now, state.serial, ask.expected_flight, field, counted, state.used, max(0, following - now - AHEAD / 4), ask.ticket)
end

-- All but taking, which is by far the most frequent.
local function other_step(step)
  local rare = make_rare()

  -- The callers that wait in other processes, as last reported: of each the bulk and interactive ones.
  local function waiting()
    local flat, found = call('HGETALL', STATE), {}
    for place = 1, #flat, 2 do
      local process, second, bulk, interactive = string.match(flat[place] .. ' ' .. flat[place + 1], '^waiting (%d+) (%d+) (%d+) (%d+)$')
      bulk, interactive = tonumber(bulk), tonumber(interactive)
      if process and tonumber(second) > now / SECOND - WAITERS_KEPT and bulk + interactive > 0 and bulk + interactive < FAR then
        if tonumber(process) ~= ask.process and #found < MOST_SECONDS then found[#found + 1], found[#found + 2] = bulk, interactive end
      elseif string.find(flat[place], '^waiting') then
        call('HDEL', STATE, flat[place])
      end
    end
    return found
  end

  if step == 'pause' then -- Gong has answered 429: nobody departs before the gate opens
    if ask.refused >= 0 then refused(now - ask.refused) end
    rare.close()
  elseif step == 'reopen' then
    state.paused = 0
    rare.end_day()
  elseif step == 'look' then
    local others, closed, is_day = waiting(), rare.gate()
    return reply('state', now, max(0, earliest() - now), closed, is_day, #others / 2, rare.append_counts(others))
  elseif step == 'join' then
    -- A process comes, or comes again; twice is as once. What a server has forgotten its processes remember: the day's counts
    -- as they last saw them, and the gate. Of the last moments nobody knows all, so the first permit comes when the windows
    -- of these moments are over.
    local forgotten = state.epoch == 0 or ask.serial > state.serial
    if forgotten then state.epoch = max(now, state.epoch + 1) end
    if forgotten or ask.sent_alone == 1 then state.next = max(state.next, now + ask.settle) end
    state.serial = max(ask.serial, state.serial)
    for place = 4, #ARGV, 2 do
      local stands = tonumber(call('HGET', COUNTS, ARGV[place]) or 0) or 0
      if not (stands >= tonumber(ARGV[place + 1])) then call('HSET', COUNTS, ARGV[place], ARGV[place + 1]) end
    end
    rare.close()
    rare.sweep()
    waiting() -- drops what stands of processes that died
    local others = call('HGET', STATE, 'limits')
    call('HSET', STATE, 'limits', ARGV[3])
    local answer = reply('joined', state.epoch, now, state.rung, others or ARGV[3])
    for _, key in ipairs({STATE, COUNTS}) do call('PEXPIRE', key, TWO_DAYS) end
    return answer
  end
  return reply('done') -- of a report just the returns
end

local function main()
  load()
  local step, at = ARGV[1], ask[ASK_SIZE + 1]
  if step == 'join' then return other_step(step) end
  if ask.epoch ~= state.epoch or ask.serial > state.serial then
    if ask.serial > state.serial then state.epoch = state.epoch + 1 end -- the last moments are lost: all join again
    return reply('unknown')
  end
  while at < #ARGV[2] do
    local kind, serial, since, flight, field, following = struct.unpack('<ddddd', ARGV[2], at)
    take_back(kind, serial, since, flight, field)
    at = following
  end
  if ask.report == 1 then
    local callers = {floor(now / SECOND), ask.waiting - ask.interactive, ask.interactive}
    call('HSET', STATE, 'waiting ' .. ask.process, table.concat(callers, ' '))
  end
  if ask.rung ~= state.rung and (step == 'take' or step == 'look') then return reply('rung', state.rung) end
  return step == 'take' and take() or other_step(step)
end

local ok, result = pcall(main)
if ok then return result end
local problem = type(result) == 'table' and result.err or tostring(result)
if not (string.find(problem, 'WRONGTYPE') or string.find(problem, 'not ours') or string.find(problem, 'not an integer')) then return {err = problem} end
call('DEL', STATE, LEASES, COUNTS) -- what cannot be read is forgotten, and told again
return {'unknown'}
