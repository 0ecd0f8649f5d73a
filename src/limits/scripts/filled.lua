-- The one that fills says how far it is. KEYS: epoch. ARGV: n, process, for how long it stays its own to fill, in
-- milliseconds; 'done' where the store is whole.
local epoch = redis.call('HMGET', KEYS[1], 'n', 'by', 'run')
if epoch[1] ~= ARGV[1] or epoch[2] ~= ARGV[2] or epoch[3] ~= run_id() then return { 'epoch' } end
if ARGV[3] == 'done' then
  redis.call('HSET', KEYS[1], 'ready', '1')
else
  redis.call('HSET', KEYS[1], 'until', server_ms() + tonumber(ARGV[3]))
end
return { 'noted' }
