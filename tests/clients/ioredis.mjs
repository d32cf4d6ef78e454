// ioredis at its default settings.
import { createRequire } from 'node:module';
import { pairs, story } from './story.mjs';

const require = createRequire(`${process.env.SLAD_NODE_CLIENTS}/`);
const { Redis } = require('ioredis');
const client = new Redis(process.argv[2]);
client.on('error', (error) => {
  console.error(error);
  process.exit(1);
});
await story('ioredis', {
  call: (...command) => client.call(...command),
  read: async (key) => {
    const [[, entries]] = await client.xread('COUNT', 100, 'STREAMS', key, '0');
    return entries.map(([id, fields]) => [id, pairs(fields)]);
  },
  both: async (first, second) => {
    const replies = await client.multi().call(...first).call(...second).exec();
    return replies.map(([error, reply]) => {
      if (error) throw error;
      return reply;
    });
  },
});
await client.quit();
console.log('ioredis', require('ioredis/package.json').version);
