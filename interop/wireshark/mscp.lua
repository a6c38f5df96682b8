-- MSCP, the Media Server Control Protocol, for Wireshark and tshark.
-- See draft-mcglashan-mscp-02, section 7.2, and README.md beside this file.

local mscp = Proto("mscp", "Media Server Control Protocol")

-- Limits of what is taken for a header; they are those of package mscp.
local MAX_LINE = 1024
local MAX_HEADERS = 32
local MAX_BODY = 1048576
local MAX_PARTS = 64

local f = {
	start = ProtoField.string("mscp.start_line", "Start line"),
	method = ProtoField.string("mscp.method", "Method", base.ASCII, "REQ or NOTIF"),
	version = ProtoField.string("mscp.version", "Version"),
	request = ProtoField.bool("mscp.request", "Request"),
	response = ProtoField.bool("mscp.response", "Response"),
	notification = ProtoField.bool("mscp.notification", "Notification"),
	request_id = ProtoField.uint64("mscp.request_id", "Request ID"),
	status = ProtoField.uint16("mscp.status", "Status code"),
	reason = ProtoField.string("mscp.reason", "Reason phrase"),
	header = ProtoField.string("mscp.header", "Header"),
	content_type = ProtoField.string("mscp.content_type", "Content-Type"),
	content_length = ProtoField.uint32("mscp.content_length", "Content-Length"),
	body = ProtoField.bytes("mscp.body", "Body"),
	part = ProtoField.uint32("mscp.part", "Part"),
	container = ProtoField.string("mscp.container", "Container", base.ASCII, "request, response or notification, as the XML says"),
	element = ProtoField.string("mscp.element", "Element", base.ASCII, "The element in the container"),
	notification_element = ProtoField.string("mscp.notification.element", "Notification element"),
	request_in = ProtoField.framenum("mscp.request_in", "Request in", base.NONE, frametype.REQUEST),
	response_in = ProtoField.framenum("mscp.response_in", "Response in", base.NONE, frametype.RESPONSE),
	time = ProtoField.relative_time("mscp.time", "Time since the request"),
}

-- Attributes of the element that have a field of their own. The paper writes
-- connection-id where the draft has connectionid.
local attributes = {
	["connectionid"] = ProtoField.string("mscp.connection_id", "Connection ID"),
	["dialogid"] = ProtoField.string("mscp.dialog_id", "Dialog ID"),
	["conferenceid"] = ProtoField.string("mscp.conference_id", "Conference ID"),
	["id1"] = ProtoField.string("mscp.id1", "ID 1"),
	["id2"] = ProtoField.string("mscp.id2", "ID 2"),
	["from-uri"] = ProtoField.string("mscp.from_uri", "From URI"),
	["to-uri"] = ProtoField.string("mscp.to_uri", "To URI"),
	["reason"] = ProtoField.string("mscp.error_reason", "Reason of the failure"),
}
local of_attribute = {}
for name, field in pairs(attributes) do
	of_attribute[name] = field
	f["attribute_" .. name] = field
end
of_attribute["connection-id"] = attributes["connectionid"]
mscp.fields = f

local e = {
	malformed = ProtoExpert.new("mscp.malformed", "Malformed MSCP", expert.group.MALFORMED, expert.severity.ERROR),
	header = ProtoExpert.new("mscp.bad_header", "Header that breaks a rule", expert.group.PROTOCOL, expert.severity.WARN),
	lenient = ProtoExpert.new("mscp.lenient", "Taken, though it is not as the draft has it", expert.group.PROTOCOL, expert.severity.NOTE),
	status = ProtoExpert.new("mscp.unknown_status", "Status code that the draft does not have", expert.group.PROTOCOL, expert.severity.WARN),
	failed = ProtoExpert.new("mscp.failed", "Request failed", expert.group.RESPONSE_CODE, expert.severity.NOTE),
	order = ProtoExpert.new("mscp.request_id_order", "Request ID that does not increase", expert.group.SEQUENCE, expert.severity.WARN),
	unasked = ProtoExpert.new("mscp.unasked", "Response to a request that is not in the capture", expert.group.SEQUENCE, expert.severity.NOTE),
	again = ProtoExpert.new("mscp.answered_again", "Request that was answered already", expert.group.SEQUENCE, expert.severity.WARN),
	document = ProtoExpert.new("mscp.bad_document", "Document that breaks a rule", expert.group.PROTOCOL, expert.severity.WARN),
	cut = ProtoExpert.new("mscp.cut", "The capture lacks a part of the PDU", expert.group.UNDECODED, expert.severity.NOTE),
}
mscp.experts = e

mscp.prefs.ports = Pref.range("TCP ports", "", "Ports on which everything is MSCP; elsewhere it is known by its start lines", 65535)
mscp.prefs.heuristic = Pref.bool("Find MSCP on all TCP ports", true, "Look for the start lines of MSCP on TCP connections of no known protocol")

local stream_of = Field.new("tcp.stream")
local xml = Dissector.get("xml")

-- What the first pass has learned: requests by stream, direction and ID, and
-- what to show with each PDU in later passes.
local open, last_id, shown

function mscp.init()
	open, last_id, shown = {}, {}, {}
end

-- Reading ------------------------------------------------------------------

-- blank tells whether s holds a blank too many for a start line; the grammar
-- has two before a request ID.
local function blank(s, with_id)
	if with_id then
		s = s:gsub("  ([^ ]*)$", " %1")
	end
	return s:find("  ") or s:find("\t") or s:find("^ ") or s:find(" $")
end

local phrases = { [200] = "OK", [400] = "Bad Request", [500] = "Internal Error" }

-- parse_start reads a start line into pdu, and returns what is wrong with it.
-- Positions are in bytes from the beginning of the line.
local function parse_start(pdu, line)
	local method, version, id = line:match("^%s*(%u+)%s+(MSCP/%S+)%s*(.-)%s*$")
	if method == "REQ" or method == "NOTIF" then
		pdu.kind = method == "REQ" and "request" or "notification"
		pdu.method, pdu.version = method, version
	else
		local status, rest
		version, status, rest = line:match("^%s*(MSCP/%S+)%s+(%S+)%s+(.-)%s*$")
		if not version then
			return "no start line of MSCP"
		end
		pdu.kind, pdu.version = "response", version
		if not status:match("^[1-9]%d%d$") then
			return "the status code is not of three digits"
		end
		pdu.status = tonumber(status)
		pdu.reason, id = rest:match("^(.-)%s*(%S+)$") -- the ID is the last word
	end
	if version ~= "MSCP/1.0" then
		return "the version is not MSCP/1.0"
	end
	if pdu.kind == "notification" then
		return id ~= "" and "a notification has no request ID" or nil
	end
	if not (id and id:match("^%d+$")) then
		return "the request ID is not of digits"
	end
	id = id:gsub("^0+(%d)", "%1")
	if #id > 20 or (#id == 20 and id > "18446744073709551615") then
		return "the request ID is larger than 64 bits"
	end
	pdu.id = id
end

-- parse_header reads one header line into pdu.
local function parse_header(pdu, h)
	local name, value = h.line:match("^%s*([^:]-)%s*:%s*(.-)%s*$")
	if not name then
		return "a header has no colon"
	end
	h.name, h.value = name:lower(), value
	if name ~= h.line:match("^[^:]*") then
		pdu.note(e.header, h, "blanks around the name of a header")
	end
	if h.name == "content-type" then
		if pdu.content_type then
			pdu.note(e.header, h, "Content-Type is there twice")
		end
		pdu.content_type = value
	elseif h.name == "content-length" then
		local n = value:match("^%d+$") and tonumber(value)
		if not n then
			return "Content-Length is no number"
		elseif n > MAX_BODY then
			return "Content-Length is more than " .. MAX_BODY
		elseif pdu.content_length and pdu.content_length ~= n then
			return "there are two Content-Lengths that differ"
		elseif pdu.content_length then
			pdu.note(e.header, h, "Content-Length is there twice")
		end
		pdu.content_length = n
	else
		pdu.note(e.lenient, h, "a header that the draft does not have")
	end
end

-- parse reads a PDU that begins at the byte at of raw, from 1. Without an
-- end of its header, it returns nil. A PDU with bad has no known end.
local function parse(raw, at)
	local pdu = { from = at, headers = {}, notes = {} }
	function pdu.note(kind, where, text)
		pdu.notes[#pdu.notes + 1] = { kind = kind, from = where.from, len = where.len, text = text }
	end
	local function fail(where, text)
		pdu.bad = text
		pdu.note(e.malformed, where, text)
		return pdu
	end
	local pos, empty = at, 0
	while true do
		local nl = raw:find("\n", pos, true)
		if (nl or #raw) - pos >= MAX_LINE then
			return fail({ from = pos, len = MAX_LINE }, "a line is longer than " .. MAX_LINE .. " bytes")
		elseif not nl then
			return nil
		end
		local h = { from = pos, len = nl - pos + 1, line = raw:sub(pos, nl - 1) }
		pos = nl + 1
		if h.line:sub(-1) == "\r" then
			h.line = h.line:sub(1, -2)
		else
			pdu.note(e.header, h, "a line ends with LF, not CRLF")
		end
		local bad
		if h.line == "" and #pdu.headers == 0 and not (pdu.start and empty > 0 and pdu.doubled) then
			-- before the start line, or the grammar's second CRLF after it
			empty = empty + 1
			pdu.doubled = pdu.start ~= nil
			if not pdu.start then
				pdu.note(e.lenient, h, "an empty line before the start line")
			end
			if empty > MAX_HEADERS then
				bad = "there are more than " .. MAX_HEADERS .. " empty lines"
			end
		elseif h.line == "" then
			break
		elseif not pdu.start then
			pdu.start = h
			bad = parse_start(pdu, h.line)
			if not bad and blank(h.line, pdu.id) then
				pdu.note(e.lenient, h, "blanks in the start line that neither the grammar nor the examples have")
			end
		else
			pdu.headers[#pdu.headers + 1] = h
			bad = #pdu.headers > MAX_HEADERS and "there are more than " .. MAX_HEADERS .. " headers" or parse_header(pdu, h)
		end
		if bad then
			return fail(h, bad)
		end
	end
	if not pdu.content_length then
		return fail(pdu.start, "there is no Content-Length")
	end
	if not pdu.content_type then
		pdu.note(e.header, pdu.start, "there is no Content-Type")
	end
	pdu.body = pos
	pdu.len = pos + pdu.content_length - at
	return pdu
end

-- The documents ---------------------------------------------------------------

local containers = { request = true, response = true, notification = true }

-- find_element looks for the container and the first element in it, as far as
-- an expression can; the rest is the xml dissector's. It returns the names of
-- the root and the container, and of the element its name, what follows the
-- name in its tag, and the place of both, from 1.
local function find_element(doc)
	doc = doc:gsub("<!%-%-.-%-%->", function(s) return (" "):rep(#s) end)
	local root, container, after
	for from, tag, at, attrs, to in doc:gmatch("()<([%a_][%w_:%.%-]*)()([^>]*)>()") do
		local name = tag:match("([^:]*)$")
		root = root or name
		if container then
			if doc:sub(after, from):find("</", 1, true) then
				break -- the container has ended
			end
			return root, container, name, attrs, from, at
		end
		if containers[name] then
			container, after = name, to
			if attrs:sub(-1) == "/" then
				break
			end
		end
	end
	return root, container
end

-- show_document adds what a document is about, and hands it to the xml
-- dissector. range is of the document.
local function show_document(pdu, range, pinfo, tree)
	local doc = range:raw()
	local root, container, name, attrs, from, attrs_at = find_element(doc)
	if not container or (root ~= "mscp" and root ~= container) then
		tree:add_proto_expert_info(e.document, "the body is no mscp document")
	else
		tree:add(f.container, range, container)
		if pdu.kind and container ~= pdu.kind then
			tree:add_proto_expert_info(e.document, "a " .. container .. " in a PDU that is a " .. pdu.kind)
		end
		if not name then
			tree:add_proto_expert_info(e.document, "the " .. container .. " is empty")
		end
	end
	if name then
		pdu.element = pdu.element and pdu.element .. " " .. name or name
		local tag = range(from - 1, attrs_at + #attrs + 1 - from)
		tree:add(f.element, tag, name)
		if container == "notification" then
			tree:add(f.notification_element, tag, name):set_generated()
		end
		for key, at, value, to in attrs:gmatch("([%w_:%.%-]+)%s*=%s*[\"']()([^\"']*)()") do
			local field = of_attribute[key:lower()]
			if field then
				tree:add(field, range(attrs_at + at - 2, to - at), value)
			end
		end
	end
	-- The xml dissector gives up with an error on what is cut.
	if not pcall(function() xml:call(range:tvb(), pinfo, tree) end) then
		tree:add_proto_expert_info(e.document, "the document is no well-formed XML")
	end
end

-- show_parts splits a multipart body. See the draft, section 7.2.2.
local function show_parts(pdu, range, pinfo, tree)
	local boundary = pdu.content_type:match("[;%s][Bb][Oo][Uu][Nn][Dd][Aa][Rr][Yy]%s*=%s*\"([^\"]+)\"")
		or pdu.content_type:match("[;%s][Bb][Oo][Uu][Nn][Dd][Aa][Rr][Yy]%s*=%s*([^%s;]+)")
	if not boundary then
		tree:add_proto_expert_info(e.document, "the multipart has no boundary")
		return
	end
	local body = "\r\n" .. range:raw() -- the first delimiter may begin the body
	local mark, parts = "\r\n--" .. boundary, 0
	local at = body:find(mark, 1, true)
	while at and parts < MAX_PARTS do
		local from = at + #mark
		if body:sub(from, from + 1) == "--" then
			return
		end
		local to = body:find(mark, from, true)
		local _, head = body:find("\r\n\r\n", from, true)
		if not to or not head or head >= to then
			break
		end
		parts = parts + 1
		local part = range(head - 2, to - head - 1)
		show_document(pdu, part, pinfo, tree:add(f.part, part, parts))
		at = to
	end
	tree:add_proto_expert_info(e.document, "the multipart has no end")
end

local function show_body(pdu, range, pinfo, tree)
	local media = (pdu.content_type or "application/mscp+xml"):lower():match("^%s*([^;%s]*)")
	if media:match("^multipart/") then
		show_parts(pdu, range, pinfo, tree:add(f.body, range))
	elseif media == "application/mscp+xml" or media == "application/xml" or media == "text/xml" then
		if media ~= "application/mscp+xml" then
			tree:add_proto_expert_info(e.lenient, "the Content-Type is not application/mscp+xml")
		end
		show_document(pdu, range, pinfo, tree)
	else
		tree:add(f.body, range)
		tree:add_proto_expert_info(e.document, "the Content-Type is not application/mscp+xml")
	end
end

-- Requests and their responses ------------------------------------------------

-- higher tells whether one number of digits is higher than another.
local function higher(a, b)
	return #a > #b or (#a == #b and a > b)
end

-- learn takes down a request or response in the first pass, and returns what is
-- known of it.
local function learn(pdu, pinfo)
	local stream = stream_of()
	local way = pdu.kind == "request" and pinfo.src_port or pinfo.dst_port
	local channel = (stream and tostring(stream.value) or "?") .. "/" .. way
	local key = channel .. "/" .. pdu.id
	local name = pinfo.number .. "/" .. pdu.kind .. "/" .. pdu.from .. "/" .. key
	if pinfo.visited or shown[name] then
		return shown[name]
	end
	local known = { number = pinfo.number, time = pinfo.rel_ts }
	shown[name] = known
	if pdu.kind == "request" then
		known.falls = last_id[channel] and not higher(pdu.id, last_id[channel])
		last_id[channel] = pdu.id
		open[key] = known
	elseif open[key] then
		local request = open[key]
		known.request, known.took = request.number, pinfo.rel_ts - request.time
		known.again = request.response ~= nil
		request.response = request.response or pinfo.number
	end
	return known
end

local function show_links(pdu, pinfo, tree)
	local known = learn(pdu, pinfo)
	if not known then
		return
	end
	if pdu.kind == "request" then
		if known.falls then
			tree:add_proto_expert_info(e.order)
		end
		if known.response then
			tree:add(f.response_in, known.response):set_generated()
		end
		return
	end
	if known.again then
		tree:add_proto_expert_info(e.again)
	end
	if known.request then
		tree:add(f.request_in, known.request):set_generated()
		local s = math.floor(known.took)
		local ns = math.floor((known.took - s) * 1e9 + 0.5)
		tree:add(f.time, NSTime.new(s, math.min(ns, 999999999))):set_generated()
	else
		tree:add_proto_expert_info(e.unasked)
	end
end

-- Showing -----------------------------------------------------------------

local function show_start(pdu, tvb, tree)
	local s = pdu.start
	local range = tvb(s.from - 1, s.len)
	local line = tree:add(f.start, range, s.line)
	if pdu.bad and not pdu.content_length and #pdu.headers == 0 then
		return -- its parts are not to be trusted
	end
	if pdu.method then
		line:add(f.method, range, pdu.method)
	end
	line:add(f.version, range, pdu.version)
	if pdu.status then
		local item = line:add(f.status, range, pdu.status)
		line:add(f.reason, range, pdu.reason)
		if not phrases[pdu.status] then
			item:add_proto_expert_info(e.status)
		elseif phrases[pdu.status] ~= pdu.reason then
			item:add_proto_expert_info(e.lenient, "the reason phrase is not that of the draft")
		end
		if pdu.status ~= 200 then
			item:add_proto_expert_info(e.failed)
		end
	end
	if pdu.id then
		line:add(f.request_id, range, UInt64.new(pdu.id))
	end
	tree:add(f[pdu.kind], range, true):set_generated()
end

local function show_headers(pdu, tvb, tree)
	for _, h in ipairs(pdu.headers) do
		local range = tvb(h.from - 1, h.len)
		if h.name == "content-type" then
			tree:add(f.content_type, range, h.value)
		elseif h.name == "content-length" and h.value:match("^%d+$") and #h.value < 10 then
			tree:add(f.content_length, range, tonumber(h.value))
		else
			tree:add(f.header, range, h.line)
		end
	end
end

-- show adds one PDU to the tree, and returns its summary.
local function show(pdu, tvb, pinfo, tree)
	local len = math.min(pdu.len or tvb:len(), tvb:len() - pdu.from + 1)
	local top = tree:add(mscp, tvb(pdu.from - 1, len))
	if pdu.start then
		show_start(pdu, tvb, top)
		show_headers(pdu, tvb, top)
	end
	for _, n in ipairs(pdu.notes) do
		local left = tvb:len() - n.from + 1
		top:add_tvb_expert_info(n.kind, tvb(n.from - 1, math.min(n.len, left)), n.text)
	end
	if pdu.bad then
		top:append_text(", malformed")
		return "Malformed: " .. pdu.bad
	end
	if pdu.id then
		show_links(pdu, pinfo, top)
	end
	local have = tvb:len() - pdu.body + 1
	if have < pdu.content_length then
		top:add_proto_expert_info(e.cut)
	end
	if math.min(have, pdu.content_length) > 0 then
		show_body(pdu, tvb(pdu.body - 1, math.min(have, pdu.content_length)), pinfo, top)
	elseif pdu.content_length == 0 then
		top:add_proto_expert_info(e.document, "the PDU has no body")
	end
	local summary = pdu.method or (pdu.status .. " " .. pdu.reason)
	if pdu.id then
		summary = summary .. " " .. pdu.id
	end
	if pdu.element then
		summary = summary .. " " .. pdu.element
	end
	top:append_text(", " .. summary)
	return summary
end

-- Entry points ----------------------------------------------------------------

-- dissect is called as it is by the heuristic: through mscp.dissector, which
-- counts as a protocol between, TCP would not put segments together.
local function dissect(tvb, pinfo, tree)
	local raw = tvb:raw()
	local whole = tvb:len() == tvb:reported_len()
	local at, summaries = 1, {}
	while at <= #raw do
		local pdu = parse(raw, at)
		local wants
		if not pdu then
			wants = DESEGMENT_ONE_MORE_SEGMENT
		elseif pdu.len and pdu.len > #raw - at + 1 then
			wants = pdu.len - (#raw - at + 1)
		end
		if wants and whole and pinfo.can_desegment > 0 then
			pinfo.desegment_offset, pinfo.desegment_len = at - 1, wants
			break
		end
		if not pdu then
			tree:add(mscp, tvb(at - 1)):add_proto_expert_info(e.cut)
			break
		end
		summaries[#summaries + 1] = show(pdu, tvb, pinfo, tree)
		if not pdu.len then
			break -- nobody knows where the next begins
		end
		at = at + pdu.len
	end
	if #summaries > 0 then -- now, since the xml dissector names itself as well
		pinfo.cols.protocol = "MSCP"
		pinfo.cols.info = table.concat(summaries, ", ")
		pinfo.cols.info:fence()
	end
	return tvb:len()
end

mscp.dissector = dissect

-- begins tells whether bytes are the start of a start line.
local function begins(s)
	s = s:gsub("^[\r\n]+", "")
	return s:match("^REQ +MSCP/%d") or s:match("^NOTIF +MSCP/%d") or s:match("^MSCP/%d+%.%d+ +%d%d%d")
end

local function heuristic(tvb, pinfo, tree)
	if not mscp.prefs.heuristic or tvb:len() < 10 or not begins(tvb:raw(0, math.min(tvb:len(), 64))) then
		return false
	end
	pinfo.conversation = mscp
	dissect(tvb, pinfo, tree)
	return true
end

mscp:register_heuristic("tcp", heuristic)
pcall(function() mscp:register_heuristic("tls", heuristic) end) -- TCP/TLS/MS

-- What SIP INFO carries is a document alone.
local document = Proto("mscp_document", "MSCP document in SIP")

function document.dissector(tvb, pinfo, tree)
	local top = tree:add(mscp, tvb())
	local pdu = {}
	show_document(pdu, tvb(), pinfo, top)
	if pdu.element then
		top:append_text(", " .. pdu.element)
		pinfo.cols.info:append("| MSCP " .. pdu.element .. " ")
	end
	return tvb:len()
end

-- Decode As, the preference, and what SIP INFO carries (section 7.1).
local ports = DissectorTable.get("tcp.port")
ports:add_for_decode_as(mscp)
DissectorTable.get("media_type"):add("application/mscp+xml", document)

local used = ""
function mscp.prefs_changed()
	if used == mscp.prefs.ports then
		return
	end
	if used ~= "" then
		ports:remove(used, mscp)
	end
	used = mscp.prefs.ports
	if used ~= "" then
		ports:add(used, mscp)
	end
end
