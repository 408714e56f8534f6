-- The day's calls, by the second at which they stop counting, and what is reported of calls that have ended. A field is that
-- second, followed by ":process" where a process counted alone during an outage.

-- What few runs need, and so is not made in all.
local function make_rare()
  local rare = {}

  -- The counts by second; what stopped counting, or cannot be a count of this day, is forgotten.
  function rare.counts()
    local flat, kept, seconds = call('HGETALL', COUNTS), {}, 0
    for place = 1, #flat, 2 do
      local second, calls = tonumber(string.match(flat[place], '^%d+')), tonumber(flat[place + 1])
      local left = (second or 0) * SECOND - now
      if calls and calls >= 0 and calls < FAR and left > 0 and left <= A_DAY + HOUR + BUCKET * SECOND then
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
  function rare.append_counts(flat)
    for second, calls in pairs(rare.counts()) do flat[#flat + 1], flat[#flat + 2] = second, calls end
    return unpack(flat)
  end

  function rare.sweep()
    state.used, state.sweep_at = 0, FAR
    for second, calls in pairs(rare.counts()) do
      state.used, state.sweep_at = state.used + calls, min(state.sweep_at, second)
    end
  end

  -- The gate: closed by a short pause, and by one until the day's reset, each of which may lie within the other (quota/gate.py).
  -- For how long; whether it is for the day; and, while Gong calls that spent, in how long a call may find out whether it still
  -- is: one an hour, none during a short pause.
  function rare.gate()
    local closed = max(0, state.paused - now, state.spent - now)
    local probe_in = min(PROBE_INTERVAL, max(state.paused, state.probed + PROBE_INTERVAL) - now)
    return closed, state.spent > max(now, state.paused) and 1 or 0, max(0, probe_in)
  end

  local function publish_shut(seconds, day_spent, process)
    call('PUBLISH', NEWS, table.concat({'shut', seconds, day_spent, process}, ' '))
  end

  -- Pause, or call the day spent, for so long, unless it is so for longer.
  function rare.close()
    local paused, spent = now + min(ask.paused, A_DAY), now + min(ask.spent, A_DAY)
    if ask.paused > 0 and paused > state.paused then
      state.paused = paused
      publish_shut(ask.paused, 0, ask.process)
    end
    if ask.spent > 0 and spent > state.spent then
      if spent > state.spent + SECOND then state.probed = now end
      state.spent = spent
      publish_shut(ask.spent, 1, ask.process)
    end
  end

  function rare.end_day()
    state.spent = 0
    call('PUBLISH', NEWS, 'open')
    if state.paused > now then publish_shut(state.paused - now, 0, 0) end
  end

  return rare
end

-- The second at which a call stops counting that departs now or a little later, perhaps in the next day; nil where the
-- process takes another day for today.
local function expiry(departure)
  local second = floor(departure / SECOND)
  if ask.day_ends == 0 then return (floor(second / BUCKET) + 1) * BUCKET + A_DAY / SECOND end
  if now < ask.day_began * SECOND or now >= ask.day_ends * SECOND then return nil end
  return second < ask.day_ends and ask.day_ends or ask.next_ends
end

-- Each may come twice, where a reply was lost; what is not to be counted is taken back once.
local function take_back(kind, serial, since, flight, field)
  local ended = now - since
  if field == 0 then -- of an open call there is no answer, or not yet
    call('ZADD', LEASES, 'XX', format('%d', kind == OPEN and ended - flight + ARRIVED_AFTER or ended), serial)
  elseif call('ZREM', LEASES, serial) == 0 then
    return
  elseif call('HINCRBY', COUNTS, field, -1) < 0 then
    call('HDEL', COUNTS, field)
  else
    state.used = max(0, state.used - 1)
  end
  if kind == UNUSED then
    state.tidy_at = 0 -- it may have been the only one, whose key does not end by itself when it comes again
    if serial == state.serial then state.next = max(now, state.next - ask.spacing) end
    if serial == state.probe then state.probed = 0 end
  elseif field > 0 then
    call('ZADD', LEASES, ended, 'uncounted ' .. serial)
    call('PEXPIRE', LEASES, TWO_DAYS)
  elseif kind >= ANSWERED then
    accepted(ended - flight)
    if kind == PASSED and serial == state.probe and state.spent > now then make_rare().end_day() end
  end
end
