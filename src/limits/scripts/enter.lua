-- Which filling of the store is the right one, and who fills it. KEYS: epoch. ARGV: the process, a name for a new
-- filling, for how long it is the process's own to fill.
local epoch = redis.call('HMGET', KEYS[1], 'n', 'ready', 'run', 'until')
local run, now = run_id(), server_ms()
if epoch[1] and epoch[3] == run then
  if epoch[2] == '1' then return { 'ready', epoch[1] } end
  if tonumber(epoch[4]) > now then return { epoch[2] == '0' and 'gathering' or 'filling', epoch[1] } end
end
redis.call('HSET', KEYS[1], 'n', ARGV[2], 'ready', '0', 'run', run, 'by', ARGV[1], 'until', now + tonumber(ARGV[3]))
return { 'build', ARGV[2] }
