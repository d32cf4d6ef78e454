// node-redis at its default settings.
import { createRequire } from 'node:module';
import { story } from './story.mjs';

const require = createRequire(`${process.env.SLAD_NODE_CLIENTS}/`);
const { createClient } = require('redis');
const client = createClient({ socket: { path: process.argv[2] } });
client.on('error', (error) => {
  console.error(error);
  process.exit(1);
});
await client.connect();
await story('node-redis', {
  call: (...command) => client.sendCommand(command),
  read: async (key) => {
    const [stream] = await client.xRead([{ key, id: '0' }], { COUNT: 100 });
    return stream.messages.map(({ id, message }) => [id, message]);
  },
  both: (first, second) => client.multi().addCommand(first).addCommand(second).exec(),
});
await client.close();
console.log('node-redis', require('redis/package.json').version);
