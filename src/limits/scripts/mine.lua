-- The calls of a process that hold anything. KEYS: epoch, the holds of the process. ARGV: n.
if not is_in(ARGV[1], '1') then return { 'epoch' } end
return { 'mine', unpack(redis.call('HRANDFIELD', KEYS[2], 1000)) }
