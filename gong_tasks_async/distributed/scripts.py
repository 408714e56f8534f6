"""The atomic steps of a job: Lua scripts, one a step; those of a row are in ``row_scripts``.

Each is idempotent: a caller that got no response may run it again. They use only commands that Docket's in-memory
Redis knows, so that tests need no server; the exception is marked in CREATE.
"""

from __future__ import annotations

COMMON = """
local job, rows, outcomes, hands, tries, faulty, suspects, late =
    KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local now_failed = 0
local function count(name) return tonumber(redis.call('HGET', job, name) or '0') or 0 end
local function touch(longer)
    for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, count('keep') + (longer or 0)) end
end
local function leave(number)
    if redis.call('HDEL', hands, number) == 1 then redis.call('HINCRBY', job, 'under_way', -1) end
end
local function spend(calls, refused, listings)
    redis.call('HINCRBY', job, 'calls', calls)
    redis.call('HINCRBY', job, 'refused', refused)
    redis.call('HINCRBY', job, 'listings', listings)
end
local function is_given_up(number)
    local last = redis.call('HGET', tries, number)
    return last and string.match(last, '^%d+!:') ~= nil
end
local function worker_of(delivery) return ',' .. string.match(delivery, '^[^-]*') .. ',' end
local function others_turn(delivery)
    local workers = redis.call('HGET', job, 'cut_off') or ''
    return string.find(workers, worker_of(delivery), 1, true) and 1 or 0
end
local function remember_cut_off(delivery)
    local workers = redis.call('HGET', job, 'cut_off') or ''
    if string.find(workers, worker_of(delivery), 1, true) then return end
    redis.call('HSET', job, 'cut_off', string.sub(workers .. worker_of(delivery), -2000))
end
local function forget_outage()
    redis.call('HDEL', job, 'outage_since', 'outage_probes', 'outage_until', 'cut_off')
end
local function forget_faults()
    redis.call('HSET', job, 'faults', 0)
    forget_outage()
    redis.call('DEL', faulty)
end
local function settle_suspects()
    local held = redis.call('HGETALL', suspects)
    for i = 1, #held, 2 do
        redis.call('HSET', outcomes, held[i], held[i + 1])
        redis.call('HDEL', tries, held[i])
        redis.call('HINCRBY', job, 'failed', 1)
        now_failed = now_failed + 1
    end
    redis.call('DEL', suspects)
    redis.call('HDEL', job, 'suspects', 'suspect_key')
end
local function end_if_done(state)
    local done = count('updated') + count('unchanged') + count('skipped') + count('failed') + count('given_up')
        + count('suspects')
    if state == 'cancelled' or done < count('rows') then return end
    settle_suspects()
    redis.call('HSET', job, 'state', 'ended')
end
"""

CREATE = (
    COMMON
    + """
local drafts = {KEYS[9], KEYS[10]}
local function move(from, to)
    redis.call('DEL', to)
    if redis.call('EXISTS', from) == 0 then return end
    local renamed = redis.pcall('RENAME', from, to)
    if type(renamed) ~= 'table' or not renamed.err then return end
    local fields = redis.call('HGETALL', from)  -- Docket's in-memory Redis cannot rename
    for i = 1, #fields, 2 do redis.call('HSET', to, fields[i], fields[i + 1]) end
    redis.call('DEL', from)
end
local fingerprint = redis.call('HGET', job, 'fingerprint')
local total = 0
for i = 1, #ARGV, 2 do if ARGV[i] == 'rows' then total = tonumber(ARGV[i + 1]) end end
if not fingerprint or (total > 0 and redis.call('HGET', job, 'rows') == '0') then
    if total > 0 and redis.call('EXISTS', drafts[1]) == 0 then return {'lost', '', ''} end
    move(drafts[1], rows)
    move(drafts[2], outcomes)
    redis.call('DEL', job, hands, tries, faulty, suspects, late)
    for i = 1, #ARGV, 2 do redis.call('HSET', job, ARGV[i], ARGV[i + 1]) end
    end_if_done('starting')
    touch()
    return {redis.call('HGET', job, 'state'), redis.call('HGET', job, 'fingerprint'), 'new'}
end
redis.call('DEL', drafts[1], drafts[2])
touch()
return {redis.call('HGET', job, 'state'), fingerprint, 'old'}
"""
)
"""Make a draft the job, unless one of that name exists and has rows; return the state and fingerprint of the job of that name."""

PROGRESS = """
return {redis.call('HGETALL', KEYS[1]), redis.call('EXISTS', KEYS[2])}
"""
"""The job's facts, and whether a worker is up."""

REOPEN = (
    COMMON
    + """
local state = redis.call('HGET', job, 'state')
local open = state == 'paused' or state == 'stopped' or (state == 'ended' and count('given_up') > 0)
if open then
    local tried = redis.call('HGETALL', tries)
    for i = 1, #tried, 2 do redis.call('HSET', late, tried[i], 1) end
    redis.call('HINCRBY', job, 'lives', 1)
    redis.call('HSET', job, 'state', 'starting', 'faults', 0, 'given_up', 0)
    redis.call('HDEL', job, 'because', 'resume_after', 'fed')
    forget_outage()
    if ARGV[1] == 'accept' then redis.call('HSET', job, 'accept', 1) end
    redis.call('DEL', tries, faulty)
    touch()
    state = 'starting'
end
return state
"""
)
"""Reopen a job that is paused, stopped or has given-up rows: its rows are then enqueued again.

Rows that were tried without an outcome come last: what stopped the job may be one of them.
"""

RETRY = (
    COMMON
    + """
local state, moved = redis.call('HGET', job, 'state'), 0
if state == 'ended' or state == 'stopped' then
    for i = 1, #ARGV, 3 do
        if redis.call('HGET', outcomes, ARGV[i]) == ARGV[i + 1] then
            redis.call('HDEL', outcomes, ARGV[i])
            redis.call('HSET', tries, ARGV[i], ARGV[i + 2])
            redis.call('HINCRBY', job, 'failed', -1)
            redis.call('HINCRBY', job, 'given_up', 1)
            moved = moved + 1
        end
    end
    redis.call('HSET', job, 'look', 1)
    touch()
end
return {state, moved}
"""
)
"""Turn failed rows, each with its outcome as it was read, into given-up ones, which a resumed job tries again.

From now on workers look at the tasks first: what is as it should be by now is not sent.
"""

UNSETTLED = (
    COMMON
    + """
local function is_unsettled(number)
    return redis.call('HEXISTS', outcomes, number) == 0 and redis.call('HEXISTS', hands, number) == 0
        and redis.call('HEXISTS', suspects, number) == 0 and not is_given_up(number)
end
local unsettled, last = {}, {}
for number = tonumber(ARGV[1]), tonumber(ARGV[2]) do
    if redis.call('HEXISTS', late, number) == 0 and is_unsettled(number) then
        unsettled[#unsettled + 1] = number
    end
end
if tonumber(ARGV[2]) >= count('rows') then
    local tried = redis.call('HGETALL', late)
    for i = 1, #tried, 2 do
        local number = tonumber(tried[i])
        if number and is_unsettled(number) then last[#last + 1] = number end
    end
    table.sort(last)
    for _, number in ipairs(last) do unsettled[#unsettled + 1] = number end
end
return unsettled
"""
)
"""The rows of a range that are neither settled nor in flight; with the last range, those that come last in the job.

A row in flight is left out: its message is still in the queue, being processed or to be redelivered.
"""

FED = (
    COMMON
    + """
local before, after = tonumber(ARGV[1]), tonumber(ARGV[2])
local state = redis.call('HGET', job, 'state')
if count('fed') == before and (state == 'starting' or state == 'running') then
    redis.call('HSET', job, 'fed', after)
end
if state == 'starting' then
    redis.call('HSET', job, 'state', 'running')
    end_if_done('running')
end
return redis.call('HGET', job, 'state')
"""
)
"""Rows up to a number are enqueued; the job runs."""

CANCEL = (
    COMMON
    + """
local state = redis.call('HGET', job, 'state')
if state and state ~= 'ended' then
    settle_suspects()
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
    for _, part in ipairs({rows, outcomes, tries}) do
        page[#page + 1] = redis.call('HGET', part, number) or ''
    end
end
return page
"""
)
"""A range of rows, each with its outcome and its last attempt, or an empty text."""
