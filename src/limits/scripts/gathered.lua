-- Ends the gathering: who comes later waits until the store is whole. KEYS: epoch, owners. ARGV: n, the process that
-- fills, what the hashes of the processes' holds are called. Gives pairs of process and call.
if redis.call('HGET', KEYS[1], 'by') ~= ARGV[2] then return { 'epoch' } end
if not is_in(ARGV[1], '0') then return { 'epoch' } end
redis.call('HSET', KEYS[1], 'ready', 'f')
local answer = { 'gathered' }
for _, owner in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  for _, id in ipairs(redis.call('HKEYS', ARGV[3] .. owner)) do
    answer[#answer + 1] = owner
    answer[#answer + 1] = id
  end
end
return answer
