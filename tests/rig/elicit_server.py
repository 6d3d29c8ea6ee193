#!/usr/bin/env python3
"""A tiny MCP server over standard input and output whose one tool, `book`, asks for a table size first (elicitation).

Standard library only. Protocol: JSON-RPC 2.0, a message a line (Model Context Protocol 2025-06-18, stdio transport).
The tool's result is the elicitation's own answer as JSON, so that a test can read it in the conversation.
"""

import json
import sys

SCHEMA = {
    "type": "object",
    "properties": {"seats": {"type": "integer", "minimum": 1}, "window": {"type": "boolean"}},
    "required": ["seats"],
}
TOOL = {"name": "book", "description": "Books a table.", "inputSchema": {"type": "object", "properties": {}}}


def send(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def answer(request):
    if request["method"] == "initialize":
        return {
            "protocolVersion": request["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "tables", "version": "1"},
        }
    if request["method"] == "tools/list":
        return {"tools": [TOOL]}
    if request["method"] == "tools/call":
        send(id="ask-1", method="elicitation/create", params={"message": "How many seats?", "requestedSchema": SCHEMA})
        for line in sys.stdin:
            reply = json.loads(line)
            if reply.get("id") == "ask-1":
                return {
                    "content": [
                        {"type": "text", "text": "booked: " + json.dumps(reply.get("result", reply.get("error")))}
                    ]
                }
    return {}


for line in sys.stdin:
    request = json.loads(line)
    if "id" in request and "method" in request:
        send(id=request["id"], result=answer(request))
