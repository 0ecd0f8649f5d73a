-- Counters hold what was gathered. KEYS: epoch. ARGV: n, now, then by threes: a process's holds, a call, and whether
-- it is still under way (1) or in the ledger already (0).
local now = tonumber(ARGV[2])
if not is_in(ARGV[1], 'f') then return { 'epoch' } end
for arg = 3, #ARGV, 3 do
  local packed = redis.call('HGET', ARGV[arg], ARGV[arg + 1])
  if packed and ARGV[arg + 2] == '1' then place(cmsgpack.unpack(packed), now) end
  if packed and ARGV[arg + 2] == '0' then redis.call('HDEL', ARGV[arg], ARGV[arg + 1]) end
end
return { 'placed' }
