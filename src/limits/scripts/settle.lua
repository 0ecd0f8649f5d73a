-- Ends a hold. KEYS: epoch, the holds of the process. ARGV: n, call, now, then of each counter: key, what was taken.
-- The counters' keys are in the hold itself; they have the hash tag of all keys here.
local n, id, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
if not is_in(n, '1') then return { 'epoch' } end
local parts, place_of_hold = find_hold(KEYS[2], n, id)
if not parts then return { 'unknown' } end
local taken = {}
for arg = 4, #ARGV, 2 do taken[ARGV[arg]] = ARGV[arg + 1] end
for at = 2, #parts, part_size do
  local counter = open_part(parts, at, now)
  let_go(counter, exact(parts[at + 1]))
  local high, low = exact(taken[parts[at]])
  if high ~= 0 or low ~= 0 then spend(counter, high, low, tonumber(parts[1]), now) end
  keep(counter, now)
end
redis.call('HDEL', place_of_hold, id)
return { 'settled' }
