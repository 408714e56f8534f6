"""The atomic steps of a job: Lua scripts, one a step.

Each is idempotent: a caller that got no response may run it again. They use only commands that Docket's in-memory
Redis knows, so that tests need no server.
"""

from __future__ import annotations

COMMON = """
local job, rows, outcomes, hands, tries = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local function count(name) return tonumber(redis.call('HGET', job, name) or '0') end
local function touch(longer)
    for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, count('keep') + (longer or 0)) end
end
local function leave(number)
    if redis.call('SREM', hands, number) == 1 then redis.call('HINCRBY', job, 'under_way', -1) end
end
local function end_if_done(state)
    local done = count('updated') + count('unchanged') + count('failed') + count('given_up')
    if state ~= 'cancelled' and done >= count('rows') then redis.call('HSET', job, 'state', 'ended') end
end
"""

CREATE = (
    COMMON
    + """
local fingerprint = redis.call('HGET', job, 'fingerprint')
if not fingerprint then
    for i = 1, #ARGV, 2 do redis.call('HSET', job, ARGV[i], ARGV[i + 1]) end
    end_if_done('starting')
    fingerprint = redis.call('HGET', job, 'fingerprint')
end
touch()
return {redis.call('HGET', job, 'state'), fingerprint}
"""
)
"""Create the job once its rows are stored; return the state and fingerprint of the job of that name."""

REOPEN = (
    COMMON
    + """
local state = redis.call('HGET', job, 'state')
local open = state == 'paused' or state == 'stopped' or (state == 'ended' and count('given_up') > 0)
if open then
    redis.call('HSET', job, 'state', 'starting', 'faults', 0, 'given_up', 0)
    redis.call('HDEL', job, 'because', 'resume_after')
    redis.call('DEL', tries)
    touch()
    state = 'starting'
end
return state
"""
)
"""Reopen a job that is paused, stopped or has given-up rows: its rows are then enqueued again."""

UNSETTLED = (
    COMMON
    + """
local unsettled = {}
for number = tonumber(ARGV[1]), tonumber(ARGV[2]) do
    if redis.call('HEXISTS', outcomes, number) == 0 and redis.call('SISMEMBER', hands, number) == 0 then
        unsettled[#unsettled + 1] = number
    end
end
return unsettled
"""
)
"""The rows of a range that are neither settled nor in flight.

A row in flight is left out: its message is still in the queue, being processed or to be redelivered.
"""

STARTED = (
    COMMON
    + """
if redis.call('HGET', job, 'state') == 'starting' then
    redis.call('HSET', job, 'state', 'running')
    end_if_done('running')
end
return redis.call('HGET', job, 'state')
"""
)
"""All rows are enqueued."""

CLAIM = (
    COMMON
    + """
local number, now = ARGV[1], ARGV[2]
local state = redis.call('HGET', job, 'state')
if not state then return {'over'} end
if state == 'starting' then return {'wait'} end
if state ~= 'running' or redis.call('HEXISTS', outcomes, number) == 1 then
    leave(number)
    return {'over'}
end
if redis.call('SADD', hands, number) == 1 then redis.call('HINCRBY', job, 'under_way', 1) end
if redis.call('HEXISTS', job, 'started_at') == 0 then redis.call('HSET', job, 'started_at', now) end
touch()
return {'go', redis.call('HGET', rows, number), redis.call('HGET', job, 'settings')}
"""
)
"""Claim a row, if it is unsettled and its job running."""

SETTLE = (
    COMMON
    + """
local number, state, outcome, calls, refused, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
leave(number)
if redis.call('HEXISTS', outcomes, number) == 0 then
    redis.call('HSET', outcomes, number, outcome)
    redis.call('HINCRBY', job, state, 1)
    redis.call('HINCRBY', job, 'calls', calls)
    redis.call('HINCRBY', job, 'refused', refused)
    redis.call('HSET', job, 'faults', 0, 'settled_at', now)
    end_if_done(redis.call('HGET', job, 'state'))
end
touch()
return 'ok'
"""
)
"""Record a row's outcome; the first one is kept."""

REQUEUE = (
    COMMON
    + """
local number, effect, attempt, error, calls, refused = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local stop_after, attempts, resume_after, wait = tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9], tonumber(ARGV[10])
local is_first = redis.call('HGET', tries, number) ~= attempt
local state = redis.call('HGET', job, 'state')
leave(number)
touch()
if is_first then
    redis.call('HINCRBY', job, 'calls', calls)
    redis.call('HINCRBY', job, 'refused', refused)
end
if effect ~= 'untried' then redis.call('HSET', tries, number, attempt) end
if effect == 'fault' and is_first and state == 'running' and redis.call('HINCRBY', job, 'faults', 1) >= stop_after then
    effect = 'stopped'
end
if effect == 'stopped' or effect == 'paused' then
    if state == 'running' or state == 'starting' then
        redis.call('HSET', job, 'state', effect, 'because', error, 'resume_after', resume_after)
        touch(wait)
    end
    return 'over'
end
if state ~= 'running' and state ~= 'starting' then return 'over' end
if effect == 'fault' and tonumber(attempt) >= attempts then
    if is_first then
        redis.call('HINCRBY', job, 'given_up', 1)
        end_if_done(state)
    end
    return 'over'
end
return 'again'
"""
)
"""Requeue a row without a final response, and decide whether its job continues."""

CANCEL = (
    COMMON
    + """
local state = redis.call('HGET', job, 'state')
if state and state ~= 'ended' then
    redis.call('HSET', job, 'state', 'cancelled')
    redis.call('HDEL', job, 'resume_after')
    state = 'cancelled'
end
return state
"""
)

PAGE = (
    COMMON
    + """
local page = {}
for number = tonumber(ARGV[1]), tonumber(ARGV[2]) do
    page[#page + 1] = redis.call('HGET', rows, number) or ''
    page[#page + 1] = redis.call('HGET', outcomes, number) or ''
end
return page
"""
)
"""A range of rows, each followed by its outcome, or by an empty text."""
