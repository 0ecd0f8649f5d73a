-- What a call holds: packed as { when, then of each part: key, amount, window, step, ends, lease }. Those of a process
-- that lives are in the hash of that process, those of one that is gone in the hash of the expired, where `=` before a
-- call says that it is settled already.
local part_size = 6

local function expired_key(n)
  return string.sub(KEYS[1], 1, -6) .. n .. ':expired' -- in place of `epoch`
end

-- What was taken by calls of a process that have ended, and may not be in the ledger yet.
local function ended_key(own, n)
  local before = #KEYS[1] - 5 + #n + 1
  return string.sub(own, 1, before) .. 'e' .. string.sub(own, before + 2) -- in place of `h`
end

-- The hold, and the hash it is in.
local function find_hold(own, n, id)
  local packed = redis.call('HGET', own, id)
  if packed then return cmsgpack.unpack(packed), own end
  local expired = expired_key(n)
  packed = redis.call('HGET', expired, id)
  if packed then return cmsgpack.unpack(packed), expired end
end

local function open_part(hold_parts, at, now)
  return open_counter(hold_parts[at], hold_parts[at + 2], hold_parts[at + 3], hold_parts[at + 4], now)
end

-- Counters hold what the parts say, whether there is room or not.
local function place(parts, now)
  for at = 2, #parts, part_size do
    local counter = open_part(parts, at, now)
    hold(counter, exact(parts[at + 1]))
    keep(counter, now)
  end
end
