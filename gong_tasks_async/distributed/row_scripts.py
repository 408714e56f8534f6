"""The atomic steps of a row: claim, settle, refuse, requeue. As in ``scripts``, each is idempotent."""

from __future__ import annotations

from gong_tasks_async.distributed.scripts import COMMON

CLAIM = (
    COMMON
    + """
local number, now, page = ARGV[1], ARGV[2], tonumber(ARGV[3])
local state = redis.call('HGET', job, 'state')
if not state then return {'over', 0} end
if state == 'starting' then return {'wait', 0} end
local fed, feed = count('fed'), 0
if state == 'running' and fed < count('rows') and tonumber(number) > fed - page then feed = 1 end
if state ~= 'running' or redis.call('HEXISTS', outcomes, number) == 1
    or redis.call('HEXISTS', suspects, number) == 1 or is_given_up(number) then
    leave(number)
    return {'over', feed}
end
local mine = redis.call('SISMEMBER', hands, number) == 1
local probe_at = tonumber(redis.call('HGET', job, 'outage_until') or '')
if probe_at and not mine and (probe_at > tonumber(now) or count('under_way') > 0) then return {'wait', feed} end
if redis.call('SADD', hands, number) == 1 then redis.call('HINCRBY', job, 'under_way', 1) end
if redis.call('HEXISTS', job, 'started_at') == 0 then redis.call('HSET', job, 'started_at', now) end
touch()
return {'go', feed, redis.call('HGET', rows, number) or '', redis.call('HGET', job, 'settings') or ''}
"""
)
"""Claim a row, if it is unsettled and its job running; say whether further rows should be enqueued.

During an outage one row at a time is a probe, and none before its time.
"""

SETTLE = (
    COMMON
    + """
local number, state, outcome, calls, refused, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
leave(number)
if redis.call('HEXISTS', outcomes, number) == 0 then
    if is_given_up(number) then redis.call('HINCRBY', job, 'given_up', -1) end
    settle_suspects()
    redis.call('HSET', outcomes, number, outcome)
    redis.call('HDEL', tries, number)
    redis.call('HINCRBY', job, state, 1)
    redis.call('HINCRBY', job, 'calls', calls)
    redis.call('HINCRBY', job, 'refused', refused)
    redis.call('HSET', job, 'settled_at', now)
    forget_faults()
    end_if_done(redis.call('HGET', job, 'state'))
end
touch()
return 'ok'
"""
)
"""Record a row's outcome; the first one is kept."""

REFUSE = (
    COMMON
    + """
local number, outcome, key, calls, refused, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local limit, denied_limit, error = tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9]
local state = redis.call('HGET', job, 'state')
leave(number)
if not state or redis.call('HEXISTS', outcomes, number) == 1 or redis.call('HEXISTS', suspects, number) == 1
    or is_given_up(number) then
    return 'ok'
end
if state == 'stopped' and redis.call('HEXISTS', tries, number) == 1 then return 'ok' end
redis.call('HINCRBY', job, 'calls', calls)
redis.call('HINCRBY', job, 'refused', refused)
if state == 'stopped' then
    redis.call('HSET', tries, number, '1:' .. error)
    return 'ok'
end
redis.call('HSET', job, 'settled_at', now)
forget_faults()
if redis.call('HGET', job, 'suspect_key') ~= key then settle_suspects() end
redis.call('HSET', suspects, number, outcome)
redis.call('HSET', job, 'suspect_key', key)
local held = redis.call('HINCRBY', job, 'suspects', 1)
if count('updated') == 0 then limit = denied_limit end
if count('accept') == 1 then
    settle_suspects()
elseif held >= limit and (state == 'running' or state == 'starting') then
    local tried = count('updated') + count('unchanged') + count('failed') + held
    error = string.gsub(string.gsub(error, '"count":0', '"count":' .. held), '"rows":0', '"rows":' .. tried)
    for _, each in ipairs(redis.call('HGETALL', suspects)) do
        if tonumber(each) then redis.call('HSET', tries, each, '1:' .. error) end
    end
    redis.call('DEL', suspects)
    redis.call('HDEL', job, 'suspects', 'suspect_key')
    redis.call('HSET', job, 'state', 'stopped', 'because', error, 'resume_after', '')
    state = 'stopped'
elseif state == 'cancelled' then
    settle_suspects()
end
if state ~= 'stopped' then end_if_done(state) end
touch()
return 'ok'
"""
)
"""Hold a refused row as a suspect, as long as rows are refused alike with no success between.

A success, a refusal for another reason or the job's end clears the suspects: they are settled as failed. At the limit
they stop the job, and stay pending: what refuses them may be the credentials, or a wrong column.
"""

REQUEUE = (
    COMMON
    + """
local number, effect, attempt, error, calls, refused = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local stop_after, attempts, resume_after, wait = tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9], tonumber(ARGV[10])
local now, outage_timeout = tonumber(ARGV[11]), tonumber(ARGV[12])
local before = redis.call('HGET', tries, number)
local is_first = not before or string.match(before, '^(%d+):') ~= attempt
local state = redis.call('HGET', job, 'state')
leave(number)
if not state or redis.call('HEXISTS', outcomes, number) == 1 or is_given_up(number) then return 'over' end
touch()
if is_first then
    redis.call('HINCRBY', job, 'calls', calls)
    redis.call('HINCRBY', job, 'refused', refused)
end
if effect ~= 'untried' and effect ~= 'outage' then redis.call('HSET', tries, number, attempt .. ':' .. error) end
if effect == 'fault' and state == 'running' and redis.call('SADD', faulty, number) == 1
    and redis.call('HINCRBY', job, 'faults', 1) >= stop_after then
    effect = 'stopped'
end
if effect == 'outage' and state == 'running' then
    if redis.call('HEXISTS', job, 'outage_since') == 0 then redis.call('HSET', job, 'outage_since', now) end
    local probe_at = tonumber(redis.call('HGET', job, 'outage_until') or '0') or 0
    if now - (tonumber(redis.call('HGET', job, 'outage_since')) or now) >= outage_timeout then
        effect = 'stopped'
    elseif now >= probe_at then
        local probes = redis.call('HINCRBY', job, 'outage_probes', 1)
        redis.call('HSET', job, 'outage_until', now + math.min(30, 2 ^ (probes - 1)))
    end
end
if effect == 'stopped' or effect == 'paused' then
    if state == 'running' or state == 'starting' then
        redis.call('HSET', job, 'state', effect, 'because', error, 'resume_after', resume_after)
        touch(wait)
    end
    return 'over'
end
if state ~= 'running' and state ~= 'starting' then return 'over' end
if effect == 'given up' or (effect == 'fault' and tonumber(attempt) >= attempts) then
    redis.call('HSET', tries, number, attempt .. '!:' .. error)
    redis.call('HINCRBY', job, 'given_up', 1)
    end_if_done(state)
    return 'over'
end
return 'again'
"""
)
"""Requeue a row without a final response, and decide whether its job continues.

During an outage (no connection can be made) rows are delivered again without limit, until it has lasted for
``outage_timeout``; then the job stops. Consecutive faults are counted by row: one row that fails again and again is no evidence about the others. A row that
is given up is marked by "!" beside its last attempt.
"""
