-- A counter is a hash: `s` spent, `h` held; of a rolling window also what was spent in each step, by its number, and
-- the numbers of the oldest (`o`) and the newest (`w`). One that counts nothing is not there.
-- A reference to it is (key, window, step, ends), each but the key '' where it does not apply.
local day_ms = 86400000
local most_at_once = 32

local function past_ms(counter, n)
  return (n + 1) * counter.step + counter.window
end

-- Visits what was spent by step, oldest first, until `visit` says that it has seen enough.
local function each_step(counter, visit)
  if not counter.oldest then return end
  if counter.newest - counter.oldest > 1000 then -- a clock has jumped
    local numbers = {}
    for _, field in ipairs(redis.call('HKEYS', counter.key)) do
      local n = tonumber(field)
      if n then numbers[#numbers + 1] = n end
    end
    table.sort(numbers)
    for _, n in ipairs(numbers) do
      if visit(n, exact(redis.call('HGET', counter.key, string.format('%d', n)))) then return end
    end
    return
  end
  local first = counter.oldest
  while first <= counter.newest do
    local last = math.min(first + most_at_once - 1, counter.newest)
    local fields = {}
    for n = first, last do fields[#fields + 1] = string.format('%d', n) end
    local amounts = redis.call('HMGET', counter.key, unpack(fields))
    for i, amount in ipairs(amounts) do
      if amount and visit(first + i - 1, exact(amount)) then return end
    end
    first = last + 1
  end
end

local function forget(counter, now)
  if not counter.oldest or past_ms(counter, counter.oldest) > now then return end
  local gone, oldest = {}, nil
  each_step(counter, function(n, high, low)
    if past_ms(counter, n) > now then
      oldest = n
      return true
    end
    counter.spent_high, counter.spent_low = minus(counter.spent_high, counter.spent_low, high, low)
    gone[#gone + 1] = string.format('%d', n)
  end)
  for first = 1, #gone, 500 do
    redis.call('HDEL', counter.key, unpack(gone, first, math.min(first + 499, #gone)))
  end
  counter.oldest = oldest
  if not oldest then counter.newest = nil end
  counter.changed = true
end

local function open_counter(key, window, step, ends, now)
  local kept = redis.call('HMGET', key, 's', 'h', 'o', 'w')
  local counter = {
    key = key,
    window = tonumber(window),
    step = tonumber(step),
    ends = tonumber(ends),
    oldest = kept[3] and tonumber(kept[3]),
    newest = kept[4] and tonumber(kept[4]),
    is_new = not kept[1],
  }
  counter.spent_high, counter.spent_low = exact(kept[1])
  counter.held_high, counter.held_low = exact(kept[2])
  if counter.window then forget(counter, now) end
  return counter
end

local function hold(counter, high, low)
  counter.held_high, counter.held_low = plus(counter.held_high, counter.held_low, high, low)
  counter.changed = true
end

local function let_go(counter, high, low)
  counter.held_high, counter.held_low = minus(counter.held_high, counter.held_low, high, low)
  if counter.held_high < 0 then counter.held_high, counter.held_low = 0, 0 end -- the counter was over long before
  counter.changed = true
end

local function spend(counter, high, low, at, now)
  if counter.window then
    local n = math.floor(at / counter.step)
    if past_ms(counter, n) <= now then return end
    local field = string.format('%d', n)
    local before = redis.call('HGET', counter.key, field)
    local step_high, step_low = plus(high, low, exact(before))
    redis.call('HSET', counter.key, field, decimal(step_high, step_low))
    if not counter.oldest or n < counter.oldest then counter.oldest = n end
    if not counter.newest or n > counter.newest then counter.newest = n end
    if not before then counter.outlives = true end
  end
  counter.spent_high, counter.spent_low = plus(counter.spent_high, counter.spent_low, high, low)
  counter.changed = true
end

-- Kept a day longer than it counts, by the server's own clock: the clocks of those who ask may differ from it.
local function keep(counter, now)
  if not counter.changed then return end
  local is_nothing = counter.spent_high == 0 and counter.spent_low == 0
    and counter.held_high == 0 and counter.held_low == 0
  if is_nothing and not counter.oldest then
    redis.call('DEL', counter.key)
    return
  end
  local spent, held = decimal(counter.spent_high, counter.spent_low), decimal(counter.held_high, counter.held_low)
  if counter.oldest then
    redis.call('HSET', counter.key, 's', spent, 'h', held, 'o', counter.oldest, 'w', counter.newest)
  else
    redis.call('HSET', counter.key, 's', spent, 'h', held)
    if counter.window then redis.call('HDEL', counter.key, 'o', 'w') end
  end
  if counter.is_new or counter.outlives then
    local left = counter.window and counter.window + counter.step or counter.ends and counter.ends - now
    if left then redis.call('PEXPIRE', counter.key, string.format('%d', math.max(0, left) + day_ms)) end
  end
end

-- When time alone makes so much room, in milliseconds; '' where it does not.
local function opens_in(counter, room_high, room_low, now)
  if not counter.window then
    local is_enough = not is_more(counter.held_high, counter.held_low, room_high, room_low)
    return is_enough and counter.ends and string.format('%.17g', math.max(1, counter.ends - now)) or ''
  end
  local high, low = plus(counter.spent_high, counter.spent_low, counter.held_high, counter.held_low)
  local opens = ''
  each_step(counter, function(n, step_high, step_low)
    high, low = minus(high, low, step_high, step_low)
    if is_more(high, low, room_high, room_low) then return false end
    opens = string.format('%.17g', math.max(1, past_ms(counter, n) - now))
    return true
  end)
  return opens
end
