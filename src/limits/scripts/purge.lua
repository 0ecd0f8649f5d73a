-- Takes away what an earlier filling has left, a little at a time. KEYS: epoch. ARGV: n, cursor, what all keys begin with.
local n = redis.call('HGET', KEYS[1], 'n')
if n ~= ARGV[1] then return { 'epoch' } end
local found = redis.call('SCAN', ARGV[2], 'COUNT', 500)
for _, key in ipairs(found[2]) do
  local is_ours = string.sub(key, 1, #ARGV[3]) == ARGV[3]
  local of_now = string.sub(key, #ARGV[3] + 1, #ARGV[3] + #n + 1)
  if is_ours and key ~= KEYS[1] and of_now ~= n .. ':' then redis.call('UNLINK', key) end
end
return { 'purged', found[1] }
