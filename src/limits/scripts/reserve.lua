-- Holds all lines, or none. KEYS: epoch, the holds of the process, the lines' counters.
-- ARGV: n, call, now, whether it holds already, then of each line: amount, window, step, ends, lease, most.
-- A call that holds already has its hold replaced: what a line had before needs no room again. That is also what becomes
-- of a step that is made again because its answer was late, and of one that comes in later still.
local n, id, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
if not is_in(n, '1') then return { 'epoch' } end

local before, place_of_hold
if ARGV[4] == '1' then
  before, place_of_hold = find_hold(KEYS[2], n, id)
else
  local packed = redis.call('HGET', KEYS[2], id)
  if packed then before, place_of_hold = cmsgpack.unpack(packed), KEYS[2] end
end
local amount_before = {}
if before then
  for at = 2, #before, part_size do amount_before[before[at]] = at end
end

local counters, parts, refused = {}, { before and before[1] or ARGV[3] }, nil
for i = 1, #KEYS - 2 do
  local key, arg = KEYS[i + 2], 5 + (i - 1) * part_size
  local counter = open_counter(key, ARGV[arg + 1], ARGV[arg + 2], ARGV[arg + 3], now)
  counters[i] = counter
  local at = 2 + (i - 1) * part_size
  parts[at], parts[at + 1], parts[at + 2] = key, ARGV[arg], ARGV[arg + 1]
  parts[at + 3], parts[at + 4], parts[at + 5] = ARGV[arg + 2], ARGV[arg + 3], ARGV[arg + 4]
  local most = ARGV[arg + 5]
  if most ~= '' and not refused then
    local high, low = exact(ARGV[arg])
    local had = amount_before[key]
    if had then high, low = minus(high, low, exact(before[had + 1])) end
    local most_high, most_low = exact(most)
    local after_high, after_low = plus(counter.spent_high, counter.spent_low, high, low)
    local all_high, all_low = plus(after_high, after_low, counter.held_high, counter.held_low)
    if is_more(high, low, 0, 0) and is_more(all_high, all_low, most_high, most_low) then
      local is_spent = is_more(after_high, after_low, most_high, most_low)
      local opens = ''
      if is_spent and not is_more(high, low, most_high, most_low) then
        local room_high, room_low = minus(most_high, most_low, high, low)
        opens = opens_in(counter, room_high, room_low, now)
      end
      refused = { 'refused', i - 1, is_spent and 'spent' or 'held', opens }
    end
  end
end

local answer = refused or { 'held' }
if not refused then
  for i, counter in ipairs(counters) do
    local had = amount_before[counter.key]
    if had then
      let_go(counter, exact(before[had + 1]))
      amount_before[counter.key] = nil
    end
    hold(counter, exact(parts[3 + (i - 1) * part_size]))
  end
  for _, at in pairs(amount_before) do
    local counter = open_part(before, at, now)
    let_go(counter, exact(before[at + 1]))
    keep(counter, now)
  end
  if before and place_of_hold ~= KEYS[2] then redis.call('HDEL', place_of_hold, id) end
  redis.call('HSET', KEYS[2], id, cmsgpack.pack(parts))
end
for _, counter in ipairs(counters) do
  keep(counter, now)
  answer[#answer + 1] = decimal(counter.spent_high, counter.spent_low)
  answer[#answer + 1] = decimal(counter.held_high, counter.held_low)
end
return answer
