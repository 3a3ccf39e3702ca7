-- Requests with numbers, of which every fourth has a body, PIPELINE (1) at once.
-- wrk -s loss_wrk.lua URL -- NAME [PIPELINE]. Bodies are as loss_talk.py tells.
local threads = 0
local times = { 1, 1, 8, 64, 512 }

function setup(thread)
	threads = threads + 1
	thread:set("number", threads)
end

function init(args)
	name, count, sent = args[1] .. number, tonumber(args[2] or "1"), 0
end

function one()
	sent = sent + 1
	local path = "/" .. times[sent % #times + 1] .. "/" .. name .. "-" .. sent
	if sent % 4 ~= 0 then
		return wrk.format("GET", path)
	end
	return wrk.format("POST", path, nil, string.rep(path .. "\n", sent % 9 + 1))
end

function request()
	local all = {}
	for i = 1, count do
		all[i] = one()
	end
	return table.concat(all)
end
