"""The atomic steps of a row: claim, settle, refuse, requeue. As in ``scripts``, each is idempotent."""

from __future__ import annotations

from gong_tasks_async.distributed.scripts import COMMON

CLAIM = (
    COMMON
    + """
local number, now, page, delivery, lost = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local state = redis.call('HGET', job, 'state')
if not state then return {'over', ''} end
if state == 'starting' then return {'wait', ''} end
local fed, feed = count('fed'), ''
if state == 'running' and fed < count('rows') and tonumber(number) > fed - page then
    feed = fed .. '/' .. count('lives')
end
if state ~= 'running' or redis.call('HEXISTS', outcomes, number) == 1
    or redis.call('HEXISTS', suspects, number) == 1 or is_given_up(number) then
    leave(number)
    return {'over', feed}
end
local held = redis.call('HGET', hands, number)
local probe_at = tonumber(redis.call('HGET', job, 'outage_until') or '')
local early = probe_at and probe_at > tonumber(now) - others_turn(delivery) and probe_at <= tonumber(now) + 30
if probe_at and not held and (early or count('under_way') > 0) then return {'wait', feed} end
local ends, holder = string.match(held or '', '^(%d+) (.*)$')
ends = tonumber(ends or '0')
if held and holder ~= delivery then
    ends = ends + 1
    redis.call('HSET', late, number, 1)
    if ends >= math.max(1, count('row_attempts')) then
        leave(number)
        redis.call('HSET', tries, number, ends .. '!:' .. lost)
        redis.call('HINCRBY', job, 'given_up', 1)
        end_if_done(state)
        return {'over', feed}
    end
end
redis.call('HSET', hands, number, ends .. ' ' .. delivery)
if not held then redis.call('HINCRBY', job, 'under_way', 1) end
if redis.call('HEXISTS', job, 'started_at') == 0 then redis.call('HSET', job, 'started_at', now) end
touch()
local function fact(name) return redis.call('HGET', job, name) or '' end
return {'go', feed, redis.call('HGET', rows, number) or '', fact('settings'), ends,
    redis.call('HGET', tries, number) or '', fact('created_at') .. '/' .. fact('lives'), fact('look'), fact('trace')}
"""
)
"""Claim a row, if it is unsettled and its job running; say whether further rows should be enqueued, and behind which one.

During an outage one row at a time is a probe, and none before its time; a time that no probe waits for, half a minute at
the most, was set by a clock that was ahead. A worker whose connections failed leaves each probe to the others first: the
outage may be its own. A row that is still in flight by another
delivery comes from a worker that ended; after ``row_attempts`` of those it is given up, since it may be what ends them.
"""

SETTLE = (
    COMMON
    + """
local number, state, outcome, now, calls = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local is_first = redis.call('HEXISTS', outcomes, number) == 0
leave(number)
if is_first then
    if is_given_up(number) then redis.call('HINCRBY', job, 'given_up', -1) end
    if state == 'updated' then settle_suspects() end
    redis.call('HSET', outcomes, number, outcome)
    redis.call('HDEL', tries, number)
    redis.call('HINCRBY', job, state, 1)
    spend(calls, ARGV[6], ARGV[7])
    redis.call('HSET', job, 'settled_at', now)
    if tonumber(calls) > 0 then forget_faults() end
    end_if_done(redis.call('HGET', job, 'state'))
end
touch()
return {is_first and 1 or 0, now_failed}
"""
)
"""Record a row's outcome; the first one is kept. Return whether it was, and how many suspects have failed by it."""

REFUSE = (
    COMMON
    + """
local number, outcome, key, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local limit, denied_limit, error = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
local state = redis.call('HGET', job, 'state')
leave(number)
if not state or redis.call('HEXISTS', outcomes, number) == 1 or redis.call('HEXISTS', suspects, number) == 1
    or is_given_up(number) then
    return 0
end
if state == 'stopped' and redis.call('HEXISTS', tries, number) == 1 then return 0 end
spend(ARGV[8], ARGV[9], ARGV[10])
if state == 'stopped' then
    redis.call('HSET', tries, number, '1:' .. error)
    return 0
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
return now_failed
"""
)
"""Hold a refused row as a suspect, as long as rows are refused alike with no success between; return how many failed.

A success, a refusal for another reason or the job's end clears the suspects: they are settled as failed. At the limit
they stop the job, and stay pending: what refuses them may be the credentials, or a wrong column.
"""

REQUEUE = (
    COMMON
    + """
local number, effect, attempt, error = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local stop_after, attempts, resume_after, wait = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], tonumber(ARGV[8])
local now, outage_timeout = tonumber(ARGV[9]), tonumber(ARGV[10])
local before = redis.call('HGET', tries, number)
local is_first = not before or string.match(before, '^(%d+):') ~= attempt
local state = redis.call('HGET', job, 'state')
local delivery = string.match(redis.call('HGET', hands, number) or '', ' (.*)$')
leave(number)
if not state or redis.call('HEXISTS', outcomes, number) == 1 or is_given_up(number) then return 'over' end
touch()
if is_first then spend(ARGV[11], ARGV[12], ARGV[13]) end
if effect ~= 'untried' and effect ~= 'outage' then redis.call('HSET', tries, number, attempt .. ':' .. error) end
if effect == 'fault' and state == 'running' and redis.call('SADD', faulty, number) == 1
    and redis.call('HINCRBY', job, 'faults', 1) >= stop_after then
    effect = 'stopped'
end
if effect == 'outage' and state == 'running' then
    local since = tonumber(redis.call('HGET', job, 'outage_since') or '')
    if not since or since > now then
        since = now
        redis.call('HSET', job, 'outage_since', now)
    end
    if delivery then remember_cut_off(delivery) end
    local probe_at = tonumber(redis.call('HGET', job, 'outage_until') or '0') or 0
    if now - since >= outage_timeout then
        effect = 'stopped'
    elseif now >= probe_at or probe_at > now + 30 then
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
