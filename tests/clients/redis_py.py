"""redis-py at its default settings: the story of one ticket, a transaction, a pipeline, and a blocking read."""

import sys
import threading
import time

import redis

Q = "redis-py"
client = redis.Redis(unix_socket_path=sys.argv[1])


def text(value):
    """Bytes as text, all the way down."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, (list, tuple)):
        return [text(v) for v in value]
    if isinstance(value, dict):
        return {text(k): text(v) for k, v in value.items()}
    return value


def call(*arguments):
    return text(client.execute_command(*arguments))


def pairs(reply):
    """A map: a dict under RESP3, a flat list under RESP2."""
    return reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2]))


def streams(reply):
    """XREAD's reply as {key: [(id, fields)]}, whatever the protocol and the version make of it."""
    reply = text(reply)
    items = reply.items() if isinstance(reply, dict) else reply
    found = {}
    for key, entries in items:
        # Under RESP3 some versions wrap the list of entries once more.
        if len(entries) == 1 and entries and isinstance(entries[0][0], list):
            entries = entries[0]
        found[key] = [(id, pairs(fields)) for id, fields in entries]
    return found


def refused(code, *arguments):
    try:
        reply = call(*arguments)
    except redis.exceptions.ResponseError as error:
        assert str(error).startswith(code), (arguments, error)
    else:
        raise AssertionError((arguments, "was not refused but answered", reply))


assert client.ping()
seqs = [call("QUEUE.SET", Q, "open")]
seqs.append(call("AGENT.SET", f"{Q}-agent", "queues", Q, "skills", "network:5"))
due = int(time.time() * 1000) + 3_600_000
opened = call("TICKET.OPEN", f"{Q}-1", "policy", "none", "queue", Q, "priority", "P2",
              "skills", "network>=3", "customer", "客户", "due.resolution", due)
seqs.append(opened)
taken = pairs(call("AGENT.NEXT", f"{Q}-agent"))
assert list(taken)[0] == "ticket" and taken["ticket"] == f"{Q}-1", taken
assert taken["due"] == due and taken["queue"] == Q and taken["priority"] == "P2", taken
hold = taken["hold"]
seqs.append(hold)
seqs.append(call("TICKET.RESPOND", f"{Q}-1", "by", f"{Q}-agent", "hold", hold))
got = pairs(call("TICKET.GET", f"{Q}-1"))
assert got["state"] == "assigned" and got["agent"] == f"{Q}-agent" and got["customer"] == "客户", got
seqs.append(call("TICKET.RESOLVE", f"{Q}-1", "hold", hold))
assert all(isinstance(seq, int) for seq in seqs) and seqs == sorted(set(seqs)), seqs
assert call("AGENT.NEXT", f"{Q}-agent") is None
refused("NOTFOUND", "TICKET.RESPOND", f"{Q}-none")
refused("BADARG", "TICKET.OPEN", f"{Q}-9", "prioritty", "P1")

key = f"events:ticket:{Q}-1"
entries = streams(client.xread({key: "0"}, count=100))[key]
assert [fields["type"] for _, fields in entries] == [
    "ticket.opened", "ticket.assigned", "ticket.responded", "ticket.resolved", "ticket.closed"], entries
assert entries[0][0] == f"{opened}-0" and entries[1][0] == f"{hold}-0", entries
assert text(client.xrange(key, count=1))[0][0] == f"{opened}-0"
assert pairs(text(client.xrevrange(key, count=1))[0][1])["type"] == "ticket.closed"
assert client.xlen("events") >= len(seqs)
assert text(client.xinfo_stream("events"))["length"] >= len(seqs)

# A pipeline that is a transaction: redis-py's default.
with client.pipeline() as pipe:
    pipe.execute_command("TICKET.OPEN", f"{Q}-2", "policy", "none", "queue", Q)
    pipe.execute_command("TICKET.CANCEL", f"{Q}-2", "as", "spam")
    both = pipe.execute()
assert both[1] > both[0], both
# And one that is not.
with client.pipeline(transaction=False) as pipe:
    for i in range(200):
        pipe.execute_command("TICKET.OPEN", f"{Q}-p{i}", "policy", "none", "queue", "none")
    assert len(set(pipe.execute())) == 200

# Two that wait, each on a connection of its own: for work, and for the feed.
waited = {}


def wait_for_work():
    waited["next"] = pairs(call("AGENT.NEXT", f"{Q}-agent", "block", "20s"))


def wait_for_feed():
    waited["feed"] = streams(client.xread({f"events:queue:{Q}": "$"}, block=20_000))


threads = [threading.Thread(target=wait_for_work), threading.Thread(target=wait_for_feed)]
for thread in threads:
    thread.start()
time.sleep(0.5)
call("TICKET.OPEN", f"{Q}-3", "policy", "none", "queue", Q)
for thread in threads:
    thread.join(25)
assert waited["next"]["ticket"] == f"{Q}-3", waited
assert waited["feed"][f"events:queue:{Q}"][0][1]["ticket"] == f"{Q}-3", waited
print("redis-py", redis.__version__)
