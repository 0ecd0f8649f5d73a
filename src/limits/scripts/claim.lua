-- Which rules' pasts are nobody's business yet: they are the asker's from now on. KEYS: epoch, claims. ARGV: n, the
-- state that the epoch must be in, then rules.
if not is_in(ARGV[1], ARGV[2]) then return { 'epoch' } end
local answer = { 'claimed' }
for i = 3, #ARGV do
  if redis.call('SADD', KEYS[2], ARGV[i]) == 1 then answer[#answer + 1] = ARGV[i] end
end
return answer
