// The story of one ticket, for both clients of Node: each brings `call` and `read`.
import assert from 'node:assert/strict';

/** A map: an object or a Map under RESP3, a flat list under RESP2. */
export function pairs(reply) {
  if (reply instanceof Map) return Object.fromEntries(reply);
  if (!Array.isArray(reply)) return { ...reply };
  return Object.fromEntries(Array.from({ length: reply.length / 2 }, (_, i) => [reply[2 * i], reply[2 * i + 1]]));
}

async function refused(code, asked) {
  await assert.rejects(asked, (error) => String(error.message).startsWith(code) || assert.fail(`${error.message}: not ${code}`));
}

/**
 * q: a name for everything; call(...arguments): sends a command; read(key): [[id, fields]…] by the client's own XREAD;
 * both(first, second): the replies of two commands in one transaction.
 */
export async function story(q, { call, read, both }) {
  const agent = `${q}-agent`;
  const ticket = `${q}-1`;
  const seqs = [await call('QUEUE.SET', q, 'open')];
  seqs.push(await call('AGENT.SET', agent, 'queues', q, 'skills', 'network:5'));
  const due = Date.now() + 3_600_000;
  const opened = await call('TICKET.OPEN', ticket, 'policy', 'none', 'queue', q, 'priority', 'P2',
    'skills', 'network>=3', 'customer', '客户', 'due.resolution', String(due));
  seqs.push(opened);
  const taken = pairs(await call('AGENT.NEXT', agent));
  assert.equal(Object.keys(taken)[0], 'ticket');
  assert.deepEqual([taken.ticket, taken.queue, taken.priority, taken.due], [ticket, q, 'P2', due]);
  const hold = taken.hold;
  seqs.push(hold);
  seqs.push(await call('TICKET.RESPOND', ticket, 'by', agent, 'hold', String(hold)));
  const got = pairs(await call('TICKET.GET', ticket));
  assert.deepEqual([got.state, got.agent, got.customer], ['assigned', agent, '客户']);
  seqs.push(await call('TICKET.RESOLVE', ticket, 'hold', String(hold)));
  seqs.forEach((seq, i) => assert.ok(Number.isSafeInteger(seq) && (i === 0 || seq > seqs[i - 1]), String(seqs)));
  assert.equal(await call('AGENT.NEXT', agent), null);
  await refused('NOTFOUND', call('TICKET.RESPOND', `${q}-none`));
  await refused('BADARG', call('TICKET.OPEN', `${q}-9`, 'prioritty', 'P1'));

  const entries = await read(`events:ticket:${ticket}`);
  assert.deepEqual(entries.map(([, fields]) => fields.type),
    ['ticket.opened', 'ticket.assigned', 'ticket.responded', 'ticket.resolved', 'ticket.closed']);
  assert.deepEqual([entries[0][0], entries[1][0]], [`${opened}-0`, `${hold}-0`]);

  const [first, second] = await both(
    ['TICKET.OPEN', `${q}-2`, 'policy', 'none', 'queue', q], ['TICKET.CANCEL', `${q}-2`, 'as', 'spam']);
  assert.ok(second > first);
  // Both clients send what is asked in one turn as one pipeline.
  const many = await Promise.all(Array.from({ length: 200 }, (_, i) =>
    call('TICKET.OPEN', `${q}-p${i}`, 'policy', 'none', 'queue', 'none')));
  assert.equal(new Set(many).size, 200);
}
