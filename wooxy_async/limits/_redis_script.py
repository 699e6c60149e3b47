"""The script that keeps the ten slots on a Redis or Valkey server, and what it is told and answers.

The state of an account is a hash of *members*, one per process that holds or wants slots, a set of slots that are kept
closed, and a few words about the server. A call tells all that its member holds and wants, and what it has freed since
its last answer: said twice it changes nothing. In one step the server

1. buries members whose lease has ended, by its own clock: their slots stay closed for their `hold`;
2. writes down what the caller frees, holds and wants;
3. gives free slots away: urgent before bulk, but a turn of bulk after four of urgent; each first come, first served;
4. tells others of their grants by a message, with the number of the call that renewed their lease last, and grants
   nothing to who does not listen: it is dead.

Whoever finds a server that is not the one of before (it was restarted, emptied, or its clock was set) cannot know who
holds what. All get nothing for one lease, while each member tells what it holds; who has not told by then holds none.
"""

from __future__ import annotations

from math import inf
from typing import Final

import msgspec

SCRIPT: Final = """
local meta, members, closed = KEYS[1], KEYS[2], KEYS[3]
local me, call = ARGV[1], cjson.decode(ARGV[2])
local LIMIT, URGENT_IN_A_ROW = 10, 4

local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local known = redis.call('HMGET', meta, 'run', 'lease', 'limit', 'last', 'quiet', 'row', 'paused')
local last, quiet, row = tonumber(known[4] or now), tonumber(known[5] or 0), tonumber(known[6] or 0)
local paused = tonumber(known[7] or 0)

local all, changed, tickets = {}, {}, 0
local raw = redis.call('HGETALL', members)
for at = 1, #raw, 2 do
  all[raw[at]] = cjson.decode(raw[at + 1])
  for _ in pairs(all[raw[at]].tickets) do tickets = tickets + 1 end
end
if next(all) and known[2] and (tonumber(known[2]) ~= call.lease or tonumber(known[3]) ~= LIMIT) then
  return {'mismatch', known[2], known[3]}
end

-- Is this the server of before? A clock that stood still or was set is as bad as a restart.
local back = last - now
if back > 1000 then
  local kept = redis.call('ZRANGE', closed, 0, -1, 'WITHSCORES')
  for at = 1, #kept, 2 do redis.call('ZADD', closed, kept[at + 1] - back, kept[at]) end
end
if known[1] ~= run or back > 1000 or (tickets > 0 and -back > call.lease) then
  quiet = now + math.max(call.lease, call.hold)
  for name, member in pairs(all) do
    member.ends = now + call.lease
    changed[name] = true
  end
end

for name, member in pairs(all) do
  if member.ends <= now then
    for id in pairs(member.tickets) do redis.call('ZADD', closed, member.ends + member.hold, name .. '|' .. id) end
    redis.call('HDEL', members, name)
    all[name], changed[name] = nil, nil
  end
end
redis.call('ZREMRANGEBYSCORE', closed, '-inf', now)

-- What the caller tells.
local function keep(member, id, kind)
  member.tickets[id] = kind
  member.since[id] = member.since[id] or now
end
local mine = all[me] or {tickets = {}, since = {}, number = 0}
if call.number < mine.number then return {'old'} end
for id, keep in pairs(call.freed) do
  if mine.tickets[id] or now < quiet then
    if keep > 0 then redis.call('ZADD', closed, 'NX', now + keep, me .. '|' .. id) end
    mine.tickets[id], mine.since[id] = nil, nil
  end
end
local adopted = {}
for _, id in ipairs(call.adopted) do adopted[id] = true end
for id, kind in pairs(call.held) do
  if mine.tickets[id] or now < quiet or adopted[id] then keep(mine, id, kind) end
end
mine.ends, mine.hold, mine.max_bulk, mine.number = now + call.lease, call.hold, call.max_bulk, call.number
mine.who, mine.wishes = call.who, {}
for _, wish in ipairs(call.wishes) do table.insert(mine.wishes, {wish[1], wish[2], now - wish[3]}) end
all[me], changed[me] = mine, true

-- Who gets what is free.
local used, bulk = redis.call('ZCARD', closed), 0
local lines, at, deaf = {u = {}, b = {}}, {u = 1, b = 1}, {}
for name, member in pairs(all) do
  for _, kind in pairs(member.tickets) do
    used = used + 1
    if kind == 'b' then bulk = bulk + 1 end
  end
  for _, wish in ipairs(member.wishes) do
    if not member.tickets[wish[1]] then table.insert(lines[wish[2]], {wish[3], name, wish[1]}) end
  end
end
local function earlier(one, other) return one[1] < other[1] end
table.sort(lines.u, earlier)
table.sort(lines.b, earlier)
local function first(kind)
  local turn = lines[kind][at[kind]]
  while turn and (deaf[turn[2]] or (kind == 'b' and bulk >= all[turn[2]].max_bulk)) do
    at[kind] = at[kind] + 1
    turn = lines[kind][at[kind]]
  end
  return turn
end
while now >= quiet and used < LIMIT do
  local urgent, other = first('u'), first('b')
  local kind = (urgent and not (other and row >= URGENT_IN_A_ROW)) and 'u' or 'b'
  local turn = kind == 'u' and urgent or other
  if not turn then break end
  at[kind] = at[kind] + 1
  local name, id = turn[2], turn[3]
  if name == me or redis.call('PUBLISH', meta .. ':' .. name, kind .. id .. ' ' .. all[name].number) > 0 then
    keep(all[name], id, kind)
    changed[name] = true
    used = used + 1
    if kind == 'b' then bulk = bulk + 1 end
    row = (kind == 'u' and other) and row + 1 or 0
  else
    deaf[name] = true
    changed[name] = true
  end
end

-- What is left, and what the others must know.
local waits = {u = 0, b = 0}
local urgent_of_mine = false
for kind, line in pairs(lines) do
  for place = at[kind], #line do
    if line[place][2] ~= me then
      if not deaf[line[place][2]] then waits[kind] = 1 end
    elseif kind == 'u' then
      urgent_of_mine = true
    end
  end
end
if urgent_of_mine then redis.call('PUBLISH', meta .. ':all', 'urgent') end
for name in pairs(changed) do
  local member, wishes = all[name], {}
  for _, wish in ipairs(member.wishes) do
    if not (member.tickets[wish[1]] or deaf[name]) then table.insert(wishes, wish) end
  end
  member.wishes = wishes
  if next(member.tickets) or wishes[1] then
    redis.call('HSET', members, name, cjson.encode(member))
  else
    redis.call('HDEL', members, name)
  end
end
if back > 1000 then paused = paused - back end
if now + call.pause > paused and call.pause > 0 then
  paused = now + call.pause
  redis.call('PUBLISH', meta .. ':all', 'pause ' .. call.pause)
end
redis.call('HSET', meta, 'run', run, 'lease', call.lease, 'limit', LIMIT, 'last', now)
redis.call('HSET', meta, 'quiet', quiet, 'row', row, 'paused', paused)

local opens = redis.call('ZRANGE', closed, 0, 0, 'WITHSCORES')[2]
opens = opens and tonumber(opens)
for name, member in pairs(all) do
  if name ~= me and next(member.tickets) and not (opens and opens < member.ends) then opens = member.ends end
end
if quiet > now then opens = quiet end
local answer = {
  'ok', opens and math.ceil(math.max(opens - now, 0)) or -1, math.ceil(math.max(paused - now, 0)),
  redis.call('ZCARD', closed), waits.u, waits.b
}
for id, kind in pairs(mine.tickets) do table.insert(answer, kind .. id) end
return answer
"""


class Who(msgspec.Struct, frozen=True, kw_only=True):
    """Which process a member is, for people.

    Args:
        host: the name of its machine.
        pid: its number there.
        command: its program, without arguments, which may hold secrets.
    """

    host: str = ""
    pid: int = 0
    command: str = ""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What one member tells the server; times in milliseconds, "u" for urgent and "b" for bulk.

    Args:
        number: grows from call to call; an old one that arrives late is passed over.
        who: the member is.
        lease: how long the member's slots are its own from now on.
        hold: how long they stay closed if it dies.
        max_bulk: slots that bulk may have over all members.
        pause: for how long the account pauses after a 429, as far as the member knows; 0 if it does not.
        held: the tickets that it holds, and what for.
        adopted: those among them that the server has not granted.
        freed: tickets that it holds no more, and how long their slots stay closed.
        wishes: tickets that it would have: name, what for, and how long it has waited.
    """

    number: int
    who: Who
    lease: int
    hold: int
    max_bulk: int
    pause: int
    held: dict[str, str]
    adopted: list[str]
    freed: dict[str, int]
    wishes: list[tuple[str, str, float]]

    def encode(self) -> bytes:
        """Return it as the script reads it."""
        return msgspec.json.encode(self)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What the server answers.

    Args:
        opens: seconds until time alone may give a slot: one opens, a lease ends, or nobody is granted anything until
            then, because the server is not the one of before; inf where nothing is due.
        paused: seconds for which the account pauses after a 429, as far as any member has told.
        closed: slots of the account that are kept closed.
        urgent_waits: whether another member waits with urgent messages.
        bulk_waits: whether another member waits with bulk.
        tickets: all that this member holds, in the server's eyes, and what for.
    """

    opens: float
    paused: float
    closed: int
    urgent_waits: bool
    bulk_waits: bool
    tickets: dict[str, str]


class MismatchError(Exception):
    """Other processes share the account under other terms.

    Args:
        lease: their lease in milliseconds.
        limit: their number of slots.
    """

    def __init__(self, lease: int, limit: int) -> None:
        super().__init__(lease, limit)
        self.lease = lease
        self.limit = limit


def read_reply(raw: list[bytes | int]) -> Standing | None:
    """Return what the script has answered; None for a call that came too late.

    Raises:
        MismatchError: the account is shared under other terms.
    """
    word, *rest = raw
    if word == b"old":
        return None
    if word == b"mismatch":
        raise MismatchError(*(int(float(value)) for value in rest))
    opens, paused, closed, urgent, bulk = (int(value) for value in rest[:5])
    tickets = {name[1:].decode(): name[:1].decode() for name in rest[5:] if isinstance(name, bytes)}
    return Standing(
        opens=inf if opens < 0 else opens / 1000,
        paused=paused / 1000,
        closed=closed,
        urgent_waits=bool(urgent),
        bulk_waits=bool(bulk),
        tickets=tickets,
    )
