-- Asks Licet's gate about each request, for haproxy.cfg beside this file. Written by `licet gate config haproxy`.
--
-- Passes: the request goes on with what the gate tells the site, and without a credential that was for the gate alone. Stopped: the
-- visitor gets the gate's answer whole. No answer of the gate's: the variable txn.gate says "down", and haproxy.cfg decides.

local URL = "http://127.0.0.1/gate/haproxy"
local DST = "abns@licet-gate-80"
local COOKIE = ""

-- What the gate reads of the visitor's own headers. A header that came several times is asked with all its values.
local ASKED = { "user-agent", "authorization", "accept", "signature", "signature-input", "signature-agent", "content-digest", "sec-purpose" }
-- What belongs to the connection to the gate alone.
local HOP = { connection = true, ["keep-alive"] = true, ["transfer-encoding"] = true, ["content-length"] = true, date = true, server = true }

-- HAProxy counts values from 0, its HTTP client from 1.
local function values(given)
    local listed, place = {}, 0
    while given[place] do
        listed[place + 1] = given[place]
        place = place + 1
    end
    return listed
end

-- The site's identity cookie and no other one.
local function identity_cookie(given)
    local found = {}
    for _, line in ipairs(values(given)) do
        for name, value in string.gmatch(line, "%s*([^=;]+)=([^;]*)") do
            if name == COOKIE then
                found[#found + 1] = COOKIE .. "=" .. value
            end
        end
    end
    return found
end

local function question(txn)
    local given = txn.http:req_get_headers()
    local told = {
        ["x-original-method"] = { txn.sf:method() },
        ["x-original-uri"] = { txn.sf:pathq() },
        ["x-forwarded-host"] = { txn.sf:req_hdr("host") },
        ["x-forwarded-for"] = { txn.sf:src() },
        ["x-forwarded-proto"] = { txn.sf:ssl_fc() == "1" and "https" or "http" },
    }
    for _, name in ipairs(ASKED) do
        if given[name] then
            told[name] = values(given[name])
        end
    end
    if COOKIE ~= "" and given["cookie"] then
        told["cookie"] = identity_cookie(given["cookie"])
    end
    return told
end

local function first(headers, name)
    return headers[name] and (headers[name][1] or headers[name][0])
end

core.register_action("licet", { "http-req" }, function(txn)
    local answer = core.httpclient():get{ url = URL, dst = DST, headers = question(txn), timeout = 500 }
    local headers = answer and answer.headers or {}
    if not first(headers, "x-gate-reason") then
        txn:set_var("txn.gate", "down")
        return
    end
    if answer.status == 200 then
        if first(headers, "x-gate-credential") == "licence" then
            txn.http:req_del_header("authorization")
        end
        for _, name in ipairs({ "x-licet-contract", "x-licet-decision" }) do
            if first(headers, name) then
                txn.http:req_set_header(name, first(headers, name))
            end
        end
        return
    end
    local told = {}
    for name, listed in pairs(headers) do
        if not HOP[name] then
            told[name] = listed[0] and values(listed) or listed
        end
    end
    local body = txn.sf:method() == "HEAD" and "" or answer.body
    txn:done(txn:reply{ status = answer.status, headers = told, body = body })
end)
