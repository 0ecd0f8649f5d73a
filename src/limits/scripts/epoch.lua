-- KEYS[1] says which filling of the store is the right one: `n` its name, which is part of every other key; `run` the
-- server process that it was filled in; `ready` 0 while calls are gathered, f while it is filled, 1 once it is whole.
-- A server that was restarted, or another one that took over, may know less than was promised: its run id differs.
local function run_id()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
end

local function is_in(n, ready)
  local epoch = redis.call('HMGET', KEYS[1], 'n', 'ready', 'run')
  return epoch[1] == n and epoch[2] == ready and epoch[3] == run_id()
end

local function server_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
