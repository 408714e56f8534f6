-- What can be asked.

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
    state.next = math.max(opens, math.min(state.next, now + spacing())) -- whoever left last left by now
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
