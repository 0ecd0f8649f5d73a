-- A process lives. KEYS: epoch, owners, who asks the ledger, its holds. ARGV: n, process, after how long without a beat one is
-- gone, what the hashes of the processes' holds are called, now, then calls of its own that are in the ledger.
-- Holds of a process that is gone move to the expired ones, their leases end. One process at a time gets some of those,
-- to ask the ledger what became of them.
local n, own, now = ARGV[1], ARGV[2], tonumber(ARGV[5])
if not is_in(n, '1') then return { 'epoch' } end
local server_now = server_ms()
redis.call('ZADD', KEYS[2], server_now, own)
if #ARGV > 5 then redis.call('HDEL', ended_key(KEYS[4], n), unpack(ARGV, 6)) end

local expired = expired_key(n)
local gone = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', server_now - tonumber(ARGV[3]), 'LIMIT', 0, 1)
for _, owner in ipairs(gone) do
  local holds = ARGV[4] .. owner
  local some = redis.call('HRANDFIELD', holds, 250, 'WITHVALUES')
  for i = 1, #some, 2 do
    local parts, left = cmsgpack.unpack(some[i + 1]), nil
    left = { parts[1] }
    for at = 2, #parts, part_size do
      if parts[at + 5] == '1' then
        local counter = open_part(parts, at, now)
        let_go(counter, exact(parts[at + 1]))
        keep(counter, now)
      else
        for field = at, at + part_size - 1 do left[#left + 1] = parts[field] end
      end
    end
    redis.call('HDEL', holds, some[i])
    redis.call('HSET', expired, some[i], cmsgpack.pack(left))
  end
  local ended = ended_key(holds, n)
  local more = redis.call('HRANDFIELD', ended, 250, 'WITHVALUES')
  for i = 1, #more, 2 do
    redis.call('HDEL', ended, more[i])
    redis.call('HSET', expired, '=' .. more[i], more[i + 1])
  end
  if redis.call('EXISTS', holds) == 0 and redis.call('EXISTS', ended) == 0 then redis.call('ZREM', KEYS[2], owner) end
end

local answer = { 'alive', redis.call('HLEN', KEYS[4]) }
if redis.call('EXISTS', expired) == 0 then return answer end
redis.call('SET', KEYS[3], own, 'NX', 'PX', 3000)
if redis.call('GET', KEYS[3]) ~= own then return answer end
redis.call('PEXPIRE', KEYS[3], 3000)
local some = redis.call('HRANDFIELD', expired, 100, 'WITHVALUES')
for i = 1, #some, 2 do
  local parts = cmsgpack.unpack(some[i + 1])
  answer[#answer + 1] = some[i]
  answer[#answer + 1] = parts[1]
  answer[#answer + 1] = math.floor((#parts - 1) / part_size)
  for at = 2, #parts, part_size do
    answer[#answer + 1] = parts[at]
    answer[#answer + 1] = parts[at + 1]
  end
end
return answer
