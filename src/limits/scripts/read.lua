-- KEYS: epoch, counters. ARGV: n, now, then of each counter: window, step, ends.
local now = tonumber(ARGV[2])
if not is_in(ARGV[1], '1') then return { 'epoch' } end
local answer = { 'read' }
for i = 2, #KEYS do
  local arg = 3 + (i - 2) * 3
  local counter = open_counter(KEYS[i], ARGV[arg], ARGV[arg + 1], ARGV[arg + 2], now)
  keep(counter, now)
  answer[#answer + 1] = decimal(counter.spent_high, counter.spent_low)
  answer[#answer + 1] = decimal(counter.held_high, counter.held_low)
end
return answer
