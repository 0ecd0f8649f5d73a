-- Adds to what is spent. KEYS: epoch, a mark that it was done, counters. ARGV: n, the state that the epoch must be in,
-- now, then of each counter: amount, window, step, ends, when.
local now = tonumber(ARGV[3])
if not is_in(ARGV[1], ARGV[2]) then return { 'epoch' } end
if not redis.call('SET', KEYS[2], '', 'NX', 'PX', 3600000) then return { 'again' } end
for i = 3, #KEYS do
  local arg = 4 + (i - 3) * 5
  local counter = open_counter(KEYS[i], ARGV[arg + 1], ARGV[arg + 2], ARGV[arg + 3], now)
  local high, low = exact(ARGV[arg])
  spend(counter, high, low, tonumber(ARGV[arg + 4]), now)
  keep(counter, now)
end
return { 'added' }
