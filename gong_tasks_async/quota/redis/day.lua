-- The day's calls, by the second at which they stop counting, and what is reported of calls that have ended. A field is that
-- second, followed by ":process" where a process counted alone during an outage.

local day = {}

-- The counts by second; what stopped counting, or cannot be a count of this day, is forgotten.
function day.counts()
  local flat, kept, seconds = call('HGETALL', COUNTS), {}, 0
  for place = 1, #flat, 2 do
    local second, calls = number(string.match(flat[place], '^%d+')), number(flat[place + 1])
    local left = (second or 0) * SECOND - now
    if calls and calls >= 0 and left > 0 and left <= A_DAY + HOUR + BUCKET * SECOND then
      seconds = seconds + (kept[second] and 0 or 1)
      kept[second] = (kept[second] or 0) + calls
    else
      call('HDEL', COUNTS, flat[place])
    end
  end
  if seconds > MOST_SECONDS then error('not ours') end
  return kept
end

-- The same, after other items.
function day.append_counts(flat)
  for second, calls in pairs(day.counts()) do flat[#flat + 1], flat[#flat + 2] = second, calls end
  return unpack(flat)
end

function day.sweep()
  if now < state.sweep_at * SECOND then return end
  state.used, state.sweep_at = 0, 0
  for second, calls in pairs(day.counts()) do
    state.used = state.used + calls
    state.sweep_at = state.sweep_at == 0 and second or min(state.sweep_at, second)
  end
end

-- The second at which a call stops counting that departs now or a little later, perhaps in the next day; nil where the
-- process takes another day for today.
function day.expiry(departure)
  local second = floor(departure / SECOND)
  if not ask.day then return (floor(second / BUCKET) + 1) * BUCKET + A_DAY / SECOND end
  if now < ask.day[1] * SECOND or now >= ask.day[2] * SECOND then return nil end
  return second < ask.day[2] and ask.day[2] or ask.day[3]
end

function day.count(field)
  state.used = state.used + 1
  state.sweep_at = state.sweep_at == 0 and field or min(state.sweep_at, field)
  local calls = call('HINCRBY', COUNTS, field, 1)
  if calls == 1 then
    for _, key in ipairs({STATE, COUNTS}) do call('PEXPIRE', key, TWO_DAYS) end
  end
  return calls
end

function day.uncount(field)
  if (number(call('HGET', COUNTS, field)) or 0) > 0 then
    call('HINCRBY', COUNTS, field, -1)
    state.used = max(0, state.used - 1)
  end
end

-- The gate: shut by a short pause, and by one until the day's reset, each of which may lie within the other (quota/gate.py).
local gate = {}

function gate.left() return max(0, state.paused - now, state.spent - now) end

-- Whether it is the day that the gate is shut for.
function gate.is_day() return state.spent > max(now, state.paused) and 1 or 0 end

-- While Gong calls the day spent, a call an hour finds out whether it still is, but none during a short pause.
function gate.probe_in()
  return max(0, min(PROBE_INTERVAL, max(state.paused, state.probed + PROBE_INTERVAL) - now))
end

local function publish_shut(seconds, day_spent, process)
  call('PUBLISH', NEWS, table.concat({'shut', seconds, day_spent, process}, ' '))
end

-- Pause ('paused'), or call the day spent ('spent'), for so long, unless it is so for longer.
function gate.close(name, seconds)
  local opens = now + min(seconds, A_DAY)
  if seconds <= 0 or opens <= state[name] then return end
  if name == 'spent' and opens > state.spent + SECOND then state.probed = now end
  state[name] = opens
  publish_shut(seconds, name == 'spent' and 1 or 0, ask.process)
end

function gate.end_day()
  state.spent = 0
  call('PUBLISH', NEWS, 'open')
  if state.paused > now then publish_shut(gate.left(), 0, 0) end
end

-- Each may come twice, where a reply was lost.
local function take_back(kind, serial, since, flight, field)
  local ended = now - since
  if kind == 'unused' then
    if call('ZREM', LEASES, serial) == 0 then return end
    state.tidy_at = 0 -- it may have been the only one, whose key does not end by itself when it comes again
    if serial == state.serial then state.next = max(now, state.next - pace.spacing()) end
    if serial == state.probe then state.probed = 0 end
    return day.uncount(field)
  elseif kind == 'open' then -- no answer, or not yet
    return call('ZADD', LEASES, 'XX', ended - flight + ARRIVED_AFTER, serial)
  end
  pace.learn_flight(flight)
  if field == 0 then
    call('ZADD', LEASES, 'XX', ended, serial)
  elseif call('ZREM', LEASES, serial) == 1 then -- refused, and not to be counted: once only
    call('ZADD', LEASES, ended, 'uncounted ' .. serial)
    call('PEXPIRE', LEASES, TWO_DAYS)
    day.uncount(field)
  end
  if kind == 'refused' then return end
  pace.accepted(ended - flight)
  if kind == 'passed' and serial == state.probe and state.spent > now then gate.end_day() end
end
