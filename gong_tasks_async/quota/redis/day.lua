-- The day's calls, by the second at which they stop counting, and what is reported of calls that have ended. A field is that
-- second, followed by ":process" where a process counted alone during an outage.

-- The counts by second; what stopped counting, or cannot be a count of this day, is forgotten.
local function counts()
  local flat, kept, seconds = call('HGETALL', DAY), {}, 0
  for place = 1, #flat, 2 do
    local second, calls = number(string.match(flat[place], '^%d+')), number(flat[place + 1])
    local left = (second or 0) * SECOND - now
    if calls and calls >= 0 and left > 0 and left <= A_DAY + HOUR + BUCKET * SECOND then
      seconds = seconds + (kept[second] and 0 or 1)
      kept[second] = (kept[second] or 0) + calls
    else
      call('HDEL', DAY, flat[place])
    end
  end
  if seconds > MOST_SECONDS then error('not ours') end
  return kept
end

local function flat_counts()
  local flat = {}
  for second, calls in pairs(counts()) do flat[#flat + 1], flat[#flat + 2] = second, calls end
  return unpack(flat)
end

local function sweep()
  if now < state.sweep_at * SECOND then return end
  state.used, state.sweep_at = 0, 0
  for second, calls in pairs(counts()) do
    state.used = state.used + calls
    state.sweep_at = state.sweep_at == 0 and second or min(state.sweep_at, second)
  end
end

-- The second at which a call stops counting that departs now or a little later, perhaps in the next day; nil where the
-- process takes another day for today.
local function expiry(departure)
  local second = floor(departure / SECOND)
  if not ask.day then return (floor(second / BUCKET) + 1) * BUCKET + A_DAY / SECOND end
  if now < ask.day[1] * SECOND or now >= ask.day[2] * SECOND then return nil end
  return second < ask.day[2] and ask.day[2] or ask.day[3]
end

local function count(field)
  state.used = state.used + 1
  state.sweep_at = state.sweep_at == 0 and field or min(state.sweep_at, field)
  local calls = call('HINCRBY', DAY, field, 1)
  if calls == 1 then
    for _, key in ipairs({STATE, LEASES, DAY}) do call('PEXPIRE', key, TWO_DAYS) end
  end
  return calls
end

local function uncount(field)
  if (number(call('HGET', DAY, field)) or 0) > 0 then
    call('HINCRBY', DAY, field, -1)
    state.used = max(0, state.used - 1)
  end
end

local function close_gate(seconds)
  if now + seconds <= state.shut then return false end
  state.shut, state.day_shut = now + min(seconds, A_DAY), ask.day_spent and now or 0
  return true
end

local function open_gate()
  state.shut, state.day_shut = 0, 0
  call('PUBLISH', NEWS, 'open')
end

-- Each may come twice, where a reply was lost.
local function take_back(kind, serial, since, flight, field)
  local name, ended = serial, now - since
  if kind == 'unused' then
    if call('ZREM', LEASES, name) == 0 then return end
    if serial == state.serial then state.next = max(now, state.next - spacing()) end
    return uncount(field)
  elseif kind == 'open' then -- no answer, or not yet
    return call('ZADD', LEASES, 'XX', ended - flight + ARRIVED_AFTER, name)
  end
  learn_flight(flight)
  if field == 0 then
    call('ZADD', LEASES, 'XX', ended, name)
  elseif call('ZREM', LEASES, name) == 1 then -- refused, and not to be counted: once only
    call('ZADD', LEASES, ended, 'uncounted ' .. name)
    uncount(field)
  end
  if kind == 'refused' then return end
  accepted(ended - flight)
  if serial == state.probe and state.shut > now then open_gate() end -- Gong lets calls through again
end
