-- Whole numbers as two doubles, of 10^12 and of 1: a double alone is exact up to 9 * 10^15, which is 9,000 dollars in
-- pico-dollars. The lower part is at least 0 and less than 10^12, also of a negative number: exact up to 10^27.
local base = 1000000000000

local function exact(text)
  if not text then return 0, 0 end
  local negative = string.byte(text) == 45
  if negative then text = string.sub(text, 2) end
  local high, low = 0, 0
  if #text <= 12 then
    low = tonumber(text)
  else
    high, low = tonumber(string.sub(text, 1, -13)), tonumber(string.sub(text, -12))
  end
  if not negative then return high, low end
  if low == 0 then return -high, 0 end
  return -high - 1, base - low
end

local function decimal(high, low)
  if high == 0 then return string.format('%d', low) end
  if high > 0 then return string.format('%d%012d', high, low) end
  if low > 0 then high, low = -high - 1, base - low else high = -high end
  if high == 0 then return string.format('-%d', low) end
  return string.format('-%d%012d', high, low)
end

local function plus(a_high, a_low, b_high, b_low)
  local low = a_low + b_low
  if low >= base then return a_high + b_high + 1, low - base end
  return a_high + b_high, low
end

local function minus(a_high, a_low, b_high, b_low)
  local low = a_low - b_low
  if low < 0 then return a_high - b_high - 1, low + base end
  return a_high - b_high, low
end

local function is_more(a_high, a_low, b_high, b_low)
  return a_high > b_high or (a_high == b_high and a_low > b_low)
end
