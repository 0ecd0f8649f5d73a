-- Ends a hold. KEYS: epoch, the holds of the process. ARGV: n, call, now, then of each counter: key, what was taken.
-- The counters' keys are in the hold itself; they have the hash tag of all keys here.
-- What was taken is noted until the call is in the ledger: should the process die before, others post what was held. One
-- that was ended in that way is corrected under `=` and its id: the difference is spent.
local n, id, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
if not is_in(n, '1') then return { 'epoch' } end
local parts, place_of_hold = find_hold(KEYS[2], n, id)
if not parts then return { 'unknown' } end
local is_ended = string.sub(id, 1, 1) == '='
local taken, noted = {}, { parts[1] }
for arg = 4, #ARGV, 2 do taken[ARGV[arg]] = ARGV[arg + 1] end
for at = 2, #parts, part_size do
  local counter = open_part(parts, at, now)
  local high, low = exact(taken[parts[at]])
  if is_ended then
    high, low = minus(high, low, exact(parts[at + 1]))
  else
    let_go(counter, exact(parts[at + 1]))
  end
  if high ~= 0 or low ~= 0 then spend(counter, high, low, tonumber(parts[1]), now) end
  keep(counter, now)
  if parts[at + 5] ~= '1' then
    for field = at, at + part_size - 1 do noted[#noted + 1] = parts[field] end
    noted[#noted - part_size + 2] = taken[parts[at]] or '0'
  end
end
redis.call('HDEL', place_of_hold, id)
if #ARGV > 3 and #noted > 1 and place_of_hold == KEYS[2] then
  redis.call('HSET', ended_key(KEYS[2], n), id, cmsgpack.pack(noted))
  return { 'settled', 'noted' }
end
return { 'settled' }
