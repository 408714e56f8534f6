-- One company's quota, decided in one atomic step. Moments and lengths are whole microseconds of the server's clock.
-- KEYS: state, leases, day, news; of one hash tag, so that they live on one node of a Cluster. ARGV: the step; the request
-- as doubles (commands.py), the returns behind it; texts of a join. The reply is a flat list whose first item names its kind.
-- These files are one script, which is compiled once but makes its functions anew in each run, at 1,200 instructions a
-- function: so there are few. Text that is read as a number costs 2,000, a double 300: so numbers are packed. A number that a
-- command takes is written with 17 digits, at twice what `format` costs. `state.NAME` and `ask.NAME` are places in two lists
-- by the time that Redis sees them, and other names in capitals are Python's numbers.

local call, max, min, floor, format = redis.call, math.max, math.min, math.floor, string.format
local STATE, LEASES, COUNTS, NEWS = unpack(KEYS)
local clock = call('TIME')
local now = clock[1] * SECOND + clock[2]
local ask, state = {struct.unpack(ASK_FORMAT, ARGV[2])}, {}

-- Anyone may have written to the keys: what no run can have left is no state.
local function is_possible(numbers)
  local latest = min(FAR, state.seen + A_DAY + 1000 * ask.spacing)
  for place = 1, STATE_SIZE do
    local number = numbers[place]
    if not (number >= FASTEST_RUNG and number <= (place > MOMENTS and FAR or latest)) then return false end -- a NaN neither
  end
  local waiting = max(state.issued_bulk - state.served_bulk, state.issued_interactive - state.served_interactive)
  return state.rung <= SLOWEST_RUNG and waiting <= 1000 -- no company has more processes that wait
end

local function forget_leases()
  call('DEL', LEASES)
  state.tidy_at = 0
end

local function load()
  local text = call('HGET', STATE, NUMBERS)
  if text and #text == STATE_SIZE * 8 then state = {struct.unpack(STATE_FORMAT, text)} end
  if not state[1] or not is_possible(state) then state = {INITIAL} end
  local behind = state.seen - now
  if behind > SECOND then -- set back, as after a failover: the moments follow, and the processes report what they know
    for place = 1, MOMENTS do state[place] = max(0, state[place] - behind) end
    forget_leases()
    state.epoch = state.epoch + 1
  end
  state.seen = now
end

local function reply(...)
  call('HSET', STATE, NUMBERS, struct.pack(STATE_FORMAT, unpack(state)))
  return {...}
end
