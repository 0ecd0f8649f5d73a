-- A process says what one of its calls holds, after the store was filled anew. KEYS: epoch, owners, the holds of the
-- process. ARGV: n, the state that the epoch must be in, process, call, now, when, then the parts as they are kept.
-- While calls are gathered it is only noted; later the counters hold it, unless the ledger has told of it already.
local n, ready, id, now = ARGV[1], ARGV[2], ARGV[4], tonumber(ARGV[5])
if not is_in(n, ready) then return { 'epoch' } end
if ready ~= 'f' then redis.call('ZADD', KEYS[2], server_ms(), ARGV[3]) end
if id == '' or redis.call('HEXISTS', KEYS[3], id) == 1 then return { 'declared' } end
local expired = expired_key(n)
local packed = redis.call('HGET', expired, id)
if packed then
  redis.call('HDEL', expired, id)
else
  local parts = {}
  for i = 6, #ARGV do parts[i - 5] = ARGV[i] end
  if ready ~= '0' then place(parts, now) end
  packed = cmsgpack.pack(parts)
end
redis.call('HSET', KEYS[3], id, packed)
return { 'declared' }
